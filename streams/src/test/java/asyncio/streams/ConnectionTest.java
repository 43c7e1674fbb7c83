package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Task;
import io.netty.channel.Channel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.tcp.TcpClient;
import reactor.netty.tcp.TcpServer;
import reactor.test.StepVerifier;

@ExtendWith(LeakCheck.class)
class ConnectionTest extends PeerFixture {
    private static Mono<Server> echo() {
        return Streams.startServerBody(
                connection -> {
                    try (connection) {
                        byte[] bytes;
                        while ((bytes = await(connection.reader().read(65_536))) != null) {
                            connection.writer().write(bytes);
                            await(connection.writer().drain());
                        }
                    }
                },
                HOST,
                0);
    }

    // ---- opening

    @Test
    @DisplayName("STR-01 connect, write a request, read the first line and the rest, close")
    void openConnection() throws Exception {
        withPeer((connection, peer) -> {
            connection.writer().write("GET / HTTP/1.0\r\n\r\n");
            await(connection.writer().drain());
            tick();
            assertThat(text(peer.getInputStream().readNBytes(18))).isEqualTo("GET / HTTP/1.0\r\n\r\n");
            peer.getOutputStream().write("HTTP/1.0 200 OK\r\nbody".getBytes(UTF_8));
            peer.shutdownOutput();
            assertThat(text(await(connection.reader().readLine()))).isEqualTo("HTTP/1.0 200 OK\r\n");
            assertThat(text(await(connection.reader().readAll()))).isEqualTo("body");
            assertThat(connection.reader().atEof()).isTrue();
        });
    }

    @Test
    void theChannelFitsTheLoop() throws Exception {
        withPeer((connection, peer) -> {
            Object channel = connection.writer().getExtraInfo("socket");
            boolean epoll = EventLoop.getRunningLoop().netty().isIoType(EpollIoHandler.class);
            assertThat(channel).isInstanceOf(epoll ? EpollSocketChannel.class : NioSocketChannel.class);
            assertThat(((Channel) channel).eventLoop())
                    .isSameAs(EventLoop.getRunningLoop().netty());
        });
    }

    @Test
    void addressesAreKnownUnderTheirNames() throws Exception {
        withPeer((connection, peer) -> {
            StreamWriter writer = connection.writer();
            assertThat(writer.remoteAddress())
                    .isEqualTo(peer.getLocalSocketAddress())
                    .isEqualTo(writer.getExtraInfo("peername"));
            assertThat(writer.localAddress())
                    .isEqualTo(peer.getRemoteSocketAddress())
                    .isEqualTo(writer.getExtraInfo("sockname"));
            assertThat(writer.getExtraInfo("nonsense")).isNull();
        });
    }

    @Test
    @DisplayName("NET-08: names are resolved, and one that is unknown is an UnknownHostException")
    void namesAreResolvedAndAllAddressesTried() throws Exception {
        Asyncio.run(() -> {
            try (Server server = await(echo());
                    StreamConnection connection = await(Streams.openConnection("localhost", server.port()))) {
                connection.writer().write("hello\n");
                assertThat(text(await(connection.reader().readLine()))).isEqualTo("hello\n");
            }
            assertThatThrownBy(() -> await(Streams.openConnection("no-such-host.invalid", 1)))
                    .isInstanceOf(UnknownHostException.class);
        });
    }

    @Test
    void aRefusedConnectionSaysWhere() throws Exception {
        int port = unusedPort();
        Asyncio.run(() -> {
            assertThatThrownBy(() -> await(Streams.openConnection(HOST, port)))
                    .isInstanceOf(ConnectException.class)
                    .hasMessageContaining("Connection refused")
                    .hasMessageContaining(HOST + ":" + port);
        });
    }

