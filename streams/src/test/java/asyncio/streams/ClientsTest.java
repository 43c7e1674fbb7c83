package asyncio.streams;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.EventLoop;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** {@link Clients} over sockets and on several loops; {@code ClientsInMemoryTest} of the testkit has virtual time. */
@ExtendWith(LeakCheck.class)
@Timeout(120)
class ClientsTest extends PeerFixture {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final int ROUNDS = 200;

    @Test
    @DisplayName("work that begins inside use may use the clients")
    void eagerWork() throws Exception {
        Asyncio.run(() -> {
            EventLoop.getRunningLoop().setTaskFactory(Asyncio::eagerTaskFactory);
            Clients clients = new Clients();
            try (ServerSocket listener = new ServerSocket(0);
                    StreamConnection connection =
                            await(clients.open(Streams.openConnection(HOST, listener.getLocalPort())))) {
                Boolean refused = await(clients.useBody(connection, c -> {
                    assertThat(clients.isShutDown()).isFalse();
                    return await(clients.useBody(c, same -> clients.isShutDown()));
                }));
                assertThat(refused).isFalse();
                assertThat(await(clients.shutdown(LONG))).isEmpty();
            }
        });
    }

    @Test
    @DisplayName("reactor-netty #2451: an exchange under way gets its answer, then its connection is closed")
    void atWork() throws Exception {
        Asyncio.run(() -> {
            Clients clients = new Clients();
            try (ServerSocket listener = new ServerSocket(0);
                    StreamConnection connection =
                            await(clients.open(Streams.openConnection(HOST, listener.getLocalPort())));
                    var peer = listener.accept()) {
                var answer = Asyncio.createTask(clients.useBody(connection, c -> {
                    c.writer().write("question\n");
                    return text(Objects.requireNonNull(await(c.reader().readLine())));
                }));
                assertThat(await(toThread(() -> text(peer.getInputStream().readNBytes(9)))))
                        .isEqualTo("question\n");
                var shutdown = Asyncio.createTask(clients.shutdown(LONG));
                tick();
                tick();
                assertThat(connection.writer().isClosing()).isFalse();
                peer.getOutputStream().write("answer\n".getBytes());
                assertThat(await(answer)).isEqualTo("answer\n");
                assertThat(await(shutdown)).isEmpty();
                assertThat(await(toThread(() -> peer.getInputStream().read()))).isEqualTo(-1);
            }
        });
    }

    @Test
    @DisplayName("no connection is left open, and no work, if they begin while another thread shuts the clients down")
    void openingAndShuttingDownAtOnce() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        Random random = new Random(seed);
        ExecutorService threads = Executors.newFixedThreadPool(3);
        AtomicInteger refused = new AtomicInteger();
        AtomicInteger done = new AtomicInteger();
        Server server = Objects.requireNonNull(Streams.startServerBody(
                        client -> {
                            try (client) {
                                await(client.writer().writeFrom(client.reader().lines()));
                            }
                        },
                        HOST,
                        0)
                .block());
        try {
            for (int round = 0; round < ROUNDS; round++) {
                Clients clients = new Clients();
                CountDownLatch go = new CountDownLatch(1);
                List<Future<?>> running = new ArrayList<>();
                for (int i = 0; i < 2; i++) {
                    long pause = random.nextInt(200_000);
                    running.add(threads.submit(() -> {
                        go.await();
                        LockSupport.parkNanos(pause);
                        try {
                            StreamConnection connection =
                                    Objects.requireNonNull(clients.open(Streams.openConnection(HOST, server.port()))
                                            .block());
                            clients.use(connection, c -> {
                                        c.writer().write("x\n");
                                        return c.reader().readLine();
                                    })
                                    .block();
                            done.incrementAndGet();
                        } catch (IllegalStateException e) {
                            assertThat(e).hasMessageContaining("the clients were shut down");
                            refused.incrementAndGet();
                        }
                        return null;
                    }));
                }
                long pause = random.nextInt(2_000_000);
                running.add(threads.submit(() -> {
                    go.await();
                    LockSupport.parkNanos(pause);
                    return clients.shutdown(LONG).block();
                }));
                go.countDown();
                for (Future<?> each : running) {
                    each.get(60, TimeUnit.SECONDS);
                }
                assertThat(clients)
                        .as("seed %d, round %d", seed, round)
                        .hasToString("<Clients 0 open, 0 at work, shut down>");
            }
            server.close();
            server.waitClosed().block(LONG); // the server has no client left that the clients have forgotten
        } finally {
            threads.shutdownNow();
            assertThat(EventLoop.shutdownShared(LONG)).isTrue();
        }
        assertThat(refused).as("seed %d", seed).hasPositiveValue();
        assertThat(done).as("seed %d", seed).hasPositiveValue();
    }

    @Test
    void argumentsAreChecked() {
        assertThatThrownBy(() -> new Clients().shutdown(Duration.ofMillis(-1))).hasMessageContaining("PT-0.001S");
    }
}
