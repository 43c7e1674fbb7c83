package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.Future;
import asyncio.Task;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;

/** {@link Server#shutdown}: idle connections are closed, handlers finish, the rest is cut off. */
@ExtendWith(LeakCheck.class)
@Timeout(60)
class ShutdownTest extends PeerFixture {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final Duration SHORT = Duration.ofMillis(100);

    private final List<Object> log = new ArrayList<>();

    /** Answers each line; "slow" only once {@code go} is done. */
    private ConnectionHandler answering(Future<Void> go) {
        return connection -> {
            try (connection) {
                for (byte[] line; (line = await(connection.reader().readLine())) != null; ) {
                    if (new String(line).startsWith("slow")) {
                        log.add("asked");
                        await(Mono.defer(() -> go));
                    }
                    connection.writer().write(line);
                    await(connection.writer().drain());
                }
            }
            log.add("handled");
        };
    }

    private static StreamConnection connect(Server server) throws Exception {
        return await(Streams.openConnection(HOST, server.port()));
    }

    private static String ask(StreamConnection client, String line) throws Exception {
        client.writer().write(line + "\n");
        return line(client);
    }

    private static String line(StreamConnection client) throws Exception {
        byte[] line = await(client.reader().readLine());
        return line == null ? null : new String(line).trim();
    }

    private void untilLogged(Object what) throws Exception {
        while (!log.contains(what)) {
            await(sleep(Duration.ofMillis(1)));
        }
    }

    @Test
    @DisplayName(
            "aiohttp #1221: connections that wait for the next request are closed at once, those that never had one too")
    void idle() throws Exception {
        Asyncio.run(() -> {
            Server server = await(Streams.startServerBody(answering(new Future<>()), HOST, 0));
            try (StreamConnection asked = connect(server);
                    StreamConnection silent = connect(server)) {
                assertThat(ask(asked, "hello")).isEqualTo("hello");
                await(sleep(Duration.ofMillis(50)));
                int port = server.port();
                long start = System.nanoTime();
                assertThat(await(server.shutdown(LONG))).isEmpty();
                assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(LONG.dividedBy(2));
                assertThat(line(asked)).isNull();
                assertThat(line(silent)).isNull();
                assertThat(log).containsExactly("handled", "handled");
                assertThatThrownBy(() -> await(Streams.openConnection(HOST, port)))
                        .isInstanceOf(IOException.class);
                assertThat(await(server.shutdown(Duration.ZERO)))
                        .as("a second time")
                        .isEmpty();
            }
        });
    }

    @Test
    @DisplayName("reactor-netty #1042: a handler at work finishes its answer, then its connection is closed")
    void atWork() throws Exception {
        Asyncio.run(() -> {
            Future<Void> go = new Future<>();
            Server server = await(Streams.startServerBody(answering(go), HOST, 0));
            try (StreamConnection client = connect(server)) {
                client.writer().write("slow\n");
                untilLogged("asked");
                Task<List<Object>> shutdown = createTask(server.shutdown(LONG));
                await(sleep(Duration.ofMillis(50)));
                assertThat(shutdown.done()).isFalse();
                go.setResult(null);
                assertThat(line(client)).isEqualTo("slow");
                assertThat(line(client)).isNull();
                assertThat(await(shutdown)).isEmpty();
                assertThat(log).containsExactly("asked", "handled");
            }
        });
    }

    @Test
    @DisplayName("a request that is half there is not taken for idleness")
    void halfARequest() throws Exception {
        Asyncio.run(() -> {
            Server server = await(Streams.startServerBody(
                    connection -> {
                        try (connection) {
                            String head = line(connection);
                            log.add("head");
                            String body = line(connection);
                            connection.writer().write(head + body + "\n");
                            await(connection.writer().drain());
                        }
                    },
                    HOST,
                    0));
            try (StreamConnection two = connect(server);
                    StreamConnection part = connect(server)) {
                two.writer().write("head\n");
                part.writer().write("he");
                untilLogged("head");
                await(sleep(Duration.ofMillis(50)));
                Task<List<Object>> shutdown = createTask(server.shutdown(LONG));
                await(sleep(Duration.ofMillis(50)));
                assertThat(ask(two, "body")).isEqualTo("headbody");
                assertThat(ask(part, "ad\nbody")).isEqualTo("headbody");
                assertThat(await(shutdown)).isEmpty();
            }
        });
    }

