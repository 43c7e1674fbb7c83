package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.toThread;
import static asyncio.Asyncio.waitFor;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.LIST;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Future;
import asyncio.Task;
import io.netty.handler.ssl.ClientAuth;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class TlsTest {
    private static final String HOST = "localhost";
    private static final int BIG = 4_000_000;

    /** A body that gets the reports to the loop's exception handler, which must be none. */
    private interface Quiet {
        void run() throws Exception;
    }

    private static void quietly(Quiet body) throws Exception {
        List<ExceptionContext> reported = new ArrayList<>();
        Asyncio.run(() -> {
            EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> reported.add(what));
            body.run();
        });
        assertThat(reported).isEmpty();
    }

    static String text(byte[] bytes) {
        return new String(Objects.requireNonNull(bytes), UTF_8);
    }

    static void echoLines(StreamConnection connection) throws Exception {
        try (connection) {
            byte[] line;
            while ((line = await(connection.reader().readLine())) != null) {
                connection.writer().write(line);
                await(connection.writer().drain());
            }
        }
    }

    private static void expectEcho(StreamConnection connection, String line) throws Exception {
        connection.writer().write(line + "\n");
        assertThat(text(await(connection.reader().readLine()))).isEqualTo(line + "\n");
    }

    private static void end(Server server) throws Exception {
        server.close();
        await(server.waitClosed());
    }

    // ---- the session

    @Test
    @DisplayName("SSL-01 extra info of a TLS connection")
    void extraInfo() throws Exception {
        quietly(() -> {
            Server server = await(Streams.startServerBody(TlsTest::echoLines, HOST, 0, TestCertificates.server()));
            SSLContext context = TestCertificates.jdk(null);
            StreamConnection connection = await(Streams.openConnection(
                    HOST, server.port(), ConnectOptions.builder().tls(context).build()));
            expectEcho(connection, "hello");
            StreamWriter writer = connection.writer();
            assertThat(writer.getExtraInfo("sslcontext")).isSameAs(context);
            assertThat(writer.getExtraInfo("ssl_object")).isInstanceOf(SSLEngine.class);
            assertThat(writer.getExtraInfo("cipher"))
                    .asInstanceOf(LIST)
                    .hasSize(3)
                    .contains("TLSv1.3");
            assertThat(writer.getExtraInfo("compression")).isNull();
            assertThat(writer.getExtraInfo("peername")).isNotNull();
            assertThat(writer.getExtraInfo("sockname")).isNotNull();
            X509Certificate certificate = TestCertificates.LOCALHOST.getCertificate();
            assertThat(writer.getExtraInfo("peercert")).isEqualTo(certificate);
            assertThat(connection.peerCertificates()).startsWith(certificate);
            assertThat(connection.sslSession().getProtocol()).isEqualTo("TLSv1.3");
            assertThat(connection.applicationProtocol()).isNull();
            connection.close();
            await(writer.waitClosed());
            end(server);
        });
    }

    @Test
    @DisplayName("SSL-12 the socket is not told of a connection that is gone; SSL-27 there is no half-close over TLS")
    void closedAndHalfClosed() throws Exception {
        quietly(() -> {
            Server server = await(Streams.startServerBody(TlsTest::echoLines, HOST, 0, TestCertificates.server()));
            StreamConnection connection = await(Streams.openConnection(HOST, server.port(), TestCertificates.client()));
            assertThat(connection.writer().canWriteEof()).isFalse();
            assertThatThrownBy(connection.writer()::writeEof).isInstanceOf(UnsupportedOperationException.class);
            assertThat(connection.writer().getExtraInfo("socket")).isNotNull();
            connection.close();
            await(connection.writer().waitClosed());
            assertThat(connection.writer().getExtraInfo("socket")).isNull();
            end(server);
        });
    }

    @Test
    @DisplayName("SSL-28 over TLS more is buffered before a drain waits, unless other limits were set")
    void writeBufferLimits() throws Exception {
        quietly(() -> {
            int limit = 1000;
            Future<StreamConnection> accepted = new Future<>();
            Server server = await(Streams.startServerBody(accepted::setResult, HOST, 0));
            StreamConnection own = await(Streams.openConnection(HOST, server.port()));
            own.writer().setWriteBufferLimits(limit);
            TlsOptions client = TlsOptions.builder()
                    .context(TestCertificates.jdk(null))
                    .serverHostname(HOST)
                    .build();
            Task<Void> upgrade = createTask(own.writer().startTls(client));
            TlsOptions serving = TlsOptions.builder()
                    .context(TestCertificates.jdk(TestCertificates.LOCALHOST))
                    .build();
            StreamConnection served = await(accepted);
            await(served.writer().startTls(serving));
            await(upgrade);
            assertThat(highMark(own)).isEqualTo(limit);
            assertThat(highMark(served)).isEqualTo(512 * 1024);
            own.close();
            served.close();
            await(server.closeAndWait());
        });
    }

    private static int highMark(StreamConnection connection) {
        return connection.writer().channel().config().getWriteBufferHighWaterMark();
    }

    @Test
    @DisplayName("SSL-03 25 connections with large payloads both ways; Netty's contexts")
    void manyLargePayloads() throws Exception {
        quietly(() -> {
            Server server = await(Streams.startServerBody(
                    connection -> {
                        try (connection) {
                            byte[] request = await(connection.reader().readExactly(1_000_000));
                            connection.writer().write(request);
                            await(connection.writer().drain());
                        }
                    },
                    HOST,
                    0,
                    ServeOptions.builder()
                            .tls(TestCertificates.nettyServer(TestCertificates.LOCALHOST))
                            .build()));
            ConnectOptions options =
                    ConnectOptions.builder().tls(TestCertificates.nettyClient()).build();
            List<Task<Void>> clients = new ArrayList<>();
            for (int i = 0; i < 25; i++) {
                byte[] payload = new byte[1_000_000];
                Arrays.fill(payload, (byte) i);
                clients.add(createTask(async(() -> {
                    StreamConnection connection = await(Streams.openConnection(HOST, server.port(), options));
                    connection.writer().write(payload);
                    assertThat(await(connection.reader().readAll())).isEqualTo(payload);
                    connection.close();
                    await(connection.writer().waitClosed());
                })));
            }
            for (Task<Void> client : clients) {
                await(client);
            }
            end(server);
        });
    }

    @Test
    void theApplicationProtocolIsNegotiated() throws Exception {
        quietly(() -> {
            Future<String> negotiated = new Future<>();
            Server server = await(Streams.startServerBody(
                    connection -> {
                        negotiated.setResult(connection.applicationProtocol());
                        echoLines(connection);
                    },
                    HOST,
                    0,
                    ServeOptions.builder()
                            .tls(TlsOptions.builder()
                                    .context(TestCertificates.jdk(TestCertificates.LOCALHOST))
                                    .applicationProtocols("echo/2", "echo/1")
                                    .build())
                            .build()));
            StreamConnection connection = await(Streams.openConnection(
                    HOST,
                    server.port(),
                    ConnectOptions.builder()
                            .tls(TlsOptions.builder()
                                    .context(TestCertificates.jdk(null))
                                    .applicationProtocols("echo/1", "echo/0")
                                    .build())
                            .build()));
            assertThat(connection.applicationProtocol()).isEqualTo("echo/1");
            assertThat(await(negotiated)).isEqualTo("echo/1");
            connection.close();
            await(connection.writer().waitClosed());
            end(server);
        });
    }

    @Test
    void theNameChoosesTheContext() throws Exception {
        quietly(() -> {
            Map<String, io.netty.handler.ssl.SslContext> contexts = Map.of(
                    "a.test", TestCertificates.nettyServer(TestCertificates.issue("a.test", null)),
                    "b.test", TestCertificates.nettyServer(TestCertificates.issue("b.test", null)));
            Server server = await(Streams.startServerBody(
                    TlsTest::echoLines,
                    "127.0.0.1",
                    0,
                    ServeOptions.builder()
                            .tls(TlsOptions.builder()
                                    .contextByName(contexts::get)
                                    .build())
                            .build()));
            for (String name : contexts.keySet()) {
                StreamConnection connection = await(Streams.openConnection("127.0.0.1", server.port(), forName(name)));
                assertThat(connection.peerCertificates().get(0).getSubjectX500Principal())
                        .hasToString("CN=" + name);
                expectEcho(connection, name);
                connection.close();
                await(connection.writer().waitClosed());
            }
            assertThatThrownBy(() -> await(Streams.openConnection("127.0.0.1", server.port(), forName("c.test"))))
                    .isInstanceOf(IOException.class);
            end(server);
        });
    }

    private static ConnectOptions forName(String name) {
        return ConnectOptions.builder()
                .tls(TlsOptions.builder()
                        .context(TestCertificates.jdk(null))
                        .serverHostname(name)
                        .build())
                .build();
    }

    @Test
    void clientsShowTheirCertificates() throws Exception {
        quietly(() -> {
            Future<List<X509Certificate>> shown = new Future<>();
            Server server = await(Streams.startServerBody(
                    connection -> {
                        shown.setResult(connection.peerCertificates());
                        echoLines(connection);
                    },
                    HOST,
                    0,
                    ServeOptions.builder()
                            .tls(TlsOptions.builder()
                                    .context(TestCertificates.jdk(TestCertificates.LOCALHOST))
                                    .clientAuth(ClientAuth.REQUIRE)
                                    .build())
                            .build()));
            StreamConnection connection = await(Streams.openConnection(
                    HOST,
                    server.port(),
                    ConnectOptions.builder()
                            .tls(TestCertificates.jdk(TestCertificates.CLIENT))
                            .build()));
            assertThat(await(shown)).startsWith(TestCertificates.CLIENT.getCertificate());
            connection.close();
            await(connection.writer().waitClosed());

            // with TLS 1.3 the client has finished before the server has checked it
            assertThatThrownBy(() -> {
                        StreamConnection anonymous =
                                await(Streams.openConnection(HOST, server.port(), TestCertificates.client()));
                        await(anonymous.reader().readAll());
                    })
                    .isInstanceOf(SSLException.class);
            end(server);
        });
    }

    // ---- handshakes that fail

    @Test
    @DisplayName("SSL-20 a certificate of an unknown authority, or for another name, is refused")
    void untrusted() throws Exception {
        quietly(() -> {
            Server server =
                    await(Streams.startServerBody(TlsTest::echoLines, "127.0.0.1", 0, TestCertificates.server()));
            assertThatThrownBy(() -> await(Streams.openConnection(
                            "127.0.0.1",
                            server.port(),
                            ConnectOptions.builder().tls().build())))
                    .isInstanceOf(SSLHandshakeException.class)
                    .hasMessageContaining("PKIX");
            assertThatThrownBy(() -> await(Streams.openConnection("127.0.0.1", server.port(), forName("other.test"))))
                    .isInstanceOf(SSLHandshakeException.class)
                    .hasMessageContaining("other.test");
            ConnectOptions anyName = ConnectOptions.builder()
                    .tls(TlsOptions.builder()
                            .context(TestCertificates.nettyClient())
                            .serverHostname("other_host.test.") // as in names of containers
                            .verifyHostname(false)
                            .build())
                    .build();
            StreamConnection connection = await(Streams.openConnection("127.0.0.1", server.port(), anyName));
            connection.close();
            await(connection.writer().waitClosed());
            end(server);
        });
    }

    @Test
    @DisplayName("SSL-04 timeouts are positive; SSL-19 wrong arguments are refused")
    void arguments() {
        for (Duration wrong : List.of(Duration.ZERO, Duration.ofSeconds(-1))) {
            assertThatThrownBy(() -> TlsOptions.builder().handshakeTimeout(wrong))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("must be positive");
            assertThatThrownBy(() -> TlsOptions.builder().shutdownTimeout(wrong))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("must be positive");
        }
        assertThatThrownBy(() -> TlsOptions.builder().context((SSLContext) null))
                .isInstanceOf(NullPointerException.class)
                .hasMessage("SSLContext, got null");
        assertThatThrownBy(() -> TlsOptions.builder()
                        .context(TestCertificates.nettyClient())
                        .applicationProtocols("h2")
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("[h2]");
    }

    /** A peer that accepts and then runs test code. */
    private interface RawPeer {
        void run(ServerSocket listener) throws Exception;
    }

    private static void withListener(RawPeer body) throws Exception {
        quietly(() -> {
            try (ServerSocket listener = new ServerSocket(0, 10, InetAddress.getByName("127.0.0.1"))) {
                body.run(listener);
            }
        });
    }

    private static void expectEnd(Socket peer) throws Exception {
        await(toThread(() -> {
            try (peer) {
                peer.getInputStream().readAllBytes(); // the ClientHello, and the end
            } catch (IOException e) {
                assertThat(e).hasMessageContaining("reset");
            }
        }));
    }

    @Test
    @DisplayName("SSL-05 a peer that never answers the handshake")
    void slowHandshake() throws Exception {
        withListener(listener -> {
            TlsOptions impatient = TlsOptions.builder()
                    .context(TestCertificates.jdk(null))
                    .handshakeTimeout(Duration.ofMillis(50))
                    .build();
            assertThatThrownBy(() -> await(Streams.openConnection(
                            "127.0.0.1",
                            listener.getLocalPort(),
                            ConnectOptions.builder().tls(impatient).build())))
                    .isInstanceOf(ConnectionAbortedException.class)
                    .hasMessageStartingWith("SSL handshake is taking longer than 0.05 seconds");
            expectEnd(listener.accept());
        });
    }

    @Test
    @DisplayName("SSL-06 a time limit around the connect ends the handshake")
    void cancelledHandshake() throws Exception {
        withListener(listener -> {
            assertThatThrownBy(() -> await(waitFor(
                            Streams.openConnection("127.0.0.1", listener.getLocalPort(), TestCertificates.client()),
                            Duration.ofMillis(100))))
                    .isInstanceOf(TimeoutException.class);
            expectEnd(listener.accept());
        });
    }

    @Test
    @DisplayName("SSL-07 SSL-08 SSL-09 a peer that ends or resets the connection in the handshake")
    void lostInTheHandshake() throws Exception {
        withListener(listener -> {
            for (boolean reset : new boolean[] {true, false}) {
                Task<StreamConnection> opening = createTask(
                        Streams.openConnection("127.0.0.1", listener.getLocalPort(), TestCertificates.client()));
                Socket peer = await(toThread(listener::accept));
                await(toThread(() -> peer.getInputStream().read())); // the handshake has started
                if (reset) {
                    peer.setSoLinger(true, 0);
                } else {
                    peer.getInputStream().readNBytes(peer.getInputStream().available()); // else closing resets it
                }
                peer.close();
                assertThatThrownBy(() -> await(opening))
                        .isInstanceOf(IOException.class)
                        .satisfies(e -> assertThat(e.getMessage()).containsAnyOf("reset", "during the TLS handshake"));
            }
        });
    }

    @Test
    @DisplayName("SSL-10 closing the clients of a server ends their handshakes")
    void closedInTheHandshake() throws Exception {
        quietly(() -> {
            Server server =
                    await(Streams.startServerBody(TlsTest::echoLines, "127.0.0.1", 0, TestCertificates.server()));
            StreamConnection plain = await(Streams.openConnection("127.0.0.1", server.port()));
            plain.writer().write(new byte[] {22, 3, 1});
            await(Asyncio.sleep(Duration.ofMillis(20)));
            server.close();
            server.closeClients();
            await(server.waitClosed());
            assertThat(await(plain.reader().readAll())).isEmpty();
            plain.close();
        });
    }

    @Test
    void cleartextToAServerIsNoHandshake() throws Exception {
        quietly(() -> {
            Server server =
                    await(Streams.startServerBody(TlsTest::echoLines, "127.0.0.1", 0, TestCertificates.server()));
            StreamConnection plain = await(Streams.openConnection("127.0.0.1", server.port()));
            plain.writer().write("GET / HTTP/1.1\r\n\r\n");
            await(plain.reader().readAll()); // at most an alert
            plain.close();
            end(server);
        });
    }

    // ---- ends

    @Test
    @DisplayName("SSL-22 the peer's goodbye is the end of the stream, and closing is complete")
    void cleanShutdown() throws Exception {
        withBlockingPeer((connection, peer) -> {
            await(toThread(() -> {
                peer.getOutputStream().write("last words".getBytes(UTF_8));
                peer.shutdownOutput();
            }));
            assertThat(text(await(connection.reader().readAll()))).isEqualTo("last words");
            connection.close();
            await(toThread(() -> peer.getInputStream().read()));
            await(toThread(peer::close));
            await(connection.writer().waitClosed());
        });
    }

    @Test
    void aConnectionThatEndsWithoutGoodbyeIsTruncated() throws Exception {
        withRawPeer((connection, peer, raw) -> {
            await(toThread(() -> {
                peer.getOutputStream().write("first\nsecond".getBytes(UTF_8));
                raw.shutdownOutput(); // TCP's end, without TLS's
            }));
            assertThat(text(await(connection.reader().readLine()))).isEqualTo("first\n");
            assertThatThrownBy(() -> await(connection.reader().readLine()))
                    .isInstanceOf(SSLException.class)
                    .hasMessageContaining("close_notify");
            assertThatThrownBy(() -> await(connection.writer().waitClosed())).isInstanceOf(SSLException.class);
        });
    }

    @Test
    @DisplayName("SSL-21 garbage in the stream fails the next read")
    void corrupted() throws Exception {
        withRawPeer((connection, peer, raw) -> {
            await(toThread(() -> {
                peer.getOutputStream().write("first\n".getBytes(UTF_8));
                peer.getOutputStream().flush();
            }));
            assertThat(text(await(connection.reader().readLine()))).isEqualTo("first\n");
            await(toThread(() -> raw.getOutputStream().write("garbage, not TLS".getBytes(UTF_8))));
            assertThatThrownBy(() -> await(connection.reader().readLine())).isInstanceOf(SSLException.class);
            connection.close();
        });
    }

    @Test
    @DisplayName("SSL-14 what comes and is written after close is ignored; SSL-25 what came before is not lost")
    void afterClose() throws Exception {
        withBlockingPeer((connection, peer) -> {
            connection.close();
            connection.writer().write("too late");
            await(toThread(() -> {
                assertThat(peer.getInputStream().readAllBytes()).isEmpty();
                peer.getOutputStream().write("ignored".getBytes(UTF_8));
                peer.close();
            }));
            await(connection.writer().waitClosed());
            assertThat(await(connection.reader().readAll())).isEmpty();
        });
    }

    @Test
    @DisplayName("SSL-23 what was written before close is delivered before the goodbye")
    void flushBeforeShutdown() throws Exception {
        withBlockingPeer((connection, peer) -> {
            connection.writer().write(new byte[BIG]);
            connection.close();
            assertThat(await(toThread(() -> peer.getInputStream().readAllBytes())))
                    .hasSize(BIG);
            await(toThread(peer::close));
            await(connection.writer().waitClosed());
        });
    }

    @Test
    @DisplayName("SSL-24 what was written is delivered to a peer that has said goodbye")
    void trailingData() throws Exception {
        withBlockingPeer((connection, peer) -> {
            connection.writer().write(new byte[BIG]);
            await(toThread(peer::shutdownOutput));
            assertThat(await(connection.reader().readAll())).isEmpty();
            connection.close();
            assertThat(await(toThread(() -> peer.getInputStream().readAllBytes())))
                    .hasSize(BIG);
            await(toThread(peer::close));
            await(connection.writer().waitClosed());
        });
    }

    @Test
    @DisplayName("SSL-24 what was written is delivered to a peer that has ended TCP only")
    void trailingDataAfterTruncation() throws Exception {
        withRawPeer((connection, peer, raw) -> {
            connection.writer().write(new byte[BIG]);
            await(toThread(raw::shutdownOutput));
            assertThatThrownBy(() -> await(connection.reader().readAll())).isInstanceOf(SSLException.class);
            assertThat(await(toThread(() -> {
                        InputStream in = peer.getInputStream();
                        return in.readNBytes(BIG).length;
                    })))
                    .isEqualTo(BIG);
            assertThatThrownBy(() -> await(connection.writer().waitClosed())).isInstanceOf(SSLException.class);
        });
    }

    @Test
    @DisplayName("SSL-24 what was written before close is delivered to a peer that ends TCP only, and then reads")
    void trailingDataOfAClosedConnection() throws Exception {
        withRawPeer((connection, peer, raw) -> {
            connection.writer().write(new byte[BIG]);
            connection.close();
            await(toThread(raw::shutdownOutput));
            assertThat(await(toThread(() -> peer.getInputStream().readNBytes(BIG).length)))
                    .isEqualTo(BIG);
            await(connection.writer().waitClosed());
        });
    }

    @Test
    @DisplayName("SSL-26 a peer that says no goodbye is waited for no longer than the shutdown timeout")
    void shutdownTimeout() throws Exception {
        TlsOptions impatient = TlsOptions.builder()
                .context(TestCertificates.jdk(null))
                .shutdownTimeout(Duration.ofMillis(50))
                .build();
        withBlockingPeer(impatient, (connection, peer) -> {
            connection.close();
            assertThatThrownBy(() -> await(connection.writer().waitClosed()))
                    .isInstanceOf(SocketTimeoutException.class)
                    .hasMessageStartingWith("SSL shutdown timed out");
        });
    }

    // ---- peers that block

    private interface BlockingPeer {
        void run(StreamConnection connection, SSLSocket peer) throws Exception;
    }

    private interface LayeredPeer {
        void run(StreamConnection connection, SSLSocket peer, Socket raw) throws Exception;
    }

    private static void withBlockingPeer(BlockingPeer body) throws Exception {
        withBlockingPeer(
                TlsOptions.builder().context(TestCertificates.jdk(null)).build(), body);
    }

    private static void withBlockingPeer(TlsOptions options, BlockingPeer body) throws Exception {
        withRawPeer(options, (connection, peer, raw) -> body.run(connection, peer));
    }

    private static void withRawPeer(LayeredPeer body) throws Exception {
        withRawPeer(TlsOptions.builder().context(TestCertificates.jdk(null)).build(), body);
    }

    /**
     * Runs one of our clients against a server with a blocking TLS socket, layered over a socket that the test can
     * misuse.
     */
    private static void withRawPeer(TlsOptions options, LayeredPeer body) throws Exception {
        withListener(listener -> {
            Task<StreamConnection> opening = createTask(Streams.openConnection(
                    "127.0.0.1",
                    listener.getLocalPort(),
                    ConnectOptions.builder().tls(options).build()));
            try (Socket raw = await(toThread(listener::accept))) {
                SSLSocket peer = (SSLSocket) TestCertificates.jdk(TestCertificates.LOCALHOST)
                        .getSocketFactory()
                        .createSocket(raw, "127.0.0.1", raw.getPort(), false);
                peer.setUseClientMode(false);
                await(toThread(peer::startHandshake));
                StreamConnection connection = await(opening);
                body.run(connection, peer, raw);
                connection.writer().abort();
            }
        });
    }
}
