package asyncio.streams;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.toThread;
import static asyncio.Asyncio.waitFor;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.Future;
import asyncio.Task;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class StartTlsTest {
    private static final String HOST = "127.0.0.1";

    private static TlsOptions server() {
        return TlsOptions.builder()
                .context(TestCertificates.jdk(TestCertificates.LOCALHOST))
                .build();
    }

    private static TlsOptions client() {
        return TlsOptions.builder()
                .context(TestCertificates.jdk(null))
                .serverHostname("localhost")
                .build();
    }

    private static void say(StreamConnection connection, String line) {
        connection.writer().write(line + "\n");
    }

    private static void expect(StreamConnection connection, String line) throws Exception {
        assertThat(TlsTest.text(await(connection.reader().readLine()))).isEqualTo(line + "\n");
    }

    private static void end(StreamConnection connection, Server server) throws Exception {
        connection.close();
        await(connection.writer().waitClosed());
        server.close();
        await(server.waitClosed());
    }

    @Test
    @DisplayName("STR-36 SSL-15 SSL-18 after an exchange in cleartext both sides go on encrypted, with what they had")
    void upgrade() throws Exception {
        Asyncio.run(() -> {
            Server server = await(Streams.startServerBody(
                    connection -> {
                        try (connection) {
                            expect(connection, "hello");
                            assertThat(connection.writer().getExtraInfo("sslcontext"))
                                    .isNull();
                            say(connection, "start");
                            await(connection.writer().startTls(server()));
                            assertThat(connection.writer().getExtraInfo("sslcontext"))
                                    .isNotNull();
                            expect(connection, "secret");
                            say(connection, "answer");
                            assertThat(await(connection.reader().readAll())).isEmpty();
                        }
                    },
                    HOST,
                    0));
            StreamConnection connection = await(Streams.openConnection(HOST, server.port()));
            say(connection, "hello");
            expect(connection, "start");
            assertThat(connection.writer().getExtraInfo("sslcontext")).isNull();
            assertThat(connection.sslSession()).isNull();
            assertThat(connection.peerCertificates()).isEmpty();
            await(connection.writer().startTls(client()));
            assertThat(connection.writer().getExtraInfo("sslcontext")).isNotNull();
            assertThat(connection.peerCertificates()).hasSizeGreaterThan(0);
            say(connection, "secret");
            expect(connection, "answer");
            end(connection, server);
        });
    }

    @Test
    void aPeerThatHasEndedTheStreamIsNotWaitedFor() throws Exception {
        Asyncio.run(() -> {
            Future<Throwable> failure = new Future<>();
            Server server = await(Streams.startServerBody(
                    connection -> {
                        assertThat(await(connection.reader().readAll())).isEmpty();
                        try {
                            await(connection.writer().startTls(server()));
                        } catch (IOException e) {
                            failure.setResult(e);
                        }
                    },
                    HOST,
                    0));
            StreamConnection connection = await(Streams.openConnection(HOST, server.port()));
            connection.writer().writeEof();
            assertThat(await(failure))
                    .isInstanceOf(ConnectionResetException.class)
                    .hasMessageContaining("has ended the stream");
            end(connection, server);
        });
    }

    @Test
    void aReaderThatWasPausedByTheClientHelloPausesAgain() throws Exception {
        Asyncio.run(() -> {
            int limit = 10; // a ClientHello is more than twice that
            Future<StreamConnection> accepted = new Future<>();
            Server server = await(Streams.startServerBody(accepted::setResult, HOST, 0, limit));
            StreamConnection connection = await(Streams.openConnection(HOST, server.port()));
            Task<Void> upgrade = createTask(connection.writer().startTls(client()));
            StreamConnection served = await(accepted);
            while (served.writer().channel().config().isAutoRead()) {
                await(Asyncio.sleep(Duration.ZERO)); // until it has arrived
            }
            await(served.writer().startTls(server()));
            await(upgrade);
            connection.writer().write(new byte[1000]);
            while (served.writer().channel().config().isAutoRead()) {
                await(Asyncio.sleep(Duration.ZERO));
            }
            assertThat(await(served.reader().readExactly(1000))).hasSize(1000);
            served.close();
            end(connection, server);
        });
    }

    @Test
    @DisplayName("STR-36 a client that does not wait for the server's startTls is not refused")
    void earlyClientHello() throws Exception {
        Asyncio.run(() -> {
            Future<Void> handshaking = new Future<>();
            Server server = await(Streams.startServerBody(
                    connection -> {
                        try (connection) {
                            expect(connection, "hello");
                            say(connection, "start");
                            await(handshaking);
                            await(Asyncio.sleep(Duration.ofMillis(20))); // so that the ClientHello is buffered
                            await(connection.writer().startTls(server()));
                            expect(connection, "secret");
                            say(connection, "answer");
                            await(connection.reader().readAll());
                        }
                    },
                    HOST,
                    0));
            StreamConnection connection = await(Streams.openConnection(HOST, server.port()));
            say(connection, "hello");
            expect(connection, "start");
            Task<Void> upgrade = createTask(connection.writer().startTls(client()));
            handshaking.setResult(null);
            await(upgrade);
            say(connection, "secret");
            expect(connection, "answer");
            end(connection, server);
        });
    }

    @Test
    @DisplayName("STR-36 what came in cleartext is not taken for encrypted")
    void injected() throws Exception {
        Asyncio.run(() -> {
            Future<Throwable> refused = new Future<>();
            Server server = await(Streams.startServerBody(
                    connection -> {
                        try (connection) {
                            expect(connection, "STARTTLS");
                            try {
                                await(connection.writer().startTls(server()));
                            } catch (IllegalStateException e) {
                                refused.setResult(e);
                            }
                        }
                    },
                    HOST,
                    0));
            StreamConnection connection = await(Streams.openConnection(HOST, server.port()));
            connection.writer().write("STARTTLS\nRCPT TO: mallory\n");
            assertThat(await(refused)).hasMessageStartingWith("Cannot start TLS: 17 bytes that came in cleartext");
            end(connection, server);
        });
    }

    @Test
    void wrongUses() throws Exception {
        Asyncio.run(() -> {
            Server server = await(Streams.startServerBody(TlsTest::echoLines, HOST, 0));
            StreamConnection connection = await(Streams.openConnection(HOST, server.port()));
            TlsOptions nameless =
                    TlsOptions.builder().context(TestCertificates.jdk(null)).build();
            assertThatThrownBy(() -> await(connection.writer().startTls(nameless)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("serverHostname");
            TlsOptions serverContext = TlsOptions.builder()
                    .context(TestCertificates.nettyServer(TestCertificates.LOCALHOST))
                    .serverHostname("localhost")
                    .build();
            assertThatThrownBy(() -> await(connection.writer().startTls(serverContext)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("built for a server");
            Task<byte[]> reading = createTask(connection.reader().readLine());
            await(Asyncio.sleep(Duration.ZERO));
            assertThatThrownBy(() -> await(connection.writer().startTls(client())))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("waits for incoming data");
            say(connection, "still in cleartext");
            assertThat(TlsTest.text(await(reading))).isEqualTo("still in cleartext\n");
            connection.close();
            assertThatThrownBy(() -> await(connection.writer().startTls(client())))
                    .isInstanceOf(IOException.class);
            end(connection, server);
        });
    }

    @Test
    @DisplayName("SSL-17 a time limit around startTls aborts the connection")
    void cancelled() throws Exception {
        PeerFixture.withPeer((connection, peer) -> {
            assertThatThrownBy(() -> await(waitFor(connection.writer().startTls(client()), Duration.ofMillis(100))))
                    .isInstanceOf(TimeoutException.class);
            await(toThread(() -> {
                try {
                    peer.getInputStream().readAllBytes(); // the ClientHello, and the end
                } catch (IOException e) {
                    assertThat(e).hasMessageContaining("reset");
                }
            }));
            await(connection.writer().waitClosed());
        });
    }

    @Test
    @DisplayName("SSL-11 TLS in TLS")
    void twice() throws Exception {
        Asyncio.run(() -> {
            Server server = await(Streams.startServerBody(
                    connection -> {
                        await(connection.writer().startTls(server()));
                        TlsTest.echoLines(connection);
                    },
                    HOST,
                    0,
                    TestCertificates.server()));
            StreamConnection connection = await(Streams.openConnection(HOST, server.port(), TestCertificates.client()));
            await(connection.writer().startTls(client()));
            byte[] big = new byte[60_000];
            java.util.Arrays.fill(big, (byte) 'x');
            say(connection, new String(big, UTF_8));
            expect(connection, new String(big, UTF_8));
            end(connection, server);
        });
    }
}
