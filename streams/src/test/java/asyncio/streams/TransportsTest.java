package asyncio.streams;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.currentContext;
import static asyncio.Asyncio.waitFor;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.LogCapture;
import asyncio.Task;
import java.io.File;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Mono;

/** How connections and servers get their protocols. */
@ExtendWith(LeakCheck.class)
class TransportsTest extends ProtocolFixture {

    /** Echoes the received bytes. */
    static class Echo extends Recorder {
        @Override
        public void dataReceived(byte[] data) {
            super.dataReceived(data);
            notes.transport.write(data);
        }
    }

    private static int unusedPort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName(HOST))) {
            return socket.getLocalPort();
        }
    }

    /** A server that collects its protocols in order. */
    private static Mono<Server> server(List<Recorder> protocols, ServeOptions options) {
        return Transports.createServer(
                () -> {
                    Recorder echo = new Echo();
                    protocols.add(echo);
                    return echo;
                },
                HOST,
                0,
                options);
    }

    // ---- connecting

    @Test
    @DisplayName("NET-01, NET-25: transport and protocol, which know each other; data goes both ways; both are lost")
    void aClientAndAServer() throws Exception {
        Asyncio.run(() -> {
            List<Recorder> accepted = new ArrayList<>();
            try (Server server = await(server(accepted, ServeOptions.DEFAULT))) {
                Opened<Transport, Recorder> opened =
                        await(Transports.createConnection(Recorder::new, HOST, server.port()));
                Notes client = opened.protocol().notes;
                assertThat(client.events).containsExactly("made");
                assertThat(client.transport).isSameAs(opened.transport());
                assertThat(opened.transport().getProtocol()).isSameAs(opened.protocol());
                assertThat(opened.transport().getLoop()).isSameAs(EventLoop.getRunningLoop());
                assertThat(opened.transport().getExtraInfo("peername"))
                        .isEqualTo(new InetSocketAddress(HOST, server.port()));
                opened.transport().write("abc".getBytes(UTF_8));
                client.untilData(3);
                Notes other = accepted.get(0).notes;
                assertThat(other.data).hasToString("abc");
                assertThat(other.transport.getExtraInfo("peername"))
                        .isEqualTo(opened.transport().getExtraInfo("sockname"));
                other.transport.close();
                client.until("lost");
                assertThat(client.events).containsExactly("made", "data", "eof", "lost");
                other.until("lost");
                assertThat(other.events).containsExactly("made", "data", "lost");
            }
        });
    }

    @Test
    void nothingHappensBeforeSubscriptionAndEachHasItsOwnProtocol() throws Exception {
        AtomicInteger made = new AtomicInteger();
        Asyncio.run(() -> {
            List<Recorder> accepted = new ArrayList<>();
            try (Server server = await(server(accepted, ServeOptions.DEFAULT))) {
                var connecting = Transports.createConnection(
                        () -> {
                            made.incrementAndGet();
                            return new Recorder();
                        },
                        HOST,
                        server.port());
                tick();
                assertThat(made).hasValue(0);
                try (var first = await(connecting);
                        var second = await(connecting)) {
                    assertThat(made).hasValue(2);
                    assertThat(first.protocol()).isNotSameAs(second.protocol());
                }
            }
        });
    }

    @Test
    void bodiesAreNotNeeded() {
        Server server = Transports.createServer(Echo::new, HOST, 0).block(Duration.ofSeconds(20));
        var opened =
                Transports.createConnection(Recorder::new, HOST, server.port()).block(Duration.ofSeconds(20));
        assertThat(opened.protocol().notes.events).containsExactly("made");
        opened.close();
        server.closeAndWait().block(Duration.ofSeconds(20));
    }

    @Test
    @DisplayName("NET-03: a connection that is refused makes no protocol")
    void aRefusedConnection() throws Exception {
        int port = unusedPort();
        AtomicInteger made = new AtomicInteger();
        Asyncio.run(() -> assertThatThrownBy(() -> await(Transports.createConnection(
                        () -> {
                            made.incrementAndGet();
                            return new Recorder();
                        },
                        HOST,
                        port)))
                .isInstanceOf(ConnectException.class));
        assertThat(made).hasValue(0);
    }

    @Test
    void argumentsAreChecked() {
        assertThatThrownBy(() -> Transports.createConnection(Recorder::new, HOST, 0))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Transports.createConnection(Recorder::new, HOST, 65536))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Transports.createServer(Recorder::new, HOST, -1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Transports.createConnection(null, HOST, 1)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> Transports.createServer(null, HOST, 1)).isInstanceOf(NullPointerException.class);
    }

    @Test
    @DisplayName("NET-14, NET-15: the local address is the one that was asked for; one in use is an error")
    void localAddress() throws Exception {
        Asyncio.run(() -> {
            int port = unusedPort();
            ConnectOptions options = ConnectOptions.builder()
                    .localAddress(new InetSocketAddress(HOST, port))
                    .build();
            try (ServerSocket listener = new ServerSocket(0, 5, InetAddress.getByName(HOST));
                    var opened =
                            await(Transports.createConnection(Recorder::new, HOST, listener.getLocalPort(), options))) {
                assertThat(opened.transport().getExtraInfo("sockname")).isEqualTo(new InetSocketAddress(HOST, port));
                assertThatThrownBy(() -> await(
                                Transports.createConnection(Recorder::new, HOST, listener.getLocalPort(), options)))
                        .isInstanceOf(BindException.class)
                        .hasMessageContaining(HOST + ":" + port)
                        .hasMessageContaining("in use");
            }
        });
    }

    @Test
    void aFactoryThatFailsFailsTheConnectionAndClosesTheSocket() throws Exception {
        Asyncio.run(() -> {
            try (ServerSocket listener = new ServerSocket(0, 5, InetAddress.getByName(HOST))) {
                int port = listener.getLocalPort();
                assertThatThrownBy(() -> await(Transports.createConnection(
                                () -> {
                                    throw new ArithmeticException("no protocol");
                                },
                                HOST,
                                port)))
                        .isInstanceOf(ArithmeticException.class);
                assertThatThrownBy(() -> await(Transports.createConnection(() -> null, HOST, port)))
                        .isInstanceOf(NullPointerException.class)
                        .hasMessageContaining("factory");
                assertThatThrownBy(() ->
                                await(Transports.createConnection(() -> new BaseProtocol<Transport>() {}, HOST, port)))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("Protocol or a BufferedProtocol");
                for (int i = 0; i < 3; i++) {
                    try (Socket peer = listener.accept()) {
                        assertThat(await(readAll(peer))).isEmpty();
                    }
                }
            }
        });
    }

    @Test
    void aFactoryOfAServerThatFailsIsReportedAndTheServerGoesOn() throws Exception {
        Asyncio.run(() -> {
            EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> reported.add(what));
            boolean[] fails = {true};
            try (Server server = await(Transports.createServer(
                    () -> {
                        if (fails[0]) {
                            throw new ArithmeticException("no protocol");
                        }
                        return new Echo();
                    },
                    HOST,
                    0))) {
                try (Socket peer = new Socket(HOST, server.port())) {
                    assertThat(await(readAll(peer))).isEmpty();
                }
                fails[0] = false;
                try (Socket peer = new Socket(HOST, server.port())) {
                    send(peer, "still there");
                    assertThat(read(peer, 11)).isEqualTo("still there");
                }
            }
        });
        assertThat(messages()).containsExactly("Error on transport creation for incoming connection");
        assertThat(reported.get(0).exception()).isInstanceOf(ArithmeticException.class);
    }

    @Test
    void callsHaveTheSubscribersContext() throws Exception {
        List<Object> seen = new ArrayList<>();
        class Asking extends Echo {
            @Override
            public void connectionMade(Transport transport) {
                super.connectionMade(transport);
                seen.add(currentContext().getOrDefault("who", "nobody"));
            }

            @Override
            public void dataReceived(byte[] data) {
                seen.add(currentContext().getOrDefault("who", "nobody"));
                super.dataReceived(data);
            }
        }
        Asyncio.run(() -> {
            try (Server server = await(Transports.createServer(Asking::new, HOST, 0)
                            .contextWrite(context -> context.put("who", "server")));
                    var opened = await(Transports.createConnection(Asking::new, HOST, server.port())
                            .contextWrite(context -> context.put("who", "client")))) {
                send(opened.transport());
                opened.protocol().notes.untilData(1);
                assertThat(currentContext().hasKey("who")).isFalse();
                opened.transport().abort();
            }
        });
        assertThat(seen).contains("client", "server").doesNotContain("nobody");
    }

    private static void send(Transport transport) {
        transport.write("x".getBytes(UTF_8));
    }

    // ---- serving

    @Test
    @DisplayName("NET-34: a server that is closed refuses connections, and keeps its clients until they are gone")
    void aClosedServer() throws Exception {
        Asyncio.run(() -> {
            List<Recorder> accepted = new ArrayList<>();
            Server server = await(server(accepted, ServeOptions.DEFAULT));
            try (var opened = await(Transports.createConnection(Recorder::new, HOST, server.port()))) {
                int port = server.port();
                send(opened.transport());
                opened.protocol().notes.untilData(1);
                server.close();
                tick(); // NIO closes a socket with the next select
                tick();
                assertThatThrownBy(() -> await(Transports.createConnection(Recorder::new, HOST, port)))
                        .isInstanceOf(ConnectException.class);
                Task<Void> closed = createTask(server.waitClosed());
                tick();
                assertThat(closed.done()).isFalse();
                server.closeClients();
                await(waitFor(closed, Duration.ofSeconds(20)));
                accepted.get(0).notes.until("lost");
                assertThat(accepted.get(0).notes.cause).isNull();
                opened.protocol().notes.until("lost");
            }
        });
    }

    @Test
    void abortedClientsSeeAReset() throws Exception {
        Asyncio.run(() -> {
            List<Recorder> accepted = new ArrayList<>();
            try (Server server = await(server(accepted, ServeOptions.DEFAULT));
                    var opened = await(Transports.createConnection(Recorder::new, HOST, server.port()))) {
                send(opened.transport());
                opened.protocol().notes.untilData(1);
                server.abortClients();
                accepted.get(0).notes.until("lost");
                assertThat(accepted.get(0).notes.cause).isNull();
                opened.protocol().notes.until("lost");
                assertThat(opened.protocol().notes.cause).isInstanceOf(ConnectionResetException.class);
            }
        });
    }

    @Test
    @DisplayName("NET-28, NET-31: an empty host is all interfaces; a port in use is an error")
    void whereAServerListens() throws Exception {
        Asyncio.run(() -> {
            try (Server server = await(Transports.createServer(Echo::new, "", 0))) {
                int port = server.port();
                try (var opened = await(Transports.createConnection(Recorder::new, HOST, port))) {
                    assertThat(opened.transport().isClosing()).isFalse();
                }
                assertThatThrownBy(() -> await(Transports.createServer(Echo::new, null, port)))
                        .isInstanceOf(BindException.class);
            }
        });
    }

    @Test
    void aServerThatIsFullLetsTheNextInWhenOneIsGone() throws Exception {
        Asyncio.run(() -> {
            List<Recorder> accepted = new ArrayList<>();
            ServeOptions one = ServeOptions.builder().maxConnections(1).build();
            try (Server server = await(server(accepted, one));
                    var first = await(Transports.createConnection(Recorder::new, HOST, server.port()));
                    var second = await(Transports.createConnection(Recorder::new, HOST, server.port()))) {
                send(first.transport());
                first.protocol().notes.untilData(1);
                send(second.transport());
                for (int i = 0; i < 50; i++) {
                    tick();
                }
                assertThat(accepted).hasSize(1);
                first.transport().close();
                second.protocol().notes.untilData(1);
                assertThat(accepted).hasSize(2);
                second.transport().close();
            }
        });
    }

    // ---- TLS

    @Test
    @DisplayName("NET-10: with TLS, made comes after the handshake; the peer's goodbye is the end")
    void tls() throws Exception {
        Asyncio.run(() -> {
            List<Recorder> accepted = new ArrayList<>();
            try (LogCapture log = new LogCapture();
                    Server server = await(server(accepted, TestCertificates.server()))) {
                var opened = await(Transports.createConnection(
                        Recorder::new, "localhost", server.port(), TestCertificates.client()));
                Transport transport = opened.transport();
                Notes client = opened.protocol().notes;
                client.transport.write("x".repeat(100_000).getBytes(UTF_8));
                client.untilData(100_000);
                Recorder other = accepted.get(0);
                other.keepOpen = true;
                assertThat(transport.canWriteEof()).isFalse();
                assertThatThrownBy(transport::writeEof).isInstanceOf(UnsupportedOperationException.class);
                assertThat(transport.getWriteBufferLimits()).isEqualTo(new WriteBufferLimits(8 * 16384, 8 * 65536));
                for (String name : List.of("sslcontext", "ssl_object", "peercert", "cipher")) {
                    assertThat(transport.getExtraInfo(name)).as(name).isNotNull();
                }
                transport.close();
                client.until("lost");
                other.notes.until("lost");
                assertThat(client.events).containsExactly("made", "data", "lost");
                assertThat(client.cause).isNull();
                assertThat(other.notes.events).containsExactly("made", "data", "eof", "lost");
                assertThat(other.notes.cause).isNull();
                assertThat(log.messages()).anyMatch(line -> line.contains("has no effect with TLS"));
            }
        });
    }

    @Test
    void pausingHoldsBackTheRecordsThatCameTogether() throws Exception {
        class Stepwise extends Recorder {
            @Override
            public void dataReceived(byte[] data) {
                super.dataReceived(data);
                notes.transport.pauseReading();
            }
        }
        Asyncio.run(() -> {
            List<Recorder> accepted = new ArrayList<>();
            try (Server server = await(server(accepted, TestCertificates.server()));
                    var opened = await(Transports.createConnection(
                            Stepwise::new, "localhost", server.port(), TestCertificates.client()))) {
                Transport transport = opened.transport();
                Notes notes = opened.protocol().notes;
                transport.write("x".repeat(500_000).getBytes(UTF_8));
                int came = 0;
                while (came < 500_000) {
                    notes.untilData(came + 1);
                    came = notes.data.length();
                    for (int i = 0; i < 5; i++) {
                        tick();
                    }
                    assertThat(notes.data.length()).isEqualTo(came);
                    transport.resumeReading();
                }
                transport.abort();
            }
        });
    }

    @Test
    void aProtocolHearsNothingOfAHandshakeThatFails() throws Exception {
        Asyncio.run(() -> {
            List<Recorder> accepted = new ArrayList<>();
            List<Recorder> made = new ArrayList<>();
            try (Server server = await(server(accepted, TestCertificates.server()))) {
                assertThatThrownBy(() -> await(Transports.createConnection(
                                () -> {
                                    made.add(new Recorder());
                                    return made.get(0);
                                },
                                "localhost",
                                server.port(),
                                ConnectOptions.builder().tls().build()))) // does not know that authority
                        .isInstanceOf(SSLException.class);
                await(server.closeAndWait());
                assertThat(made.get(0).notes.events).isEmpty();
                assertThat(accepted.get(0).notes.events).isEmpty();
            }
        });
    }

    @Test
    void aConnectionThatIsCutOffUnderTlsIsLostOfThat() throws Exception {
        Asyncio.run(() -> {
            List<Recorder> accepted = new ArrayList<>();
            try (Server server = await(server(accepted, TestCertificates.server()));
                    var opened = await(Transports.createConnection(
                            Recorder::new, "localhost", server.port(), TestCertificates.client()))) {
                send(opened.transport());
                Notes notes = opened.protocol().notes;
                notes.untilData(1);
                Notes other = accepted.get(0).notes;
                // the end of TCP without the close_notify of TLS
                ((io.netty.channel.socket.DuplexChannel) other.transport.getExtraInfo("socket")).shutdownOutput();
                notes.until("lost");
                assertThat(notes.events).containsExactly("made", "data", "lost");
                assertThat(notes.cause).isInstanceOf(SSLException.class).hasMessageContaining("close_notify");
            }
        });
    }

    // ---- Unix sockets

    @Test
    @DisplayName("NET-01, NET-35: the same over a Unix socket, with TLS or without")
    void unixSockets(@TempDir Path directory) throws Exception {
        Path path = directory.resolve("socket");
        Asyncio.run(() -> {
            try (Server server = await(Transports.createUnixServer(Echo::new, path));
                    var opened = await(Transports.createUnixConnection(Recorder::new, path))) {
                send(opened.transport());
                opened.protocol().notes.untilData(1);
                assertThat(opened.transport().getExtraInfo("peername")).hasToString(path.toString());
                assertThat(opened.transport().canWriteEof()).isTrue();
                opened.transport().writeEof();
                opened.protocol().notes.until("lost");
                assertThat(opened.protocol().notes.events).containsExactly("made", "data", "eof", "lost");
                await(server.closeAndWait());
            }
            assertThat(path).doesNotExist();
            ConnectOptions client = ConnectOptions.builder()
                    .tls(TlsOptions.builder()
                            .context(TestCertificates.jdk(null))
                            .serverHostname("localhost")
                            .build())
                    .build();
            try (Server server = await(Transports.createUnixServer(Echo::new, path, TestCertificates.server()));
                    var opened = await(Transports.createUnixConnection(Recorder::new, path, client))) {
                send(opened.transport());
                opened.protocol().notes.untilData(1);
                opened.close();
                await(server.closeAndWait());
            }
            assertThatThrownBy(() -> await(Transports.createUnixConnection(Recorder::new, path)))
                    .isInstanceOf(ConnectException.class)
                    .hasMessageContainingAll("o such file", path.toString());
        });
    }

    // ---- leftovers

    @Test
    void aLoopThatClosesLosesItsTransports() throws Exception {
        Recorder recorder = new Recorder();
        try (ServerSocket listener = new ServerSocket(0, 5, InetAddress.getByName(HOST));
                LogCapture log = new LogCapture()) {
            EventLoop loop = EventLoop.newEventLoop();
            loop.runUntilComplete(Transports.createConnection(() -> recorder, HOST, listener.getLocalPort()));
            loop.close();
            assertThat(recorder.notes.events).containsExactly("made", "lost");
            assertThat(log.messages()).anyMatch(line -> line.startsWith("loop is closed: <Transport"));
        }
    }

    private static int descriptors() {
        return new File("/proc/self/fd").list().length;
    }

    @Test
    @DisplayName("NET-04: no descriptor is left, however and whenever a connection ends")
    void noDescriptorIsLeft() throws Exception {
        assumeTrue(new File("/proc/self/fd").isDirectory());
        Asyncio.run(() -> {
            List<Recorder> accepted = new ArrayList<>();
            try (Server server = await(server(accepted, ServeOptions.DEFAULT))) {
                int port = server.port();
                int before = 0;
                for (int round = 0; round < 120; round++) {
                    if (round == 20) {
                        before = descriptors();
                    }
                    int ticks = round % 6;
                    switch (round % 5) {
                        case 0 -> {
                            Task<Opened<Transport, Recorder>> connecting =
                                    createTask(Transports.createConnection(Recorder::new, HOST, port));
                            for (int i = 0; i < ticks; i++) {
                                tick();
                            }
                            connecting.cancel();
                            try {
                                await(connecting).close();
                            } catch (CancelledException e) {
                                // mostly
                            }
                        }
                        case 1 ->
                            await(Transports.createConnection(Recorder::new, HOST, port))
                                    .transport()
                                    .abort();
                        case 2 -> {
                            var opened = await(Transports.createConnection(Recorder::new, HOST, port));
                            send(opened.transport());
                            opened.protocol().notes.untilData(1);
                            opened.close();
                            opened.protocol().notes.until("lost");
                        }
                        case 3 -> {
                            try (Socket peer = new Socket(HOST, port)) {
                                send(peer, "x");
                                reset(peer);
                            }
                        }
                        default -> {
                            var opened = await(Transports.createConnection(Recorder::new, HOST, port));
                            opened.transport().writeEof();
                            opened.protocol().notes.until("lost");
                        }
                    }
                }
                server.abortClients();
                await(server.closeAndWait());
                assertThat(accepted)
                        .allSatisfy(recorder -> assertThat(recorder.notes.events)
                                .startsWith("made")
                                .endsWith("lost"));
                tick(); // NIO closes a socket with the next select
                assertThat(descriptors()).isLessThan(before + 5); // a few for other activity in the JVM
            }
        });
    }
}
