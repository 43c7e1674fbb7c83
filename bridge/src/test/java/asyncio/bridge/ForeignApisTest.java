package asyncio.bridge;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.bridge.Cancellation.DETACH;
import static asyncio.bridge.Cancellation.PROPAGATE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import com.sun.net.httpserver.HttpServer;
import io.reactivex.rxjava3.core.BackpressureStrategy;
import io.reactivex.rxjava3.core.Flowable;
import io.reactivex.rxjava3.core.Single;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.AsynchronousServerSocketChannel;
import java.nio.channels.AsynchronousSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import okhttp3.Call;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.reactivestreams.FlowAdapters;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import reactor.adapter.JdkFlowAdapter;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** Conversions of third-party APIs. */
class ForeignApisTest {
    private final Dropped dropped = new Dropped();
    private final ExecutorService handlers = Executors.newCachedThreadPool();
    private final CountDownLatch slow = new CountDownLatch(1);
    private final CountDownLatch slowArrived = new CountDownLatch(1);
    private @Nullable HttpServer server;

    @BeforeEach
    void serve() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(handlers);
        server.createContext("/", exchange -> {
            if (exchange.getRequestURI().getPath().equals("/slow")) {
                slowArrived.countDown();
                try {
                    slow.await();
                } catch (InterruptedException e) {
                    throw new IOException(e);
                }
            }
            byte[] body = exchange.getRequestURI().getPath().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        this.server = server;
    }

    @AfterEach
    void stop() {
        slow.countDown();
        dropped.close();
        if (server != null) {
            server.stop(0);
        }
        handlers.shutdownNow();
    }

    private URI uri(String path) {
        return URI.create(
                "http://localhost:" + (server == null ? 0 : server.getAddress().getPort()) + path);
    }

    // ---- NIO.2: CompletionHandler

    @Test
    void anAsynchronousFileChannelIsReadAndWritten(@TempDir Path directory) throws Exception {
        Path path = directory.resolve("file");
        ByteBuffer bytes = ByteBuffer.wrap("hello".getBytes(StandardCharsets.UTF_8));
        String text = Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            try (AsynchronousFileChannel file = AsynchronousFileChannel.open(
                    path, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.READ)) {
                Integer written = await(Callbacks.<Integer>mono(
                        callback -> file.write(bytes, 0, null, callback.asCompletionHandler())));
                assertThat(written).isEqualTo(5);
                assertThat(EventLoop.getRunningLoop()).isSameAs(loop);
                ByteBuffer read = ByteBuffer.allocate(16);
                Future<Integer> count = new Future<>();
                file.read(read, 0, null, Callbacks.of(count).asCompletionHandler());
                assertThat(await(count)).isEqualTo(5);
                assertThatThrownBy(() -> await(Callbacks.<Integer>mono(
                                callback -> file.read(read, -1, null, callback.asCompletionHandler()))))
                        .isInstanceOf(IllegalArgumentException.class);
                return new String(read.array(), 0, 5, StandardCharsets.UTF_8);
            }
        });
        assertThat(text).isEqualTo("hello");
        assertThat(Files.readString(path)).isEqualTo("hello");
    }

    @Test
    void asynchronousSocketChannelsTalkAndAReadIsCancelledByClosing() throws Exception {
        Asyncio.run(() -> {
            try (AsynchronousServerSocketChannel listening = AsynchronousServerSocketChannel.open()
                            .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                    AsynchronousSocketChannel client = AsynchronousSocketChannel.open()) {
                Task<AsynchronousSocketChannel> accepted =
                        createTask(Callbacks.mono(callback -> listening.accept(null, callback.asCompletionHandler())));
                await(Callbacks.<Void>mono(callback -> {
                    client.connect(listening.getLocalAddress(), null, callback.asCompletionHandler());
                }));
                AsynchronousSocketChannel peer = await(accepted);
                await(Callbacks.<Integer>mono(
                        callback -> peer.write(ByteBuffer.wrap(new byte[] {7}), null, callback.asCompletionHandler())));
                ByteBuffer bytes = ByteBuffer.allocate(8);
                assertThat(await(read(client, bytes))).isEqualTo(1);
                Task<Integer> reading = createTask(read(client, bytes));
                await(Asyncio.sleep(Duration.ofMillis(1)));
                reading.cancel();
                assertThatThrownBy(() -> await(reading)).isInstanceOf(CancelledException.class);
                assertThat(client.isOpen()).isFalse();
                assertThat(await(read(peer, bytes))).as("end of stream").isEqualTo(-1);
                peer.close();
            }
        });
    }

    private static Mono<Integer> read(AsynchronousSocketChannel channel, ByteBuffer bytes) {
        return Callbacks.mono(callback -> {
            callback.onCancel(() -> {
                try {
                    channel.close();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            channel.read(bytes, null, callback.asCompletionHandler());
        });
    }

    // ---- java.net.http: CompletableFuture and Flow

    @Test
    void theHttpClientOfTheJdkAnswersAndIsCancelled() throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        Asyncio.run(() -> {
            var answers = await(gather(IntStream.range(0, 20)
                    .mapToObj(i -> Futures.toMono(
                                    () -> client.sendAsync(
                                            HttpRequest.newBuilder(uri("/" + i)).build(), BodyHandlers.ofString()),
                                    PROPAGATE)
                            .map(HttpResponse::body))
                    .toList()));
            assertThat(answers)
                    .isEqualTo(IntStream.range(0, 20).mapToObj(i -> "/" + i).toList());
            var pending = client.sendAsync(HttpRequest.newBuilder(uri("/slow")).build(), BodyHandlers.discarding());
            Task<?> task = createTask(Futures.toMono(pending, PROPAGATE));
            await(Asyncio.sleep(Duration.ofMillis(1)));
            task.cancel();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            assertThat(pending).isCompletedExceptionally();
            assertThatThrownBy(() -> await(Futures.toMono(
                            () -> client.sendAsync(
                                    HttpRequest.newBuilder(URI.create("http://localhost:1/"))
                                            .build(),
                                    BodyHandlers.discarding()),
                            PROPAGATE)))
                    .isInstanceOf(IOException.class)
                    .isNotInstanceOf(CompletionException.class);
        });
    }

    @Test
    void bodiesOfTheJdksHttpClientAreFlowPublishersAndSubscribers() throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        Flow.Publisher<List<ByteBuffer>> body = Asyncio.run(() -> await(Futures.toMono(
                        () -> client.sendAsync(
                                HttpRequest.newBuilder(uri("/flow")).build(), BodyHandlers.ofPublisher()),
                        PROPAGATE)))
                .body();
        StepVerifier.create(JdkFlowAdapter.flowPublisherToFlux(body)
                        .flatMapIterable(buffers -> buffers)
                        .map(buffer -> StandardCharsets.UTF_8.decode(buffer).toString())
                        .reduce(String::concat))
                .expectNext("/flow")
                .verifyComplete();
        var subscriber = BodySubscribers.ofString(StandardCharsets.UTF_8);
        Flux.just(List.of(ByteBuffer.wrap(new byte[] {'a'})), List.of(ByteBuffer.wrap(new byte[] {'b'})))
                .subscribe(FlowAdapters.toSubscriber(subscriber));
        StepVerifier.create(Futures.toMono(subscriber.getBody(), DETACH))
                .expectNext("ab")
                .verifyComplete();
    }

    @Test
    void flowPublishersAndSubscribersConvertBothWays() {
        try (SubmissionPublisher<Integer> publisher = new SubmissionPublisher<>()) {
            StepVerifier.create(JdkFlowAdapter.flowPublisherToFlux(publisher))
                    .then(() -> IntStream.range(0, 3).forEach(publisher::submit))
                    .expectNext(0, 1, 2)
                    .then(publisher::close)
                    .verifyComplete();
        }
        Flow.Publisher<Integer> flow = JdkFlowAdapter.publisherToFlowPublisher(Flux.range(0, 3));
        StepVerifier.create(FlowAdapters.toPublisher(flow)).expectNext(0, 1, 2).verifyComplete();
        List<Integer> got = new ArrayList<>();
        Flux<Integer> source = Flux.range(0, 3);
        source.subscribe(FlowAdapters.toSubscriber(FlowAdapters.toFlowSubscriber(new Subscriber<Integer>() {
            @Override
            public void onSubscribe(Subscription subscription) {
                subscription.request(2);
            }

            @Override
            public void onNext(Integer item) {
                got.add(item);
            }

            @Override
            public void onError(Throwable error) {}

            @Override
            public void onComplete() {}
        })));
        assertThat(got).as("the demand arrives").containsExactly(0, 1);
    }

    // ---- OkHttp: Callback

    private Mono<String> get(OkHttpClient client, String path) {
        return Callbacks.mono(callback -> {
            Call call = client.newCall(
                    new Request.Builder().url(uri(path).toString()).build());
            callback.onCancel(call::cancel);
            call.enqueue(new okhttp3.Callback() {
                @Override
                public void onResponse(Call call, Response response) throws IOException {
                    try (response) {
                        callback.success(response.body().string());
                    }
                }

                @Override
                public void onFailure(Call call, IOException error) {
                    callback.failure(error);
                }
            });
        });
    }

    @Test
    void okHttpAnswersFailsAndIsCancelled() throws Exception {
        OkHttpClient client = new OkHttpClient();
        try {
            Asyncio.run(() -> {
                EventLoop loop = EventLoop.getRunningLoop();
                String body = await(get(client, "/ok")
                        .doOnNext(text -> assertThat(EventLoop.runningOrNull()).isSameAs(loop)));
                assertThat(body).isEqualTo("/ok");
                Task<String> slow = createTask(get(client, "/slow"));
                assertThat(await(Blocking.mono(() -> slowArrived.await(10, TimeUnit.SECONDS), DETACH)))
                        .isEqualTo(true);
                slow.cancel();
                assertThatThrownBy(() -> await(slow)).isInstanceOf(CancelledException.class);
                while (client.dispatcher().runningCallsCount() > 0) {
                    await(Asyncio.sleep(Duration.ofMillis(1)));
                }
                if (server != null) {
                    server.stop(0);
                }
                client.connectionPool().evictAll();
                assertThatThrownBy(() -> await(get(client, "/gone"))).isInstanceOf(IOException.class);
            });
            assertThat(dropped.errors)
                    .as("OkHttp reports a cancelled call as a failure, which nobody waits for")
                    .singleElement()
                    .isInstanceOf(IOException.class);
        } finally {
            client.dispatcher().executorService().shutdown();
            client.connectionPool().evictAll();
            assertThat(client.dispatcher().executorService().awaitTermination(10, TimeUnit.SECONDS))
                    .isTrue();
        }
    }

    // ---- RxJava: a reactive stream of another library

    @Test
    void aFlowableIsAFluxAndAFluxAFlowable() {
        StepVerifier.create(Flux.from(Flowable.range(0, 5).map(i -> i * i)))
                .expectNext(0, 1, 4, 9, 16)
                .verifyComplete();
        Flowable.fromPublisher(Listeners.<Integer>flux(Overflow.fail(8), sink -> {
                    sink.next(1);
                    sink.next(2);
                    sink.complete();
                }))
                .test()
                .assertResult(1, 2);
        StepVerifier.create(Mono.from(Flowable.fromPublisher(Callbacks.<Integer>mono(callback -> callback.success(1)))))
                .expectNext(1)
                .verifyComplete();
        StepVerifier.create(Futures.toMono(() -> Single.just(3).toCompletionStage(), PROPAGATE))
                .expectNext(3)
                .verifyComplete();
    }

    @Test
    void aFlowableIsPushedIntoAListenerAndAListenerFeedsAFlowable() {
        List<Integer> got = new ArrayList<>();
        Push push = Listeners.push(Flowable.range(0, 1000), got::add, end -> got.add(-1));
        assertThat(got).hasSize(1001).endsWith(999, -1);
        assertThat(push.isDisposed()).isTrue();
        Flowable<Integer> flowable = Flowable.create(
                emitter -> {
                    Push feed = Listeners.push(Flux.range(0, 3), emitter::onNext, end -> emitter.onComplete());
                    emitter.setCancellable(feed::dispose);
                },
                BackpressureStrategy.BUFFER);
        flowable.test().assertResult(0, 1, 2);
    }
}
