package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * One exchange over every kind of connection, cancelled at every point: no descriptor, buffer or task is left behind
 * and nothing is reported; a read or drain that is cancelled and repeated loses nothing.
 */
@ExtendWith(LeakCheck.class)
@Timeout(300)
class CancelAnywhereTest {
    private static final String HOST = "127.0.0.1";
    private static final int MUCH = 200_000;
    /** Created once, since that is slow. */
    private static final TlsOptions SERVER = TlsOptions.builder()
            .context(TestCertificates.jdk(TestCertificates.LOCALHOST))
            .build();

    private static final TlsOptions CLIENT = TlsOptions.builder()
            .context(TestCertificates.jdk(null))
            .serverHostname("localhost")
            .build();

    private enum Transport {
        TCP,
        TLS,
        UNIX,
        START_TLS
    }

    /** The way in which the exchange awaits. */
    private interface Awaiting {
        <T> T await(Mono<T> mono) throws Exception;
    }

    @TempDir
    private Path directory;

    private Path file;

    @BeforeEach
    void makeFile() throws IOException {
        byte[] lines = new byte[MUCH];
        Arrays.fill(lines, (byte) 'f');
        lines[MUCH - 1] = '\n';
        file = Files.write(directory.resolve("file"), lines);
    }

    // ---- the two sides

    private Mono<Server> server(Transport transport) {
        ConnectionHandler handler = connection -> echo(connection, transport == Transport.START_TLS);
        return transport == Transport.UNIX
                ? Streams.startUnixServerBody(handler, directory.resolve("s"))
                : Streams.startServerBody(
                        handler,
                        HOST,
                        0,
                        transport == Transport.TLS
                                ? ServeOptions.builder().tls(SERVER).build()
                                : ServeOptions.DEFAULT);
    }

    private static void echo(StreamConnection connection, boolean startTls) {
        try (connection) {
            if (startTls) {
                connection.writer().write(await(connection.reader().readLine()));
                await(connection.writer().startTls(SERVER));
            }
            await(connection.writer().writeFromBuffers(connection.reader().chunksRetained()));
        } catch (Exception e) {
            // its client may leave at any time
        }
    }

    private Mono<StreamConnection> client(Transport transport, Server server) {
        return transport == Transport.UNIX
                ? Streams.openUnixConnection(directory.resolve("s"))
                : Streams.openConnection(
                        HOST,
                        server.port(),
                        transport == Transport.TLS
                                ? ConnectOptions.builder().tls(CLIENT).build()
                                : ConnectOptions.DEFAULT);
    }

    private static byte[] line(char of) {
        byte[] line = new byte[MUCH];
        Arrays.fill(line, (byte) of);
        line[MUCH - 1] = '\n';
        return line;
    }

    /**
     * @param once for operations that cannot be repeated after a cancellation
     * @param again for those that can
     */
    private void exchange(Transport transport, Server server, Awaiting once, Awaiting again) throws Exception {
        try (StreamConnection connection = once.await(client(transport, server))) {
            StreamReader reader = connection.reader();
            StreamWriter writer = connection.writer();
            writer.write("hello\n");
            again.await(writer.drain());
            assertThat(new String(again.await(reader.readLine()), UTF_8)).isEqualTo("hello\n");
            if (transport == Transport.START_TLS) {
                once.await(writer.startTls(CLIENT));
            }
            writer.write(line('a'));
            again.await(writer.drain());
            assertThat(again.await(reader.readExactly(MUCH))).isEqualTo(line('a'));
            once.await(writer.writeFrom(Flux.range(0, 20).map(i -> new byte[10_000])));
            for (int read = 0; read < MUCH; ) {
                read += again.await(reader.read(MUCH - read)).length;
            }
            assertThat(once.await(writer.sendFile(file))).isEqualTo(MUCH);
            assertThat(again.await(reader.readUntil("\r\n", "\r")).length)
                    .isEqualTo(StreamReader.DEFAULT_LIMIT); // not reached: the line is too long
        } catch (LimitOverrunException e) {
            assertThat(e).hasMessageContaining("65536");
        }
    }

    /** Runs the task to its end; returns whether it was cancelled. */
    private static boolean wasCancelled(Task<?> task) throws Exception {
        try {
            await(task);
            return false;
        } catch (CancelledException e) {
            return true;
        }
    }

