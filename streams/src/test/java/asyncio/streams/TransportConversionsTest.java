package asyncio.streams;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.toThread;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.Task;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import reactor.netty.tcp.TcpClient;

/** A transport that is converted: to TLS, to a reader and a writer, to sending a file. */
@ExtendWith(LeakCheck.class)
class TransportConversionsTest extends ProtocolFixture {
    private final Recorder recorder = new Recorder();
    private final Notes notes = recorder.notes;

    private static final TlsOptions SERVER = TlsOptions.builder()
            .context(TestCertificates.jdk(TestCertificates.LOCALHOST))
            .build();
    private static final TlsOptions CLIENT = TlsOptions.builder()
            .context(TestCertificates.jdk(null))
            .serverHostname("localhost")
            .build();

    // ---- to streams and back

    @Test
    void aTransportBecomesAReaderAndAWriter() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            send(peer, "hello");
            notes.untilData(5);
            StreamConnection connection = StreamConnection.from(transport);
            assertThat(StreamConnection.from(transport)).isSameAs(connection);
            assertThat(transport.getProtocol()).isNotSameAs(recorder);
            send(peer, "a line\nand the rest");
            peer.shutdownOutput();
            assertThat(await(connection.reader().readLine())).asString(UTF_8).isEqualTo("a line\n");
            assertThat(await(connection.reader().readAll())).asString(UTF_8).isEqualTo("and the rest");
            assertThat(transport.isClosing()).isFalse();
            connection.writer().write("answer");
            await(connection.writer().drain());
            connection.close();
            await(connection.writer().waitClosed());
            assertThat(await(readAll(peer))).asString(UTF_8).isEqualTo("answer");
            assertThat(notes.events).containsExactly("made", "data");
        });
    }

    @Test
    void whatWasHeldForAPausedProtocolIsTheReaders() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            transport.pauseReading();
            send(peer, "held\n");
            peer.shutdownOutput();
            for (int i = 0; i < 50; i++) {
                tick();
            }
            StreamConnection connection = StreamConnection.from(transport, 100);
            assertThat(await(connection.reader().readLine())).asString(UTF_8).isEqualTo("held\n");
            assertThat(await(connection.reader().readLine())).isNull();
            assertThat(notes.events).containsExactly("made");
        });
    }

    @Test
    void aReaderOfATransportThatIsLostKnowsIt() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            reset(peer);
            notes.until("lost");
            StreamConnection connection = StreamConnection.from(transport);
            assertThatThrownBy(() -> await(connection.reader().readLine()))
                    .isInstanceOf(ConnectionResetException.class);
        });
    }

    @Test
    void aReaderThatHasEnoughPausesTheTransport() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            StreamConnection connection = StreamConnection.from(transport, 1000);
            Task<Void> sending = createTask(toThread(() -> {
                peer.getOutputStream().write(new byte[10_000_000]);
                peer.shutdownOutput();
                return null;
            }));
            while (transport.isReading()) {
                tick();
            }
            assertThat(await(connection.reader().readAll())).hasSize(10_000_000);
            await(sending);
        });
    }

    @Test
    void theTransportOfAWriterIsAlwaysTheSameAndKnowsItsProtocol() throws Exception {
        Asyncio.run(() -> {
            try (Server server = await(Streams.startServerBody(
                            connection -> {
                                try (connection) {
                                    await(connection
                                            .writer()
                                            .writeFrom(connection.reader().lines()));
                                }
                            },
                            HOST,
                            0));
                    StreamConnection connection = await(Streams.openConnection(HOST, server.port()))) {
                connection.writer().write("one\n");
                assertThat(await(connection.reader().readLine())).hasSize(4);
                Transport transport = connection.writer().transport();
                assertThat(connection.writer().transport()).isSameAs(transport);
                assertThat(StreamConnection.from(transport)).isSameAs(connection);
                assertThat(transport.getProtocol()).asString().contains("StreamReaderProtocol");
                assertThat(transport.getExtraInfo("peername"))
                        .isEqualTo(connection.writer().remoteAddress());
                transport.setWriteBufferLimits(1000, 10);
                transport.write("two\n".getBytes(UTF_8));
                assertThat(await(connection.reader().readLine())).hasSize(4);
                connection.writer().write("three\n");
                assertThat(await(connection.reader().readLine())).hasSize(6);
                Recorder other = new Recorder();
                transport.setProtocol(other);
                transport.write("four\n".getBytes(UTF_8));
                other.notes.untilData(5);
                assertThat(other.notes.data).hasToString("four\n");
                transport.abort();
                other.notes.until("lost");
                await(connection.writer().waitClosed());
                assertThat(other.notes.events).containsExactly("data", "lost");
            }
        });
    }

    @Test
    void aLoopOfReactorNettysOwnHasNoTransport() {
        Server server = Streams.startServer(client -> client.reader().readAll(), HOST, 0)
                .block();
        StreamConnection foreign = TcpClient.create()
                .host(HOST)
                .port(server.port())
                .connect()
                .map(StreamConnection::from)
                .block();
        assertThatThrownBy(() -> foreign.writer().transport())
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("Streams.loopResources");
        foreign.close();
        server.closeClients();
        server.closeAndWait().block();
    }

    // ---- TLS

    @Test
    void tlsBeginsInTheMiddle() throws Exception {
        Recorder encrypted = new Recorder();
        withPeer(recorder, (transport, peer) -> {
            send(peer, "starttls");
            notes.untilData(8);
            transport.write("go".getBytes(UTF_8));
            Task<Transport> starting = createTask(Transports.startTls(transport, encrypted, SERVER, true));
            SSLSocket secure = await(toThread(() -> {
                assertThat(peer.getInputStream().readNBytes(2)).asString(UTF_8).isEqualTo("go");
                SSLSocket socket = (SSLSocket) TestCertificates.jdk(null)
                        .getSocketFactory()
                        .createSocket(peer, "localhost", peer.getPort(), true);
                socket.startHandshake();
                socket.getOutputStream().write("secret".getBytes(UTF_8));
                return socket;
            }));
            assertThat(await(starting)).isSameAs(transport);
            assertThat(transport.getProtocol()).isSameAs(encrypted);
            encrypted.notes.untilData(6);
            assertThat(encrypted.notes.data).hasToString("secret");
            assertThat(transport.getExtraInfo("cipher")).isNotNull();
            transport.write("yes".getBytes(UTF_8));
            assertThat(await(toThread(() -> secure.getInputStream().readNBytes(3))))
                    .asString(UTF_8)
                    .isEqualTo("yes");
            await(toThread(() -> {
                secure.close();
                return null;
            }));
            encrypted.notes.until("lost");
            assertThat(encrypted.notes.events).containsExactly("data", "eof", "lost");
            assertThat(encrypted.notes.cause).isNull();
            assertThat(notes.events).containsExactly("made", "data");
        });
        assertThat(reported).isEmpty();
    }

    @Test
    void aHandshakeThatFailsLosesTheConnection() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            Task<Transport> starting = createTask(Transports.startTls(transport, recorder, SERVER, true));
            tick();
            send(peer, "this is no TLS at all");
            assertThatThrownBy(() -> await(starting)).isInstanceOf(SSLException.class);
            notes.until("lost");
            assertThat(notes.events).containsExactly("made", "lost");
            assertThat(notes.cause).isInstanceOf(SSLException.class);
        });
    }

    @Test
    void bytesThatCameInCleartextAreRefused() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            transport.pauseReading();
            send(peer, "smuggled");
            // bytes that epoll and NIO leave in the operating system go to TLS, which refuses them
            for (int i = 0; i < 20; i++) {
                tick();
            }
            peer.shutdownOutput();
            for (int i = 0; i < 20; i++) {
                tick();
            }
            assertThatThrownBy(() -> await(Transports.startTls(transport, recorder, CLIENT, false)))
                    .isInstanceOf(IOException.class);
            assertThat(notes.data).isEmpty();
        });
    }

    @Test
    void cancellingAHandshakeAbortsTheTransport() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            Task<Transport> starting = createTask(Transports.startTls(transport, recorder, CLIENT, false));
            tick();
            tick();
            starting.cancel();
            notes.until("lost");
            assertThat(notes.events).containsExactly("made", "lost");
        });
    }

    // ---- files

    private static Path file(Path directory, byte[] bytes) throws IOException {
        return Files.write(directory.resolve("file"), bytes);
    }

    private static byte[] pattern(int size) {
        byte[] bytes = new byte[size];
        for (int i = 0; i < size; i++) {
            bytes[i] = (byte) (i * 7);
        }
        return bytes;
    }

    @Test
    @DisplayName("SFL-10, SFL-14, SFL-15, SFL-16: a file goes out between what is written before and after")
    void sendFile(@TempDir Path directory) throws Exception {
        byte[] bytes = pattern(3_000_000);
        Path file = file(directory, bytes);
        withPeer(recorder, (transport, peer) -> {
            transport.write("before".getBytes(UTF_8));
            Task<byte[]> reading =
                    createTask(toThread(() -> peer.getInputStream().readNBytes(12 + 3_000_000 + 100)));
            Task<Long> sending = createTask(Transports.sendFile(transport, file, 0, Long.MAX_VALUE, false));
            tick();
            assertThatThrownBy(() -> transport.write("between".getBytes(UTF_8)))
                    .isInstanceOf(IllegalStateException.class);
            assertThat(await(sending)).isEqualTo(3_000_000);
            transport.write("after!".getBytes(UTF_8));
            assertThat(await(Transports.sendFile(transport, file, 1000, 100, true)))
                    .isEqualTo(100);
            byte[] came = await(reading);
            assertThat(Arrays.copyOf(came, 6)).asString(UTF_8).isEqualTo("before");
            assertThat(Arrays.copyOfRange(came, 6, 6 + 3_000_000)).isEqualTo(bytes);
            assertThat(Arrays.copyOfRange(came, 6 + 3_000_000, 12 + 3_000_000))
                    .asString(UTF_8)
                    .isEqualTo("after!");
            assertThat(Arrays.copyOfRange(came, 12 + 3_000_000, came.length))
                    .isEqualTo(Arrays.copyOfRange(bytes, 1000, 1100));
            peer.close();
            notes.until("lost");
            assertThat(notes.events).startsWith("made").endsWith("lost");
        });
    }

    @Test
    @DisplayName(
            "SFL-03, SFL-13: an empty file is 0 bytes; a closing transport, a missing file, wrong numbers are errors")
    void sendFileErrors(@TempDir Path directory) throws Exception {
        Path empty = file(directory, new byte[0]);
        withPeer(recorder, (transport, peer) -> {
            assertThat(await(Transports.sendFile(transport, empty, 0, Long.MAX_VALUE, false)))
                    .isZero();
            assertThatThrownBy(() -> await(Transports.sendFile(transport, directory.resolve("none"), 0, 1, true)))
                    .isInstanceOf(NoSuchFileException.class);
            assertThatThrownBy(() -> Transports.sendFile(transport, empty, -1, 1, true))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> Transports.sendFile(transport, empty, 0, -1, true))
                    .isInstanceOf(IllegalArgumentException.class);
            transport.close();
            assertThatThrownBy(() -> await(Transports.sendFile(transport, empty, 0, 1, true)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("is closing");
        });
    }

    @Test
    @DisplayName("SFL-05, SFL-12: over TLS only the fallback sends a file")
    void sendFileOverTls(@TempDir Path directory) throws Exception {
        byte[] bytes = pattern(300_000);
        Path file = file(directory, bytes);
        Asyncio.run(() -> {
            List<Recorder> accepted = new ArrayList<>();
            try (Server server = await(Transports.createServer(
                            () -> {
                                accepted.add(new Recorder());
                                return accepted.get(0);
                            },
                            HOST,
                            0,
                            TestCertificates.server()));
                    var opened = await(Transports.createConnection(
                            Recorder::new, "localhost", server.port(), TestCertificates.client()))) {
                assertThatThrownBy(() -> await(Transports.sendFile(opened.transport(), file, 0, 10, false)))
                        .isInstanceOf(SendfileNotAvailableException.class)
                        .hasMessageContaining("fallback");
                assertThat(await(Transports.sendFile(opened.transport(), file, 0, Long.MAX_VALUE, true)))
                        .isEqualTo(bytes.length);
                accepted.get(0).notes.until(() -> accepted.get(0).notes.data.length() > 0);
                opened.transport().abort();
            }
        });
    }

    @Test
    @DisplayName("SFL-17: a peer that goes in the middle of a file is an error, and the transport is closing")
    void aPeerThatGoesInTheMiddleOfAFile(@TempDir Path directory) throws Exception {
        Path file = file(directory, new byte[50_000_000]);
        withPeer(recorder, (transport, peer) -> {
            Task<Long> sending = createTask(Transports.sendFile(transport, file, 0, Long.MAX_VALUE, false));
            try (Socket gone = peer) {
                await(toThread(() -> gone.getInputStream().readNBytes(1_000_000)));
                reset(gone);
            }
            assertThatThrownBy(() -> await(sending)).isInstanceOf(IOException.class);
            assertThat(transport.isClosing()).isTrue();
            notes.until("lost");
            assertThat(notes.cause).isInstanceOf(IOException.class);
        });
    }
}
