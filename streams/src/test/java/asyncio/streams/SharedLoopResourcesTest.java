package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.SharedLoops;
import asyncio.Task;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoEventLoop;
import io.netty.util.concurrent.EventExecutor;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient.Version;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import reactor.netty.resources.ConnectionProvider;
import reactor.netty.resources.LoopResources;

/** HTTP servers and clients of Reactor Netty with handlers on the shared loops. */
@ExtendWith(LeakCheck.class)
class SharedLoopResourcesTest {
    private static final String HOST = "127.0.0.1";

    @AfterEach
    void shutdown() {
        assertThat(EventLoop.shutdownShared(Duration.ofSeconds(10))).isTrue();
    }

    private interface Handler extends BiFunction<HttpServerRequest, HttpServerResponse, Publisher<Void>> {}

    private static HttpServer server(Handler handler) {
        return HttpServer.create()
                .host(HOST)
                .port(0)
                .runOn(Streams.sharedLoopResources())
                .handle(handler);
    }

    /** A client that shares nothing with the server: not Netty, not a loop. */
    private static final class Browser {
        private final java.net.http.HttpClient client =
                java.net.http.HttpClient.newBuilder().version(Version.HTTP_1_1).build();
        private final URI uri;

        Browser(DisposableServer server) {
            uri = URI.create("http://" + HOST + ":" + server.port() + "/");
        }

        CompletableFuture<String> get() {
            return client.sendAsync(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString())
                    .thenApply(Browser::body);
        }

        private static String body(HttpResponse<String> response) {
            assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
            return response.body();
        }
    }

    private static EventLoopGroup loopOf(HttpServerRequest request) {
        List<EventLoopGroup> loop = new ArrayList<>();
        request.withConnection(connection -> loop.add(connection.channel().eventLoop()));
        return loop.get(0);
    }

    private static EventLoopGroup runningLoop() {
        return EventLoop.getRunningLoop().netty();
    }

    @Test
    void handlerOperatorsAndBodyRunOnTheLoopOfTheChannel() throws Exception {
        List<EventLoopGroup> seen = new CopyOnWriteArrayList<>();
        DisposableServer server = server((request, response) -> {
                    seen.add(loopOf(request));
                    seen.add(runningLoop());
                    return response.sendString(Mono.just("hello ")
                            .doOnNext(word -> seen.add(runningLoop()))
                            .flatMap(word -> async(() -> {
                                seen.add(runningLoop());
                                await(sleep(Duration.ofMillis(1)));
                                seen.add(runningLoop());
                                return word + "world";
                            }))
                            .doOnNext(text -> seen.add(runningLoop())));
                })
                .bindNow();
        assertThat(new Browser(server).get().get()).isEqualTo("hello world");
        assertThat(seen).hasSize(6).containsOnly(seen.get(0));
        assertThat(EventLoop.shared()).extracting(EventLoop::netty).contains(seen.toArray(IoEventLoop[]::new));
        server.disposeNow();
    }

    @Test
    void aHandlerMayCreateTasks() throws Exception {
        DisposableServer server = server((request, response) -> {
                    Task<Integer> six = createTask(async(() -> {
                        await(sleep(Duration.ZERO));
                        return 6;
                    }));
                    Task<Integer> seven = createTask(Mono.just(7));
                    return response.sendString(async(() -> "" + await(six) * await(seven)));
                })
                .bindNow();
        assertThat(new Browser(server).get().get()).isEqualTo("42");
        server.disposeNow();
    }

    @Test
    void theBodySeesTheContextOfTheRequest() throws Exception {
        DisposableServer server = server((request, response) -> response.sendString(async(() -> {
                    await(sleep(Duration.ZERO));
                    return Asyncio.currentContext().get("user");
                })))
                .mapHandle((handling, connection) -> handling.contextWrite(context -> context.put("user", "Ada")))
                .bindNow();
        assertThat(new Browser(server).get().get()).isEqualTo("Ada");
        server.disposeNow();
    }

    @Test
    void aClientThatHangsUpCancelsTheBody() throws Exception {
        CompletableFuture<String> waiting = new CompletableFuture<>();
        CompletableFuture<String> cleaned = new CompletableFuture<>();
        DisposableServer server = server((request, response) -> response.sendString(async(() -> {
                    try {
                        waiting.complete("for ever");
                        await(sleep(Duration.ofHours(1)));
                        return "slept well";
                    } catch (CancelledException e) {
                        await(sleep(Duration.ofMillis(1)));
                        cleaned.complete("cleaned up");
                        throw e;
                    }
                })))
                .bindNow();
        try (Socket client = new Socket(HOST, server.port())) {
            client.getOutputStream().write(("GET / HTTP/1.1\r\nHost: " + HOST + "\r\n\r\n").getBytes(UTF_8));
            waiting.get();
        }
        assertThat(cleaned.get()).isEqualTo("cleaned up");
        server.disposeNow();
    }

