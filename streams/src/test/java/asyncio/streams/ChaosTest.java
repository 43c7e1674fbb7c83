package asyncio.streams;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.toThread;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** TLS and cleartext over a line that splits data anywhere, pauses, half-closes and resets. */
@ExtendWith(LeakCheck.class)
@Timeout(120)
class ChaosTest {
    private static final String HOST = "127.0.0.1";

    /** Carries bytes between two sockets on threads, in pieces, up to an end. */
    private static final class Line implements AutoCloseable {
        private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getByName(HOST));
        private final ExecutorService threads = Executors.newCachedThreadPool();
        private final Pieces pieces;

        Line(int target, Pieces pieces) throws IOException {
            this.pieces = pieces;
            threads.execute(() -> {
                try {
                    while (true) {
                        Socket client = listener.accept();
                        Socket server = new Socket(HOST, target);
                        client.setTcpNoDelay(true);
                        server.setTcpNoDelay(true);
                        threads.execute(() -> carry(client, server));
                        threads.execute(() -> carry(server, client));
                    }
                } catch (IOException e) {
                    // closed
                }
            });
        }

        private void carry(Socket from, Socket to) {
            try {
                byte[] bytes = new byte[64 * 1024];
                int carried = 0;
                for (int n; (n = from.getInputStream().read(bytes, 0, pieces.size())) > 0; ) {
                    to.getOutputStream().write(bytes, 0, n);
                    carried += n;
                    pieces.after(carried, to);
                }
                to.shutdownOutput();
            } catch (IOException e) {
                try {
                    from.close();
                    to.close();
                } catch (IOException closing) {
                    throw new AssertionError(closing);
                }
            }
        }

        int port() {
            return listener.getLocalPort();
        }

