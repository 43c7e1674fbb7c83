package asyncio.examples;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.ImmediateEventExecutor;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;
import reactor.netty.DisposableServer;

/** The HTTP server under many concurrent clients, some of which hang up. */
@Timeout(120)
class HttpServerTest {
    private static final int CLIENTS = 40;
    private static final int REQUESTS = 100;
    private static final int RUDE_CLIENTS = 50;

    /** The observations about the requests, from all threads that served them. */
    private final AtomicInteger begun = new AtomicInteger();

    private final AtomicInteger ended = new AtomicInteger();
    private final Set<EventLoop> loops = ConcurrentHashMap.newKeySet();
    private final Set<String> offLoop = ConcurrentHashMap.newKeySet();

    private final List<Throwable> dropped = new CopyOnWriteArrayList<>();

    @BeforeEach
    void catchDroppedErrors() {
        Hooks.onErrorDropped(dropped::add);
    }

    @AfterEach
    void resetHooks() {
        Hooks.resetOnErrorDropped();
    }

    @Test
    void everyOneOfThousandsOfRequestsIsAnsweredOnItsLoopAndNothingIsLeft() throws Exception {
        ChannelGroup channels = new DefaultChannelGroup(ImmediateEventExecutor.INSTANCE);
        DisposableServer server =
                HttpServer.on(0).channelGroup(channels).mapHandle(this::watched).bindNow();
        Set<EventLoop> shared = new HashSet<>();
        EventLoop.shared().forEach(shared::add);

        ExecutorService threads = Executors.newFixedThreadPool(CLIENTS + 1);
        List<Future<?>> clients = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            Random random = new Random(i);
            clients.add(threads.submit(() -> client(server.port(), random)));
        }
        clients.add(threads.submit(() -> rudeClients(server.port())));
        for (Future<?> client : clients) {
            client.get();
        }
        threads.shutdown();

        assertThat(offLoop).isEmpty();
        assertThat(loops).as("loops that served").isEqualTo(shared);
        assertThat(begun.get()).as("requests").isBetween(CLIENTS * REQUESTS, CLIENTS * REQUESTS + RUDE_CLIENTS);

        server.disposeNow();
        channels.close().await();
        untilEveryTaskHasEnded(shared);
        assertThat(ended.get()).as("requests that ended").isEqualTo(begun.get());
        assertThat(channels.size()).as("channels").isZero();
        assertThat(EventLoop.shutdownShared(Duration.ofSeconds(10)))
                .as("all tasks ended in time")
                .isTrue();
        assertThat(threadsOfLoopsAndBodies()).isEmpty();
        assertThat(dropped).isEmpty();
    }

    /**
     * Wraps a request: the loop on which its handler begins, and the loop on which its body's result arrives, must be
     * that of the connection.
     */
    private Mono<Void> watched(Mono<Void> handling, Connection connection) {
        return Mono.defer(() -> {
            EventLoopGroup loop =
                    connection.channel().eventLoop(); // read now: at the end the connection has no channel
            begun.incrementAndGet();
            note(loop, "began");
            return handling.doFinally(signal -> {
                ended.incrementAndGet();
                note(loop, "ended");
            });
        });
    }

    private void note(EventLoopGroup loop, String what) {
        EventLoop running = EventLoop.getRunningLoop();
        if (running.netty() == loop) {
            loops.add(running);
        } else {
            offLoop.add("a request of " + loop + " " + what + " on " + running);
        }
    }

    /** One connection, one request after another. */
    private static Void client(int port, Random random) throws Exception {
        HttpClient client =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        for (int i = 0; i < REQUESTS; i++) {
            int n = random.nextInt(30);
            switch (random.nextInt(5)) {
                case 0 -> expect(client, port, "/slow/" + n, 200, "Slept " + n + " ms\n");
                case 1 -> expect(client, port, "/sum/" + n, 200, n * (n + 1) * (2 * n + 1) / 6 + "\n");
                case 2 ->
                    expect(
                            client,
                            port,
                            "/sum/-" + (n + 1),
                            400,
                            "the number of squares must be a number from 0 to 1000, not -" + (n + 1) + "\n");
                default -> expect(client, port, "/hello/n%C2%BA" + n, 200, "Hello, nº" + n + "!\n");
            }
        }
        return null;
    }

    private static void expect(HttpClient client, int port, String path, int status, String body) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .timeout(Duration.ofSeconds(60))
                .build();
        HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
        assertThat(response.body()).as(path).isEqualTo(body);
        assertThat(response.statusCode()).as(path).isEqualTo(status);
    }

    /** They request a page that takes a minute, and hang up. */
    private static Void rudeClients(int port) throws Exception {
        for (int i = 0; i < RUDE_CLIENTS; i++) {
            try (Socket socket = new Socket("127.0.0.1", port)) {
                socket.getOutputStream().write("GET /slow/60000 HTTP/1.1\r\nHost: here\r\n\r\n".getBytes(UTF_8));
            }
        }
        return null;
    }

    private static void untilEveryTaskHasEnded(Set<EventLoop> loops) throws Exception {
        for (EventLoop loop : loops) {
            for (asyncio.Task<?> task : loop.allTasks()) {
                task.toFuture()
                        .handle((result, error) -> null)
                        .get(10, TimeUnit.SECONDS); // far less than a minute: it was cancelled
            }
            assertThat(loop.allTasks()).isEmpty();
        }
    }

    private static List<Thread> threadsOfLoopsAndBodies() throws InterruptedException {
        List<Thread> left = new ArrayList<>();
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().matches("asyncio-\\d+-.*")) {
                thread.join(10_000);
                if (thread.isAlive()) {
                    left.add(thread);
                }
            }
        }
        return left;
    }
}
