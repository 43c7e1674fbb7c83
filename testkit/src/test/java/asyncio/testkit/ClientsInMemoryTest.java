package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Task;
import asyncio.VirtualTime;
import asyncio.streams.Clients;
import asyncio.streams.ConnectionAbortedException;
import asyncio.streams.ConnectionResetException;
import asyncio.streams.LeakCheck;
import asyncio.streams.StreamConnection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;

/** {@link Clients#shutdown} in virtual time, with servers in memory. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ExtendWith(LeakCheck.class)
class ClientsInMemoryTest {
    private static final int SEEDS = Integer.getInteger("asyncio.test.schedules", 50);
    private static final Duration GRACE = Duration.ofSeconds(10);

    private final List<String> log = new ArrayList<>();

    private static Duration now() {
        return EventLoop.getRunningLoop().time();
    }

    private static String line(StreamConnection connection) throws Exception {
        byte[] line = await(connection.reader().readLine());
        return line == null ? "the end" : new String(line, UTF_8).strip();
    }

    private static String ask(StreamConnection connection, String question) throws Exception {
        connection.writer().write(question + "\n");
        return line(connection);
    }

    /** A server that answers each line after that many milliseconds. */
    private void serve(StreamConnection connection) throws Exception {
        try (connection) {
            for (String line; !(line = line(connection)).equals("the end"); ) {
                await(sleep(Duration.ofMillis(Long.parseLong(line))));
                connection.writer().write(line + "\n");
            }
        } catch (ConnectionResetException e) {
            log.add("reset");
        }
    }

    /** Defers the connection, since no coroutine may be left over that was refused. */
    private static Mono<StreamConnection> connect(MemoryNetwork network) {
        return Mono.defer(() -> network.connect("server"));
    }

    private static List<Object> cut(Clients clients) throws Exception {
        return await(clients.shutdown(GRACE));
    }

    @Test
    @DisplayName("connections that are not in use are closed at once, what they wrote is sent, and no more are opened")
    void idle() throws Exception {
        VirtualTime.run(() -> {
            MemoryNetwork network = new MemoryNetwork(Wire.direct().latency(Duration.ofMillis(5)));
            List<String> received = new ArrayList<>();
            Clients clients = new Clients();
            try (MemoryServer server = network.startServerBody(
                    connection -> {
                        try (connection) {
                            received.add(line(connection));
                            received.add(line(connection));
                        }
                    },
                    "server")) {
                StreamConnection unused = await(clients.open(connect(network)));
                StreamConnection used = await(clients.open(connect(network)));
                assertThat(clients).hasToString("<Clients 2 open, 0 at work>");
                await(clients.use(used, connection -> connection.writer().drain()));
                used.writer().write("the last\n");
                Duration before = now();
                assertThat(clients.isShutDown()).isFalse();
                assertThat(cut(clients)).isEmpty();
                assertThat(now().minus(before)).isLessThan(Duration.ofSeconds(1));
                assertThat(clients.isShutDown()).isTrue();
                assertThat(clients).hasToString("<Clients 0 open, 0 at work, shut down>");
                assertThat(unused.writer().isClosing()).isTrue();
                server.close();
                await(server.waitClosed());
                assertThat(received).containsExactlyInAnyOrder("the end", "the end", "the last", "the end");
                assertThatThrownBy(() -> await(clients.open(connect(network))))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageStartingWith("Cannot open a connection: the clients were shut down.");
                assertThatThrownBy(() -> await(clients.use(used, connection -> Mono.empty())))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageStartingWith("Cannot begin work on <StreamConnection");
                assertThat(network.connections()).hasSize(2);
                assertThat(cut(clients)).as("a second time").isEmpty();
            }
        });
    }

    @Test
    @DisplayName("work finishes, several pieces on one connection too; then its connection is closed")
    void atWork() throws Exception {
        VirtualTime.run(() -> {
            MemoryNetwork network = new MemoryNetwork();
            Clients clients = new Clients();
            try (MemoryServer server = network.startServerBody(this::serve, "server")) {
                StreamConnection connection = await(clients.open(connect(network)));
                Task<String> asked = createTask(clients.useBody(connection, c -> ask(c, "3000")));
                Task<String> longer = createTask(clients.use(
                        connection, c -> sleep(Duration.ofSeconds(5)).thenReturn("slept")));
                await(sleep(Duration.ofSeconds(1)));
                assertThat(clients).hasToString("<Clients 1 open, 2 at work>");
                Task<List<Object>> shutdown = createTask(clients.shutdown(GRACE));
                assertThat(await(asked)).isEqualTo("3000");
                assertThat(connection.writer().isClosing()).isFalse();
                assertThat(await(longer)).isEqualTo("slept");
                assertThat(await(shutdown)).isEmpty();
                assertThat(now()).isEqualTo(Duration.ofSeconds(5));
                assertThat(connection.writer().isClosing()).isTrue();
                server.close();
                await(server.waitClosed());
                assertThat(log).isEmpty();
            }
        });
    }

    @Test
    @DisplayName(
            "after the limit work is cancelled, connections are aborted, clean-up is waited for, and told what was cut")
    void cutOff() throws Exception {
        VirtualTime.run(() -> {
            MemoryNetwork network = new MemoryNetwork();
            Clients clients = new Clients();
            try (MemoryServer server = network.startServerBody(this::serve, "server")) {
                StreamConnection quick = await(clients.open(connect(network)));
                StreamConnection slow = await(clients.open(connect(network)));
                Task<String> answered = createTask(clients.useBody(quick, c -> ask(c, "9000")));
                Task<String> cutOff = createTask(clients.useBody(slow, connection -> {
                    try {
                        return ask(connection, "11000");
                    } catch (CancelledException e) {
                        log.add(e.getMessage());
                        throw e;
                    } finally {
                        await(sleep(Duration.ofSeconds(2)));
                        log.add("clean at " + now());
                    }
                }));
                await(sleep(Duration.ZERO));
                assertThat(cut(clients)).containsExactly(slow);
                assertThat(now()).isEqualTo(Duration.ofSeconds(12));
                assertThat(await(answered)).isEqualTo("9000");
                assertThatThrownBy(() -> await(cutOff))
                        .isInstanceOf(ConnectionAbortedException.class)
                        .hasMessageEndingWith(
                                " was cut off: the clients were shut down, and it did not end within the grace period")
                        .hasCauseInstanceOf(CancelledException.class);
                server.close();
                await(server.waitClosed());
                assertThat(log)
                        .containsExactly(
                                "The clients were shut down, and their work did not end within the grace period",
                                "reset",
                                "clean at PT12S");
            }
        });
    }

    @Test
    @DisplayName("an attempt to connect ends with an error, and is undone")
    void attempts() throws Exception {
        VirtualTime.run(() -> {
            Clients clients = new Clients();
            Task<StreamConnection> opening =
                    createTask(clients.open(Mono.<StreamConnection>never().doOnCancel(() -> log.add("undone"))));
            await(sleep(Duration.ofSeconds(1)));
            assertThat(cut(clients)).isEmpty();
            assertThatThrownBy(() -> await(opening))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("the clients were shut down");
            assertThat(log).containsExactly("undone");
            assertThat(now()).isEqualTo(Duration.ofSeconds(1));
        });
    }

    @Test
    @DisplayName("cancelling shutdown cuts nothing off; cancelling work cancels it, and keeps its connection")
    void cancelling() throws Exception {
        VirtualTime.run(() -> {
            MemoryNetwork network = new MemoryNetwork();
            Clients clients = new Clients();
            try (MemoryServer server = network.startServerBody(this::serve, "server")) {
                StreamConnection connection = await(clients.open(connect(network)));
                Task<?> cancelled = createTask(clients.useBody(connection, c -> {
                    try {
                        return await(sleep(GRACE, "late"));
                    } finally {
                        await(sleep(Duration.ofSeconds(1)));
                        log.add("clean");
                    }
                }));
                await(sleep(Duration.ofSeconds(1)));
                await(cancelled.cancelAndJoin());
                assertThat(cancelled.cancelled()).isTrue();
                assertThat(log).containsExactly("clean");
                String answer = await(clients.useBody(connection, c -> ask(c, "1")));
                assertThat(answer).isEqualTo("1");

                Task<String> asked = createTask(clients.useBody(connection, c -> ask(c, "20000")));
                Task<?> shutdown = createTask(clients.shutdown(GRACE));
                await(sleep(Duration.ofSeconds(1)));
                await(shutdown.cancelAndJoin());
                assertThat(await(asked)).isEqualTo("20000");
                await(connection.writer().waitClosed());
                server.close();
                await(server.waitClosed());
            }
        });
    }

    @Test
    @DisplayName("a connection from elsewhere is added by its use; work on a connection that is gone is waited for")
    void fromElsewhere() throws Exception {
        VirtualTime.run(() -> {
            Clients clients = new Clients();
            try (MemoryPair pair = MemoryPair.open();
                    MemoryPair gone = MemoryPair.open()) {
                await(clients.use(pair.client(), c -> c.writer().drain()));
                await(sleep(Duration.ZERO));
                assertThat(clients).hasToString("<Clients 1 open, 0 at work>");
                gone.client().close();
                await(gone.client().writer().waitClosed());
                Task<?> work = createTask(clients.use(gone.client(), c -> sleep(Duration.ofSeconds(3))));
                await(sleep(Duration.ZERO));
                assertThat(clients).hasToString("<Clients 1 open, 1 at work>");
                assertThat(cut(clients)).isEmpty();
                assertThat(now()).isEqualTo(Duration.ofSeconds(3));
                assertThat(work.done()).isTrue();
                assertThat(line(pair.server())).isEqualTo("the end");
            }
        });
    }

    @Test
    void aNegativeTimeIsRefused() {
        assertThatThrownBy(() -> new Clients().shutdown(Duration.ofMillis(-1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("PT-0.001S");
    }

    @Test
    @DisplayName(
            "at any moment and under each seed: all connections are closed, all work has ended, and the cut is told")
    void underEachSeed() {
        long given = Long.getLong("asyncio.test.seed", -1);
        for (long seed = given < 0 ? 0 : given; seed < (given < 0 ? SEEDS : given + 1); seed++) {
            Random random = new Random(seed);
            try (VirtualTimeLoop time = VirtualTimeLoop.builder().seed(seed).build()) {
                time.run(() -> someWork(random));
            } catch (Throwable e) {
                throw new AssertionError("-Dasyncio.test.seed=" + seed + " replays it: " + e, e);
            }
        }
    }

    private static void someWork(Random random) throws Exception {
        MemoryNetwork network = new MemoryNetwork(Wire.direct().latency(Duration.ofMillis(random.nextInt(3))));
        Clients clients = new Clients();
        List<Mono<String>> programs = new ArrayList<>();
        List<String> outcomes = new ArrayList<>();
        try (MemoryServer server = network.startServerBody(new ClientsInMemoryTest()::serve, "server")) {
            for (int i = 0; i < 10; i++) {
                int at = random.nextInt(20);
                int answer = random.nextInt(40);
                programs.add(async(() -> {
                    await(sleep(Duration.ofMillis(at)));
                    try (StreamConnection connection = await(clients.open(connect(network)))) {
                        for (int round = 0; round < 3; round++) {
                            await(clients.useBody(connection, c -> ask(c, "" + answer)));
                        }
                        outcomes.add("all");
                    } catch (IllegalStateException e) {
                        outcomes.add("refused");
                    } catch (ConnectionAbortedException e) {
                        outcomes.add("cut");
                    }
                    return null;
                }));
            }
            Task<?> all = createTask(gather(programs));
            await(sleep(Duration.ofMillis(random.nextInt(60))));
            List<Object> cut = await(clients.shutdown(Duration.ofMillis(random.nextInt(30))));
            assertThat(clients).hasToString("<Clients 0 open, 0 at work, shut down>");
            network.connections()
                    .forEach(pair ->
                            assertThat(pair.client().writer().isClosing()).isTrue());
            await(all);
            assertThat(outcomes).hasSize(10);
            assertThat(outcomes.stream().filter("cut"::equals))
                    .as("others may have been cut off while they were closing")
                    .hasSizeLessThanOrEqualTo(cut.size());
            await(sleep(Duration.ofMillis(200))); // the server's handlers end
        }
    }
}