    private static int unusedPort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    @Test
    void argumentsAreChecked() {
        assertThatThrownBy(() -> Streams.openConnection(HOST, 65_536))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("65536");
        assertThatThrownBy(() -> Streams.openConnection(HOST, 1, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("limit");
    }

    @Test
    void reactiveStyleWorksWhereNoLoopRuns() throws Exception {
        int port = Objects.requireNonNull(echo().block()).port();
        Mono<String> answer = Mono.usingWhen(
                Streams.openConnection(HOST, port),
                connection -> {
                    connection.writer().write("hello\n");
                    return connection
                            .writer()
                            .drain()
                            .then(connection.reader().readLine())
                            .map(ConnectionTest::text);
                },
                connection -> {
                    connection.close();
                    return connection.writer().waitClosed();
                });
        StepVerifier.create(answer).expectNext("hello\n").expectComplete().verify(Duration.ofSeconds(10));
        StepVerifier.create(answer.repeat(9))
                .expectNextCount(10)
                .expectComplete()
                .verify(Duration.ofSeconds(10));
        assertThat(EventLoop.shutdownShared(Duration.ofSeconds(10))).isTrue();
    }

    @Test
    void cancellingWhileConnectingClosesTheSocket() throws Exception {
        Asyncio.run(() -> {
            try (ServerSocket listener = new ServerSocket(0, 10, InetAddress.getByName(HOST))) {
                for (int ticks = 0; ticks < 6; ticks++) {
                    Task<StreamConnection> opening = createTask(Streams.openConnection(HOST, listener.getLocalPort()));
                    for (int i = 0; i < ticks; i++) {
                        tick();
                    }
                    opening.cancel("never mind");
                    try {
                        await(opening).close();
                    } catch (CancelledException e) {
                        assertThat(e).hasMessage("never mind");
                    }
                    // whether or not the first was accepted, a second one is, so that accept() returns
                    try (StreamConnection second = await(Streams.openConnection(HOST, listener.getLocalPort()))) {
                        Socket peer = listener.accept();
                        if (!peer.getRemoteSocketAddress()
                                .equals(second.writer().localAddress())) {
                            assertEnded(peer);
                            listener.accept().close();
                        }
                        peer.close();
                    }
                }
            }
        });
    }

    private static void assertEnded(Socket peer) throws Exception {
        try {
            assertThat(await(Asyncio.toThread(() -> peer.getInputStream().read())))
                    .isEqualTo(-1);
        } catch (SocketException e) {
            // reset: fine as well
        }
    }

    @Test
    void aConnectionThatIsNotTakenIsClosed() throws Exception {
        Asyncio.run(() -> {
            try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getByName(HOST))) {
                Mono<StreamConnection> opening = Streams.openConnection(HOST, listener.getLocalPort());
                Task<StreamConnection> task = createTask(async(() -> await(opening)));
                Socket peer = await(Asyncio.toThread(listener::accept));
                while (task.cancel()) {
                    tick();
                }
                try (peer) {
                    if (task.cancelled()) {
                        assertEnded(peer);
                    } else {
                        Objects.requireNonNull(task.result()).close();
                    }
                }
            }
        });
    }

    // ---- cancelling reads

    @Test
    void aCancelledReadLosesNothing() throws Exception {
        withPeer((connection, peer) -> {
            for (int i = 0; i < 50; i++) {
                Task<byte[]> read =
                        createTask(async(() -> await(connection.reader().readLine())));
                tick();
                peer.getOutputStream().write((i + "\n").getBytes(UTF_8));
                for (int ticks = 0; ticks < i % 5; ticks++) {
                    tick();
                }
                read.cancel();
                byte[] line;
                try {
                    line = await(read);
                } catch (CancelledException e) {
                    line = await(connection.reader().readLine());
                }
                assertThat(text(line)).isEqualTo(i + "\n");
            }
        });
    }

    // ---- on the user's own connections

    @Test
    void streamsOnConnectionsOfReactorNetty() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            var server = await(TcpServer.create()
                    .runOn(Streams.loopResources(loop))
                    .host(HOST)
                    .port(0)
                    .handle((in, out) -> {
                        List<StreamConnection> streams = new ArrayList<>();
                        in.withConnection(connection -> streams.add(StreamConnection.from(connection)));
                        StreamConnection stream = streams.get(0);
                        return stream.reader()
                                .readLine()
                                .doOnNext(line -> stream.writer().write("you said " + text(line)))
                                .then();
                    })
                    .bind());
            var connection = await(TcpClient.newConnection()
                    .runOn(Streams.loopResources(loop))
                    .host(HOST)
                    .port(server.port())
                    .connect());
            StreamConnection stream = StreamConnection.from(connection);
            assertThat(StreamConnection.from(connection)).isSameAs(stream);
            stream.writer().write("hello\n");
            assertThat(text(await(stream.reader().readAll()))).isEqualTo("you said hello\n");
            stream.close();
            await(stream.writer().waitClosed());
            server.dispose();
            await(server.onDispose());
        });
    }

    @Test
    void aConnectionThatIsGoneReadsAsEnded() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            try (Server server = await(echo())) {
                var connection = await(TcpClient.newConnection()
                        .runOn(Streams.loopResources(loop))
                        .host(HOST)
                        .port(server.port())
                        .connect());
                connection.dispose();
                await(connection.onDispose());
                StreamConnection stream = StreamConnection.from(connection);
                assertThat(await(stream.reader().readLine())).isNull();
                await(stream.writer().waitClosed());
            }
        });
    }

    @Test
    void manyLinesInReactorsStyle() throws Exception {
        Asyncio.run(() -> {
            try (Server server = await(echo());
                    StreamConnection connection = await(Streams.openConnection(HOST, server.port()))) {
                int n = 20_000;
                Mono<Void> send = Flux.range(0, n)
                        .concatMap(i -> {
                            connection.writer().write(i + "\n");
                            return connection.writer().drain();
                        })
                        .then(Mono.fromRunnable(connection.writer()::writeEof));
                Mono<List<Integer>> receive = connection
                        .reader()
                        .lines()
                        .map(line -> Integer.parseInt(text(line).strip()))
                        .collectList();
                List<Integer> received =
                        await(Mono.zip(send.thenReturn(true), receive).map(both -> both.getT2()));
                assertThat(received).hasSize(n).isSorted();
            }
        });
    }
}