        @Override
        public void close() throws IOException {
            listener.close();
            threads.shutdown();
        }
    }

    private interface Pieces {
        int size();

        default void after(int carried, Socket to) throws IOException {}
    }

    private static ConnectOptions client(boolean tls) {
        return tls ? TestCertificates.client() : ConnectOptions.DEFAULT;
    }

    private static Server echo(boolean tls) throws Exception {
        return await(Streams.startServerBody(
                connection -> {
                    try {
                        TlsTest.echoLines(connection);
                    } catch (IOException e) {
                        // the line may cut the connection
                    }
                },
                HOST,
                0,
                tls ? TestCertificates.server() : ServeOptions.DEFAULT));
    }

    private static byte[] line(int length) {
        byte[] line = new byte[length];
        Arrays.fill(line, (byte) 'x');
        line[length - 1] = '\n';
        return line;
    }

    private static void exchange(StreamConnection connection, int lines, int length) throws Exception {
        for (int i = 0; i < lines; i++) {
            connection.writer().write(line(length));
            await(connection.writer().drain());
            assertThat(await(connection.reader().readLine())).hasSize(length);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void oneByteAtATime(boolean tls) throws Exception {
        Asyncio.run(() -> {
            Server server = echo(tls);
            try (Line line = new Line(server.port(), () -> 1)) {
                StreamConnection connection = await(Streams.openConnection(HOST, line.port(), client(tls)));
                exchange(connection, 10, 300);
                connection.close();
                await(connection.writer().waitClosed());
            }
            await(server.closeAndWait());
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    @DisplayName("SSL-25 pieces that cut records, to a reader that pauses")
    void randomPieces(boolean tls) throws Exception {
        long seed = Long.getLong("asyncio.test.seed", new Random().nextLong());
        Random random = new Random(seed);
        try {
            Asyncio.run(() -> {
                Server server = echo(tls);
                try (Line line = new Line(server.port(), () -> 1 + random.nextInt(20_000))) {
                    StreamConnection connection = await(Streams.openConnection(HOST, line.port(), client(tls)));
                    for (int i = 0; i < 30; i++) {
                        connection.writer().write(line(1 + random.nextInt(60_000)));
                    }
                    connection.writer().write("end\n");
                    byte[] answer;
                    do { // meanwhile far more than the limit has arrived, and stays in the socket
                        await(Asyncio.sleep(Duration.ofMillis(random.nextInt(3))));
                        answer = await(connection.reader().readLine());
                    } while (answer.length != 4 || answer[0] != 'e');
                    connection.close();
                    await(connection.writer().waitClosed());
                }
                await(server.closeAndWait());
            });
        } catch (Throwable e) {
            throw new AssertionError("with -Dasyncio.test.seed=" + seed, e);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void resetsAnywhere(boolean tls) throws Exception {
        long seed = Long.getLong("asyncio.test.seed", new Random().nextLong());
        Random random = new Random(seed);
        try {
            Asyncio.run(() -> {
                Server server = echo(tls);
                int failed = 0;
                for (int i = 0; i < 40; i++) {
                    int end = random.nextInt(8000);
                    boolean reset = random.nextBoolean();
                    Pieces pieces = new Pieces() {
                        @Override
                        public int size() {
                            return 500;
                        }

                        @Override
                        public void after(int carried, Socket to) throws IOException {
                            if (carried > end) {
                                if (reset) {
                                    to.setSoLinger(true, 0);
                                }
                                to.close();
                            }
                        }
                    };
                    try (Line line = new Line(server.port(), pieces)) {
                        StreamConnection connection = null;
                        try {
                            connection = await(Streams.openConnection(HOST, line.port(), client(tls)));
                            for (int n = 0; n < 50; n++) {
                                connection.writer().write(line(1000));
                                await(connection.writer().drain());
                                if (await(connection.reader().readLine()) == null) {
                                    throw new IOException("ended");
                                }
                            }
                        } catch (IOException e) {
                            failed++;
                        }
                        if (connection != null) {
                            connection.writer().abort();
                            await(connection.writer().waitClosed().onErrorComplete());
                        }
                    }
                }
                assertThat(failed).isEqualTo(40);
                server.abortClients();
                await(server.closeAndWait());
            });
        } catch (Throwable e) {
            throw new AssertionError("with -Dasyncio.test.seed=" + seed, e);
        }
    }

    @Test
    @DisplayName("SSL-21 any byte of a conversation changed is an error, never other text")
    void changedBytes() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", new Random().nextLong());
        Random random = new Random(seed);
        ConnectOptions impatient = ConnectOptions.builder()
                .tls(TestCertificates.jdk(null))
                .idleTimeout(Duration.ofMillis(300)) // it waits for a longer record than was sent
                .build();
        Asyncio.run(() -> {
            Server server = echo(true);
            for (int i = 0; i < 20; i++) {
                int changed = random.nextInt(3000);
                ByteArrayOutputStream answers = new ByteArrayOutputStream();
                try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getByName(HOST))) {
                    var carrying = Asyncio.createTask(toThread(() -> {
                        try (Socket client = listener.accept();
                                Socket behind = new Socket(HOST, server.port())) {
                            Thread back = new Thread(() -> {
                                try {
                                    behind.getInputStream().transferTo(client.getOutputStream());
                                    client.shutdownOutput();
                                } catch (IOException e) {
                                    // as it likes
                                }
                            });
                            back.start();
                            try {
                                for (int b, n = 0; (b = client.getInputStream().read()) >= 0; n++) {
                                    behind.getOutputStream().write(n == changed ? b ^ 1 : b);
                                }
                            } catch (IOException e) {
                                // as it likes
                            } finally {
                                behind.shutdownOutput();
                            }
                            back.join();
                        }
                    }));
                    try (StreamConnection connection =
                            await(Streams.openConnection(HOST, listener.getLocalPort(), impatient))) {
                        connection.writer().write("y".repeat(3000) + "\n");
                        answers.writeBytes(await(connection.reader().readLine()));
                    } catch (IOException e) {
                        // expected
                    }
                    await(carrying);
                }
                assertThat(answers.toString(UTF_8))
                        .as("byte %d, seed %d", changed, seed)
                        .isIn("", "y".repeat(3000) + "\n"); // the former, if that byte does not matter
            }
            server.abortClients();
            await(server.closeAndWait());
        });
    }
}
