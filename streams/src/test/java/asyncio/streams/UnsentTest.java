package asyncio.streams;

import static asyncio.Asyncio.await;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.LogCapture;
import asyncio.Runner;
import io.netty.util.concurrent.Ticker;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A connection that is closed at the end of a program, before its peer has read all written bytes. */
@ExtendWith(LeakCheck.class)
class UnsentTest {
    private static final String HOST = "127.0.0.1";
    private static final int SIZE = 20_000_000;

    private final LogCapture log = new LogCapture();
    private final CompletableFuture<Void> programEnds = new CompletableFuture<>();
    private ServerSocket listener;

    @BeforeEach
    void listen() throws IOException {
        listener = new ServerSocket(0, 1, InetAddress.getByName(HOST));
    }

    @AfterEach
    void close() throws IOException {
        listener.close();
        log.close();
    }

    /**
     * The number of bytes received by a peer that starts reading at the end of the program; fails if it sees an error
     * instead of the end.
     */
    private CompletableFuture<Integer> peer() {
        return CompletableFuture.supplyAsync(() -> {
            try (Socket socket = listener.accept()) {
                return drained(socket);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private int drained(Socket socket) throws IOException {
        programEnds.join();
        InputStream in = socket.getInputStream();
        byte[] bytes = new byte[1 << 16];
        int all = 0;
        for (int n; (n = in.read(bytes)) >= 0; ) {
            all += n;
        }
        return all;
    }

    private List<String> reports() {
        return log.messages().stream()
                .filter(message -> message.contains("unsent"))
                .toList();
    }

    private void writeAndClose(StreamConnection connection) {
        writeAndClose(connection, SIZE);
    }

    private void writeAndClose(StreamConnection connection, int size) {
        try (connection) {
            connection.writer().write(new byte[size]);
        }
        programEnds.completeAsync(() -> null, CompletableFuture.delayedExecutor(100, TimeUnit.MILLISECONDS));
    }

    @Test
    void theEndOfRunWaitsUntilAllIsSent() throws Exception {
        CompletableFuture<Integer> received = peer();
        Asyncio.run(() -> writeAndClose(await(Streams.openConnection(HOST, listener.getLocalPort()))));
        assertThat(received.get(20, TimeUnit.SECONDS)).isEqualTo(SIZE);
        assertThat(reports()).isEmpty();
    }

    @Test
    void theEndOfRunWaitsForTheConnectionsOfServers() throws Exception {
        CompletableFuture<Integer> received = new CompletableFuture<>();
        Asyncio.run(() -> {
            Future<Void> written = EventLoop.getRunningLoop().createFuture();
            Server server = await(Streams.startServerBody(
                    connection -> {
                        writeAndClose(connection);
                        written.setResult(null);
                    },
                    HOST,
                    0));
            Socket client = new Socket(HOST, server.port());
            received.completeAsync(() -> {
                try (client) {
                    return drained(client);
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            await(written);
        });
        assertThat(received.get(20, TimeUnit.SECONDS)).isEqualTo(SIZE);
        assertThat(reports()).isEmpty();
    }

    @Test
    void theEndOfRunWaitsForTlsToo() throws Exception {
        int size = 12_000_000; // more than fits into the sockets' buffers
        CompletableFuture<Integer> received = new CompletableFuture<>();
        Asyncio.run(() -> {
            Future<Void> written = EventLoop.getRunningLoop().createFuture();
            Server server = await(Streams.startServerBody(
                    connection -> {
                        writeAndClose(connection, size);
                        written.setResult(null);
                    },
                    HOST,
                    0,
                    TestCertificates.server()));
            int port = server.port();
            received.completeAsync(() -> {
                try (SSLSocket client = (SSLSocket)
                        TestCertificates.jdk(null).getSocketFactory().createSocket(HOST, port)) {
                    client.startHandshake();
                    return drained(client);
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            await(written);
        });
        assertThat(received.get(20, TimeUnit.SECONDS)).isEqualTo(size);
        assertThat(reports()).isEmpty();
    }

    @Test
    void sharedLoopsAreShutDownWhenAllIsSent() throws Exception {
        CompletableFuture<Integer> received = peer();
        Streams.openConnection(HOST, listener.getLocalPort())
                .doOnNext(this::writeAndClose)
                .block(Duration.ofSeconds(20));
        EventLoop.shutdownShared(Duration.ofSeconds(20));
        assertThat(received.get(20, TimeUnit.SECONDS)).isEqualTo(SIZE);
        assertThat(reports()).isEmpty();
    }

    @Test
    void aPeerThatTakesNothingIsWaitedForTenSecondsThenResetAndReported() throws Exception {
        try (Runner runner = Runner.builder() // its ten seconds pass at once
                .loopFactory(
                        () -> EventLoop.builder().clock(Ticker.newMockTicker()).build())
                .build()) {
            runner.run(() -> {
                StreamConnection connection = await(Streams.openConnection(HOST, listener.getLocalPort()));
                connection.writer().write(new byte[SIZE]);
                connection.close();
            });
        }
        expectReportAndReset();
    }

    @Test
    void aLoopThatIsClosedWithoutWaitingReportsWhatIsUnsent() throws Exception {
        EventLoop loop = EventLoop.newEventLoop();
        loop.runUntilComplete(Asyncio.async(() -> {
            StreamConnection connection = await(Streams.openConnection(HOST, listener.getLocalPort()));
            connection.writer().write(new byte[SIZE]);
            connection.close();
        }));
        loop.close();
        expectReportAndReset();
    }

    private void expectReportAndReset() throws IOException {
        try (Socket peer = listener.accept()) {
            assertThat(reports())
                    .singleElement()
                    .asString()
                    .matches("(?s).*closed with \\d{7,8} bytes unsent to \\S*/" + HOST + ":" + listener.getLocalPort()
                            + ".*");
            programEnds.complete(null);
            assertThatThrownBy(() -> drained(peer)).isInstanceOf(SocketException.class);
        }
    }

    @Test
    void aConnectionThatHasSentAllIsNotWaitedFor() throws Exception {
        long begin = System.nanoTime();
        Asyncio.run(() -> {
            try (StreamConnection connection = await(Streams.openConnection(HOST, listener.getLocalPort()))) {
                connection.writer().write("few");
            }
        });
        try (Socket peer = listener.accept()) {
            assertThat(new String(peer.getInputStream().readAllBytes(), UTF_8)).isEqualTo("few");
        }
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(9));
        assertThat(reports()).isEmpty();
    }
}