    @Test
    @DisplayName(
            "aiohttp #3638: after the limit handlers are cancelled, their clean-up is waited for, and told what was cut")
    void cutOff() throws Exception {
        Asyncio.run(() -> {
            List<StreamConnection> served = new ArrayList<>();
            Server server = await(Streams.startServerBody(
                    connection -> {
                        served.add(connection);
                        try (connection) {
                            log.add("begun");
                            await(Mono.never());
                        } catch (CancelledException e) {
                            log.add(e.getMessage());
                            throw e;
                        } finally {
                            await(sleep(SHORT));
                            log.add("clean");
                        }
                    },
                    HOST,
                    0));
            try (StreamConnection client = connect(server)) {
                untilLogged("begun");
                List<Object> cut = await(server.shutdown(SHORT));
                assertThat(cut).containsExactlyElementsOf(served);
                assertThat(log)
                        .containsExactly(
                                "begun",
                                "The server was shut down, and its handlers did not end within the grace period",
                                "clean");
                assertThatThrownBy(() -> line(client)).isInstanceOf(ConnectionResetException.class);
            }
        });
    }

    @Test
    @DisplayName("a handler that works on when its client is gone is waited for and cancelled as well")
    void clientGone() throws Exception {
        Asyncio.run(() -> {
            Server server = await(Streams.startServerBody(
                    connection -> {
                        connection.close();
                        await(connection.writer().waitClosed());
                        log.add("gone");
                        try {
                            await(Mono.never());
                        } finally {
                            log.add("cancelled");
                        }
                    },
                    HOST,
                    0));
            try (StreamConnection client = connect(server)) {
                untilLogged("gone");
                assertThat(await(server.shutdown(SHORT))).hasSize(1);
                assertThat(log).containsExactly("gone", "cancelled");
                assertThat(line(client)).isNull();
            }
        });
    }

    @Test
    @DisplayName("a connection that its handler has left open is closed; handlers of operators are drained alike")
    void operators() throws Exception {
        Asyncio.run(() -> {
            Server server = await(Streams.startServer(
                    connection -> connection.reader().readLine().doOnNext(line -> {
                        connection.writer().write(line);
                        log.add("answered");
                    }),
                    HOST,
                    0));
            try (StreamConnection done = connect(server);
                    StreamConnection waiting = connect(server)) {
                assertThat(ask(done, "hello")).isEqualTo("hello");
                await(sleep(Duration.ofMillis(50)));
                assertThat(await(server.shutdown(LONG))).isEmpty();
                assertThat(line(done)).isNull();
                assertThat(line(waiting)).isNull();
                assertThat(log).containsExactly("answered");
            }
        });
    }

    @Test
    @DisplayName(
            "nothing happens until subscription; cancelled it cuts nothing off; a server without clients ends at once")
    void edges() throws Exception {
        Asyncio.run(() -> {
            Future<Void> go = new Future<>();
            Server server = await(Streams.startServerBody(answering(go), HOST, 0));
            assertThatThrownBy(() -> server.shutdown(Duration.ofMillis(-1))).hasMessageContaining("PT-0.001S");
            Mono<List<Object>> cold = server.shutdown(LONG);
            try (StreamConnection client = connect(server)) {
                client.writer().write("slow\n");
                untilLogged("asked");
                Task<?> cancelled = createTask(async(() -> await(cold)));
                await(sleep(SHORT));
                cancelled.cancel();
                assertThatThrownBy(() -> await(cancelled)).isInstanceOf(CancelledException.class);
                go.setResult(null);
                assertThat(line(client)).isEqualTo("slow");
                assertThat(line(client)).isNull();
                await(server.waitClosed());
            }
            Server unused = await(Streams.startServerBody(answering(go), HOST, 0));
            assertThat(await(unused.shutdown(LONG))).isEmpty();
        });
    }
}
