package asyncio.streams;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.toThread;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Future;
import asyncio.LogCapture;
import asyncio.Task;
import asyncio.TaskGroup;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.ssl.NotSslRecordException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The errors of a connection whose peer is gone, or speaks another protocol, on every transport. */
@ExtendWith(LeakCheck.class)
class PeerErrorsTest extends PeerFixture {
    private static final Logger LOGGER = Logger.getLogger("asyncio");

    private enum Transport {
        TCP,
        UNIX,
        TLS
    }

    private interface Resets {
        void reset() throws Exception;
    }

    private interface Program {
        void run(StreamConnection connection, Resets peer) throws Exception;
    }

    /** Runs a program with a connection to a peer that reads nothing and can reset it. */
    private static void with(Transport transport, Path directory, Program program) throws Exception {
        switch (transport) {
            case TCP ->
                withPeer((connection, peer) -> program.run(connection, () -> {
                    peer.setSoLinger(true, 0);
                    peer.close();
                }));
            case UNIX -> withUnixPeer(directory, program);
            case TLS -> withTlsPeer(program);
        }
    }

    private static void withUnixPeer(Path directory, Program program) throws Exception {
        Path path = directory.resolve("s");
        try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(UnixDomainSocketAddress.of(path));
            Asyncio.run(() -> {
                try (StreamConnection connection = await(Streams.openUnixConnection(path))) {
                    SocketChannel peer = listener.accept();
                    connection.writer().write("never read, which makes the close a reset");
                    await(connection.writer().drain());
                    tick();
                    program.run(connection, peer::close);
                }
            });
        }
    }

    private static void withTlsPeer(Program program) throws Exception {
        Asyncio.run(() -> {
            Future<StreamConnection> accepted = EventLoop.getRunningLoop().createFuture();
            Server server = await(Streams.startServerBody(
                    peer -> {
                        peer.handler().pauseReading();
                        accepted.setResult(peer);
                    },
                    HOST,
                    0,
                    TestCertificates.server()));
            try (StreamConnection connection =
                    await(Streams.openConnection(HOST, server.port(), TestCertificates.client()))) {
                StreamConnection peer = await(accepted);
                program.run(connection, peer.writer()::abort);
            }
            server.close();
        });
    }

    @ParameterizedTest
    @EnumSource
    void aResetHasOneTypeForAllThatWaitAndAllThatAskLater(Transport transport, @TempDir Path directory)
            throws Exception {
        with(transport, directory, (connection, peer) -> {
            Task<byte[]> reading = createTask(connection.reader().readLine());
            Task<Void> closing = createTask(connection.writer().waitClosed());
            tick();
            peer.reset();
            for (Mono<?> each : List.of(
                    reading,
                    closing,
                    connection.reader().readExactly(1),
                    connection.reader().chunks().then(),
                    connection.writer().drain(),
                    connection.writer().writeFrom(Flux.never()))) {
                assertThatThrownBy(() -> await(each))
                        .as(each.toString())
                        .isExactlyInstanceOf(ConnectionResetException.class)
                        .hasMessageContaining("Connection reset by peer: "
                                + connection.writer().localAddress() + " -> "
                                + connection.writer().remoteAddress());
            }
        });
    }

    @ParameterizedTest
    @EnumSource
    void aWriterWhosePeerGoesHasOneOfTwoTypes(Transport transport, @TempDir Path directory) throws Exception {
        Path file = Files.write(directory.resolve("file"), new byte[30_000_000]);
        for (boolean ofFile : new boolean[] {true, false}) {
            with(transport, Files.createDirectory(directory.resolve("" + ofFile)), (connection, peer) -> {
                Task<?> writing = createTask(
                        ofFile
                                ? connection.writer().sendFile(file).then()
                                : connection
                                        .writer()
                                        .writeFrom(Flux.<byte[]>generate(sink -> sink.next(new byte[1 << 16]))));
                for (int i = 0; i < 100 && !writing.done(); i++) {
                    tick();
                }
                peer.reset();
                assertThatThrownBy(() -> await(writing))
                        .isInstanceOfAny(ConnectionResetException.class, BrokenPipeException.class);
                assertThatThrownBy(() -> await(connection.writer().waitClosed()))
                        .isInstanceOfAny(ConnectionResetException.class, BrokenPipeException.class);
            });
        }
    }

    @Test
    void writingToAPeerThatHasClosedIsABrokenPipeOrAReset() throws Exception {
        withPeer((connection, peer) -> {
            peer.close();
            assertThat(await(connection.reader().readLine())).isNull();
            assertThatThrownBy(() -> {
                        while (true) {
                            connection.writer().write(new byte[1000]);
                            await(connection.writer().drain());
                            tick();
                        }
                    })
                    .isInstanceOfAny(ConnectionResetException.class, BrokenPipeException.class);
        });
    }

    @Test
    void whatIsNoResetStaysAsItIs() {
        withoutConnection(new IOException("Connection timed out"), IOException.class);
        withoutConnection(
                new IOException("recvAddress(..) failed with error(-104): Rücksetzen"), ConnectionResetException.class);
        withoutConnection(
                new IOException("writev(..) failed with error(-32): unterbrochen"), BrokenPipeException.class);
        withoutConnection(new IllegalStateException("Connection reset"), IllegalStateException.class);
    }

    private static void withoutConnection(Exception error, Class<? extends Throwable> expected) {
        Outgoing out = new Outgoing(new EmbeddedChannel());
        assertThat(PeerErrors.translated(error, out)).isExactlyInstanceOf(expected);
    }

    // ---- in a server's handler

    /** Returns the log, at INFO or above, when the peer resets the connection of a handler. */
    private static List<LogRecord> loggedOfReset(ConnectionHandler handler) throws Exception {
        try (LogCapture log = new LogCapture()) {
            List<ExceptionContext> reported = new ArrayList<>();
            Asyncio.run(() -> {
                EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> reported.add(what));
                Future<Void> over = EventLoop.getRunningLoop().createFuture();
                Server server = await(Streams.startServerBody(
                        connection -> {
                            connection.writer().out().closed().addDoneCallback(gone -> over.setResult(null));
                            handler.handle(connection);
                        },
                        HOST,
                        0));
                try (Socket peer = new Socket(HOST, server.port())) {
                    peer.getOutputStream().write('\n');
                    peer.setSoLinger(true, 0);
                }
                await(over);
                tick();
                tick();
                server.close();
            });
            assertThat(reported).isEmpty();
            return log.records().stream()
                    .filter(record -> record.getLevel().intValue() >= Level.INFO.intValue()
                            && !record.getMessage().contains("in one step"))
                    .toList();
        }
    }

    private static void expectOneLine(List<LogRecord> logged) {
        assertThat(logged).singleElement().satisfies(record -> {
            assertThat(record.getLevel()).isEqualTo(Level.INFO);
            assertThat(record.getThrown()).isNull();
            assertThat(record.getMessage())
                    .contains("Connection reset by peer")
                    .contains("-> /" + HOST + ":")
                    .doesNotContain("\n");
        });
    }

    @Test
    void aResetThatAHandlerDoesNotCatchIsOneLineWithThePeer() throws Exception {
        expectOneLine(loggedOfReset(connection -> await(connection.reader().readAll())));
    }

    @Test
    void aGroupOfResetsIsOneLineToo() throws Exception {
        expectOneLine(loggedOfReset(connection -> await(TaskGroup.scope(group -> {
            group.createTask(connection.reader().readAll());
            return connection.writer().waitClosed();
        }))));
    }

    // ---- another protocol

    @ParameterizedTest
    @ValueSource(
            strings = {"HTTP/1.1 400 Bad Request\r\n\r\n", "220 mail.example.org ESMTP\r\n", "SSH-2.0-OpenSSH_9.6\r\n"})
    void aClientOfTlsSaysWhatAPlainPortAnswers(String answer) throws Exception {
        Asyncio.run(() -> {
            try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getByName(HOST))) {
                Task<StreamConnection> connecting =
                        createTask(Streams.openConnection(HOST, listener.getLocalPort(), TestCertificates.client()));
                tick();
                try (Socket peer = await(toThread(listener::accept))) {
                    peer.getOutputStream().write(answer.getBytes(US_ASCII));
                    assertThatThrownBy(() -> await(connecting))
                            .isInstanceOf(NotSslRecordException.class)
                            .hasMessageStartingWith(
                                    "The peer does not speak TLS: it has sent \"" + answer.strip() + "\"")
                            .hasMessageContaining("Connect to this port without TLS")
                            .hasMessageNotContaining("485454");
                }
            }
        });
    }

    @Test
    void aServerOfTlsSaysWhatAPlainClientSends() throws Exception {
        for (ServeOptions options : List.of(
                TestCertificates.server(),
                ServeOptions.builder()
                        .tls(TlsOptions.builder()
                                .contextByName(name -> TestCertificates.nettyServer(TestCertificates.LOCALHOST))
                                .build())
                        .build())) {
            assertThat(saidByServer(options, "GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(US_ASCII)))
                    .contains("it has sent \"GET / HTTP/1.1\"")
                    .contains("without TLS");
            assertThat(saidByServer(options, "\u00ff\u0000binary".repeat(20).getBytes(ISO_8859_1)))
                    .contains("it has sent \"\\xff\\x00binary")
                    .hasSizeLessThan(500);
        }
    }

    private static String saidByServer(ServeOptions options, byte[] request) throws Exception {
        try (LogCapture log = new LogCapture()) {
            LOGGER.setLevel(Level.FINE);
            Asyncio.run(() -> {
                Server server = await(Streams.startServerBody(connection -> {}, HOST, 0, options));
                try (Socket client = new Socket(HOST, server.port())) {
                    client.getOutputStream().write(request);
                    while (client.getInputStream().available() == 0
                            && log.messages().stream().noneMatch(line -> line.contains("handshake"))) {
                        tick();
                    }
                    tick();
                }
                server.close();
            });
            return String.valueOf(log.records().stream()
                    .filter(record -> record.getMessage().contains("handshake"))
                    .findFirst()
                    .orElseThrow()
                    .getThrown()
                    .getMessage());
        } finally {
            LOGGER.setLevel(null);
        }
    }

    // ---- reads

    @Test
    void aReadThatFailsNamesItsConnectionAndTheSettingThatHelps() throws Exception {
        Asyncio.run(() -> {
            Server server = await(Streams.startServerBody(
                    connection -> {
                        try (connection) {
                            connection.writer().write("x".repeat(100));
                            assertThatThrownBy(() -> await(connection.reader().readLine()))
                                    .isInstanceOf(LimitOverrunException.class)
                                    .hasMessageContaining("ServeOptions.limit")
                                    .hasMessageContaining(
                                            " -> " + connection.writer().remoteAddress());
                        }
                    },
                    HOST,
                    0,
                    10));
            StreamConnection connection = await(Streams.openConnection(HOST, server.port(), 20));
            String peers = connection.writer().localAddress() + " -> "
                    + connection.writer().remoteAddress();
            connection.writer().write("y".repeat(100));
            assertThatThrownBy(() -> await(connection.reader().readUntil("\r\n")))
                    .isInstanceOf(LimitOverrunException.class)
                    .hasMessageContaining("ConnectOptions.limit")
                    .hasMessageContaining(peers);
            assertThatThrownBy(() -> await(connection.reader().readExactly(200)))
                    .isInstanceOf(IncompleteReadException.class)
                    .hasMessage("100 bytes read on a total of 200 expected bytes: " + peers);
            connection.close();
            await(server.closeAndWait());
        });
    }
}