    @Test
    void connectionsAreSpreadOverAllLoops() throws Exception {
        int loops = EventLoop.shared().size();
        int count = 4 * loops;
        Set<EventLoop> used = ConcurrentHashMap.newKeySet();
        AtomicInteger inside = new AtomicInteger();
        CompletableFuture<String> allAreInside = new CompletableFuture<>();
        DisposableServer server = server((request, response) -> response.sendString(async(() -> {
                    used.add(EventLoop.getRunningLoop());
                    if (inside.incrementAndGet() == count) {
                        allAreInside.complete("together"); // the client cannot use one connection twice
                    }
                    return await(Asyncio.wrapFuture(allAreInside.copy()));
                })))
                .bindNow();
        Browser browser = new Browser(server);
        List<CompletableFuture<String>> replies = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            replies.add(browser.get());
        }
        for (CompletableFuture<String> reply : replies) {
            assertThat(reply.get()).isEqualTo("together");
        }
        assertThat(used).containsExactlyInAnyOrderElementsOf(EventLoop.shared());
        assertThat(EventLoop.shared()).extracting(EventLoop::netty).contains((IoEventLoop)
                server.channel().eventLoop());
        server.disposeNow();
    }

    /**
     * A server with a handler that sends a request to another server and reports whether the answer came on the
     * handler's loop.
     */
    private static DisposableServer frontOf(DisposableServer back, Mono<HttpClient> client) {
        return server((request, response) -> {
                    EventLoopGroup loop = loopOf(request);
                    return response.sendString(async(() -> {
                        HttpClient mine = await(client);
                        String answer = await(mine.get()
                                .uri("http://" + HOST + ":" + back.port() + "/")
                                .responseSingle((head, content) -> content.asString()
                                        .map(text -> text + (runningLoop() == loop ? " here" : " elsewhere"))));
                        return answer + (runningLoop() == loop ? " and here" : " and elsewhere");
                    }));
                })
                .bindNow();
    }

    private static void ask(DisposableServer front, int connections, int times) throws Exception {
        for (int i = 0; i < times; i++) {
            Browser browser = new Browser(front);
            List<CompletableFuture<String>> replies = new ArrayList<>();
            for (int k = 0; k < connections; k++) {
                replies.add(browser.get());
            }
            for (CompletableFuture<String> reply : replies) {
                assertThat(reply.get()).isEqualTo("pong here and here");
            }
        }
    }

    private static DisposableServer pong() {
        return server((request, response) -> response.sendString(async(() -> "pong")))
                .bindNow();
    }

    @Test
    void whatAHandlersClientOpensStaysOnTheHandlersLoop() throws Exception {
        DisposableServer back = pong();
        DisposableServer front =
                frontOf(back, Mono.just(HttpClient.newConnection().runOn(Streams.sharedLoopResources())));
        ask(front, 8, 4);
        front.disposeNow();
        back.disposeNow();
    }

    @Test
    void aClientOnTheRunningLoopHasAPoolOfItsOwn() throws Exception {
        ConnectionProvider pool = ConnectionProvider.create("front", 16);
        DisposableServer back = pong();
        Set<Integer> ports = ConcurrentHashMap.newKeySet();
        DisposableServer front = frontOf(
                back,
                Mono.fromSupplier(() -> HttpClient.create(pool)
                        .runOn(Streams.loopResources(EventLoop.getRunningLoop()))
                        .doOnRequest((request, connection) -> ports.add(
                                ((InetSocketAddress) connection.channel().localAddress()).getPort()))));
        ask(front, 4, 10);
        assertThat(ports.size())
                .as("connections for 40 requests, four at a time")
                .isLessThanOrEqualTo(16);
        front.disposeNow();
        pool.disposeLater().block(Duration.ofSeconds(10));
        back.disposeNow();
    }

    @Test
    void aClientElsewhereTakesTheLoopsInTurn() throws Exception {
        Set<EventLoopGroup> used = ConcurrentHashMap.newKeySet();
        DisposableServer server = pong();
        HttpClient client = HttpClient.newConnection()
                .runOn(Streams.sharedLoopResources())
                .doOnConnected(connection -> used.add(connection.channel().eventLoop()));
        for (int i = 0; i < 2 * EventLoop.shared().size(); i++) {
            assertThat(client.get()
                            .uri("http://" + HOST + ":" + server.port() + "/")
                            .responseContent()
                            .aggregate()
                            .asString()
                            .block())
                    .isEqualTo("pong");
        }
        assertThat(used).hasSize(EventLoop.shared().size());
        server.disposeNow();
    }

    @Test
    void aBodysClientStaysOnItsLoop() throws Exception {
        DisposableServer server = pong();
        HttpClient client = HttpClient.newConnection().runOn(Streams.sharedLoopResources());
        for (EventLoop loop : EventLoop.shared()) {
            boolean[] stayed = new boolean[1];
            assertThat(Asyncio.runThreadsafe(
                                    async(() -> await(client.get()
                                            .uri("http://" + HOST + ":" + server.port() + "/")
                                            .responseSingle((head, content) -> content.asString()
                                                    .doOnNext(text -> stayed[0] = runningLoop() == loop.netty())))),
                                    loop)
                            .get())
                    .isEqualTo("pong");
            assertThat(stayed[0]).isTrue();
        }
        server.disposeNow();
    }

    @Test
    void shutdownEndsServersAndALaterBindStartsAfresh() throws Exception {
        LoopResources resources = Streams.sharedLoopResources();
        SharedLoops before = EventLoop.shared();
        HttpServer description = HttpServer.create()
                .host(HOST)
                .port(0)
                .runOn(resources)
                .handle((request, response) -> response.sendString(
                        async(() -> EventLoop.getRunningLoop().toString())));
        DisposableServer first = description.bindNow();
        EventLoopGroup group = resources.onServer(true);
        assertThat(new Browser(first).get().get()).startsWith("<EventLoop asyncio-");
        try (Socket idle = new Socket(HOST, first.port())) {
            assertThat(EventLoop.shutdownShared(Duration.ofSeconds(10))).isTrue();
            first.onDispose().block(Duration.ofSeconds(10));
            assertThat(idle.getInputStream().read()).as("the end of the stream").isEqualTo(-1);
        } catch (SocketException e) {
            assertThat(e).hasMessageContaining("reset"); // it had not been accepted yet
        }
        assertThat(group.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        assertThat(group.isShutdown()).isTrue();
        assertThatThrownBy(() -> new Socket(HOST, first.port()).close()).isInstanceOf(ConnectException.class);

        DisposableServer second = description.bindNow();
        assertThat(new Browser(second).get().get()).startsWith("<EventLoop asyncio-");
        assertThat(EventLoop.shared()).isNotSameAs(before);
        assertThat(resources.onServer(true)).isNotSameAs(group);
        second.disposeNow();
    }

    @Test
    void aClientAfterShutdownResolvesNamesOnLoopsThatAreOpen() throws Exception {
        for (int i = 0; i < 2; i++) {
            DisposableServer server = pong();
            HttpClient client = HttpClient.newConnection().runOn(Streams.sharedLoopResources());
            assertThat(client.get()
                            .uri("http://localhost:" + server.port() + "/")
                            .responseContent()
                            .aggregate()
                            .asString()
                            .block())
                    .isEqualTo("pong");
            server.disposeNow();
            EventLoop.shutdownShared(Duration.ofSeconds(10));
        }
    }

    @Test
    void shutdownCancelsTheRequestsThatAreUnderWay() throws Exception {
        CompletableFuture<String> waiting = new CompletableFuture<>();
        CompletableFuture<String> cleaned = new CompletableFuture<>();
        DisposableServer server = server((request, response) -> response.sendString(async(() -> {
                    try {
                        waiting.complete("for ever");
                        return await(sleep(Duration.ofHours(1), "slept well"));
                    } finally {
                        cleaned.complete("cleaned up");
                    }
                })))
                .bindNow();
        CompletableFuture<String> reply = new Browser(server).get();
        waiting.get();
        assertThat(EventLoop.shutdownShared(Duration.ofSeconds(10))).isTrue();
        assertThat(cleaned).isCompletedWithValue("cleaned up");
        assertThat(reply)
                .failsWithin(Duration.ofSeconds(10))
                .withThrowableThat()
                .satisfiesAnyOf(
                        e -> assertThat(e).hasRootCauseInstanceOf(IOException.class),
                        e -> assertThat(e).hasMessageContaining("200"));
    }

    @Test
    void disposingDoesNothing() throws Exception {
        LoopResources resources = Streams.sharedLoopResources();
        DisposableServer server = pong();
        resources.dispose();
        resources.disposeLater().block();
        assertThat(resources.isDisposed()).isFalse();
        assertThat(new Browser(server).get().get()).isEqualTo("pong");
        server.disposeNow();
        EventLoopGroup group = resources.onServer(true);
        assertThatThrownBy(group::shutdownGracefully)
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("shutdownShared");
        assertThat(EventLoop.shared()).allMatch(EventLoop::isRunning);
    }

    @Test
    void equalResourcesSharePools() {
        EventLoop loop = EventLoop.shared().next();
        EventLoop other = EventLoop.newEventLoop();
        assertThat(Streams.loopResources(loop))
                .isEqualTo(Streams.loopResources(loop))
                .hasSameHashCodeAs(Streams.loopResources(loop))
                .isNotEqualTo(Streams.loopResources(other));
        other.close();
        assertThat(Streams.sharedLoopResources()).isSameAs(Streams.sharedLoopResources());
    }

    @Test
    void theGroupGivesEachLoopItsTurn() {
        EventLoopGroup group = Streams.sharedLoopResources().onServer(true);
        List<EventExecutor> all = new ArrayList<>();
        group.forEach(all::add);
        assertThat(all).hasSize(EventLoop.shared().size());
        Set<EventExecutor> turns = ConcurrentHashMap.newKeySet();
        for (int i = 0; i < all.size(); i++) {
            turns.add(group.next());
        }
        assertThat(turns).containsExactlyInAnyOrderElementsOf(all);
    }
}