    // ---- nothing is left behind

    private interface Sweep {
        void run(Server server) throws Exception;
    }

    private void nothingStays(Transport transport, Sweep sweep) throws Exception {
        List<ExceptionContext> reported = new ArrayList<>();
        Asyncio.run(() -> {
            EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> reported.add(what));
            Server server = await(server(transport));
            exchange(transport, server, Asyncio::await, Asyncio::await); // loads everything that is loaded only once
            long before = settled(Long.MAX_VALUE);
            sweep.run(server);
            assertThat(settled(before)).isLessThanOrEqualTo(before);
            await(server.closeAndWait());
        });
        assertThat(reported).isEmpty();
    }

    /** The number of open descriptors once the server's tasks have ended and its sockets are closed. */
    private static long settled(long expected) throws Exception {
        while (Asyncio.allTasks().size() > 1) {
            await(sleep(Duration.ZERO));
        }
        long patience = System.nanoTime() + 10_000_000_000L;
        long now;
        while ((now = SoakTest.descriptors()) > expected && System.nanoTime() < patience) {
            await(sleep(Duration.ofMillis(1))); // NIO releases a socket in the selects after its close
        }
        return now;
    }

    @ParameterizedTest
    @EnumSource
    void afterAnyTick(Transport transport) throws Exception {
        nothingStays(transport, server -> {
            int cancelled = 0;
            for (int ticks = 0; ; ticks += 1 + ticks / 8) {
                Task<Void> client =
                        createTask(async(() -> exchange(transport, server, Asyncio::await, Asyncio::await)));
                for (int i = 0; i < ticks && !client.done(); i++) {
                    await(sleep(Duration.ZERO));
                }
                client.cancel();
                if (!wasCancelled(client)) {
                    break;
                }
                cancelled++;
            }
            assertThat(cancelled).isGreaterThan(5);
        });
    }

    /** Cancels at the start of the await with that number, or one tick later. */
    private static final class At implements Awaiting {
        private final int number;
        private final boolean inside;
        private int count;

        At(int number, boolean inside) {
            this.number = number;
            this.inside = inside;
        }

        @Override
        public <T> T await(Mono<T> mono) throws Exception {
            if (count++ == number) {
                Task<?> task = Objects.requireNonNull(Asyncio.currentTask());
                if (inside) {
                    EventLoop.getRunningLoop().callSoon(task::cancel);
                } else {
                    task.cancel();
                }
            }
            return Asyncio.await(mono);
        }
    }

    @ParameterizedTest
    @EnumSource
    void atAnyAwait(Transport transport) throws Exception {
        nothingStays(transport, server -> {
            for (boolean inside : new boolean[] {false, true}) {
                boolean reached = true;
                for (int number = 0; reached; number++) {
                    At at = new At(number, inside);
                    wasCancelled(createTask(async(() -> exchange(transport, server, at, at))));
                    reached = at.count > number;
                }
            }
        });
    }

    // ---- nothing is lost

    @ParameterizedTest
    @EnumSource
    void whatIsCancelledAndDoneAgainLosesNothing(Transport transport) throws Exception {
        nothingStays(transport, server -> {
            for (int pause = 0; pause < 6; pause++) {
                int ticks = pause;
                boolean[] repeatable = {false};
                Awaiting again = new Awaiting() {
                    @Override
                    public <T> T await(Mono<T> mono) throws Exception {
                        while (true) {
                            try {
                                repeatable[0] = true;
                                return Asyncio.await(mono);
                            } catch (CancelledException e) {
                                Asyncio.currentTask().uncancel();
                            } finally {
                                repeatable[0] = false;
                            }
                        }
                    }
                };
                Task<Void> client = createTask(async(() -> exchange(transport, server, Asyncio::await, again)));
                int cancelled = 0;
                while (!client.done()) {
                    for (int i = 0; i < ticks; i++) {
                        await(sleep(Duration.ZERO));
                    }
                    if (repeatable[0] && client.cancel()) {
                        cancelled++;
                    }
                    await(sleep(Duration.ZERO));
                }
                await(client);
                assertThat(cancelled).isPositive();
            }
        });
    }
}
