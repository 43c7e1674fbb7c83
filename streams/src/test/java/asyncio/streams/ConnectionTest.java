package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Future;
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
import java.util.Arrays;
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

/** Clients of a plain blocking socket or of a server of our own. */
@ExtendWith(LeakCheck.class)
class ConnectionTest {
    private static final String HOST = "127.0.0.1";

    private static void tick() throws Exception {
        await(sleep(Duration.ZERO));
    }

    /** A peer that is under the test's control, byte by byte. */
    private interface Peer {
        void run(StreamConnection connection, Socket peer) throws Exception;
    }

    private static void withPeer(Peer test) throws Exception {
        Asyncio.run(() -> {
            List<ExceptionContext> reported = new ArrayList<>();
            EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> reported.add(what));
            try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getByName(HOST));
                    StreamConnection connection = await(Streams.openConnection(HOST, listener.getLocalPort()));
                    Socket peer = listener.accept()) {
                test.run(connection, peer);
                connection.close();
                await(connection.writer().waitClosed().onErrorComplete());
            }
            assertThat(reported).isEmpty();
        });
    }

    private static String text(byte[] bytes) {
        return new String(Objects.requireNonNull(bytes), UTF_8);
    }

    private static Mono<Server> echo() {
        return Streams.startServerBody(connection -> {
            try (connection) {
                byte[] bytes;
                while ((bytes = await(connection.reader().read(65_536))) != null) {
                    connection.writer().write(bytes);
                    await(connection.writer().drain());
                }
            }
        }, HOST, 0);
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
            assertThat(((Channel) channel).eventLoop()).isSameAs(EventLoop.getRunningLoop().netty());
        });
    }

    @Test
    void addressesAreKnownUnderTheirNames() throws Exception {
        withPeer((connection, peer) -> {
            StreamWriter writer = connection.writer();
            assertThat(writer.remoteAddress()).isEqualTo(peer.getLocalSocketAddress()).isEqualTo(writer.getExtraInfo("peername"));
            assertThat(writer.localAddress()).isEqualTo(peer.getRemoteSocketAddress()).isEqualTo(writer.getExtraInfo("sockname"));
            assertThat(writer.getExtraInfo("nonsense")).isNull();
        });
    }

    @Test
    void namesAreResolvedAndAllAddressesTried() throws Exception {
        Asyncio.run(() -> {
            try (Server server = await(echo()); StreamConnection connection = await(Streams.openConnection("localhost", server.port()))) {
                connection.writer().write("hello\n");
                assertThat(text(await(connection.reader().readLine()))).isEqualTo("hello\n");
            }
            assertThatThrownBy(() -> await(Streams.openConnection("no-such-host.invalid", 1))).isInstanceOf(UnknownHostException.class);
        });
    }

    @Test
    void aRefusedConnectionSaysWhere() throws Exception {
        int port = unusedPort();
        Asyncio.run(() -> {
            assertThatThrownBy(() -> await(Streams.openConnection(HOST, port)))
                    .isInstanceOf(ConnectException.class).hasMessageContaining("Connection refused").hasMessageContaining(HOST + ":" + port);
        });
    }

    private static int unusedPort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    @Test
    void argumentsAreChecked() {
        assertThatThrownBy(() -> Streams.openConnection(HOST, 65_536)).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("65536");
        assertThatThrownBy(() -> Streams.openConnection(HOST, 1, 0)).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("limit");
    }

    @Test
    void reactiveStyleWorksWhereNoLoopRuns() throws Exception {
        int port = Objects.requireNonNull(echo().block()).port();
        Mono<String> answer = Mono.usingWhen(
                Streams.openConnection(HOST, port),
                connection -> {
                    connection.writer().write("hello\n");
                    return connection.writer().drain().then(connection.reader().readLine()).map(ConnectionTest::text);
                },
                connection -> {
                    connection.close();
                    return connection.writer().waitClosed();
                });
        StepVerifier.create(answer).expectNext("hello\n").expectComplete().verify(Duration.ofSeconds(10));
        StepVerifier.create(answer.repeat(9)).expectNextCount(10).expectComplete().verify(Duration.ofSeconds(10));
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
                    // whether or not the first came so far as to be accepted, a second one is, so that accept() returns
                    try (StreamConnection second = await(Streams.openConnection(HOST, listener.getLocalPort()))) {
                        Socket peer = listener.accept();
                        if (!peer.getRemoteSocketAddress().equals(second.writer().localAddress())) {
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
            assertThat(await(Asyncio.toThread(() -> peer.getInputStream().read()))).isEqualTo(-1);
        } catch (SocketException e) {
            // reset: as good
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

    // ---- failing and ending

    @Test
    @DisplayName("STR-02 after a reset every read fails with it, and closing says nothing")
    void reset() throws Exception {
        withPeer((connection, peer) -> {
            peer.setSoLinger(true, 0);
            peer.close();
            assertThatThrownBy(() -> await(connection.reader().readLine())).isInstanceOf(IOException.class).hasMessageContaining("reset");
            assertThatThrownBy(() -> await(connection.reader().read(1))).isInstanceOf(IOException.class).hasMessageContaining("reset");
            assertThatThrownBy(() -> await(connection.writer().drain())).isInstanceOf(IOException.class).hasMessageContaining("reset");
            assertThatThrownBy(() -> await(connection.writer().waitClosed())).isInstanceOf(IOException.class).hasMessageContaining("reset");
            connection.close();
        });
    }

    @Test
    @DisplayName("STR-39 write and drain in a loop fail once the peer has closed")
    void drainRaises() throws Exception {
        withPeer((connection, peer) -> {
            peer.close();
            assertThatThrownBy(() -> {
                for (;;) {
                    connection.writer().write("foo\n");
                    await(connection.writer().drain());
                }
            }).isInstanceOf(IOException.class);
        });
    }

    @Test
    @DisplayName("STR-41 STR-43 isClosing, close, waitClosed")
    void waitClosed() throws Exception {
        withPeer((connection, peer) -> {
            StreamWriter writer = connection.writer();
            assertThat(writer.isClosing()).isFalse();
            writer.close();
            assertThat(writer.isClosing()).isTrue();
            await(writer.waitClosed());
            await(writer.waitClosed());
            assertThat(peer.getInputStream().read()).isEqualTo(-1);
        });
    }

    @Test
    @DisplayName("STR-42 STR-45 waitClosed does not wait for unread data; then the stream is at its end")
    void waitClosedWithUnreadData() throws Exception {
        withPeer((connection, peer) -> {
            peer.getOutputStream().write("Lorem ipsum\nleft".getBytes(UTF_8));
            assertThat(text(await(connection.reader().readLine()))).isEqualTo("Lorem ipsum\n");
            connection.close();
            await(connection.writer().waitClosed());
            assertThat(text(await(connection.reader().readAll()))).isEqualTo("left");
            assertThat(connection.reader().atEof()).isTrue();
            assertThat(await(connection.reader().read(1))).isNull();
        });
    }

    @Test
    @DisplayName("STR-44 after close drain fails, and write does not")
    void writeAfterClose() throws Exception {
        withPeer((connection, peer) -> {
            connection.close();
            connection.writer().write("data");
            assertThatThrownBy(() -> await(connection.writer().drain())).isInstanceOf(ConnectionResetException.class)
                    .hasMessageContaining("Connection lost");
        });
    }

    @Test
    void closeSendsWhatIsBuffered() throws Exception {
        withPeer((connection, peer) -> {
            byte[] much = new byte[4_000_000];
            Arrays.fill(much, (byte) 'x');
            connection.writer().write(much);
            connection.close();
            assertThat(await(Asyncio.toThread(() -> peer.getInputStream().readAllBytes()))).isEqualTo(much);
        });
    }

    @Test
    @DisplayName("STR-54 the end of the peer's stream leaves the write side usable; writeEof closes only that")
    void halfClose() throws Exception {
        withPeer((connection, peer) -> {
            peer.shutdownOutput();
            assertThat(await(connection.reader().readLine())).isNull();
            assertThat(connection.writer().isClosing()).isFalse();
            assertThat(connection.writer().canWriteEof()).isTrue();
            connection.writer().write("still here");
            connection.writer().writeEof();
            connection.writer().writeEof();
            assertThatThrownBy(() -> connection.writer().write("x")).isInstanceOf(IllegalStateException.class).hasMessageContaining("writeEof");
            assertThat(text(await(Asyncio.toThread(() -> peer.getInputStream().readAllBytes())))).isEqualTo("still here");
        });
    }

    // ---- drain

    /** Writes until the socket takes no more. */
    private static int fill(StreamWriter writer) {
        Channel channel = (Channel) Objects.requireNonNull(writer.getExtraInfo("socket"));
        byte[] chunk = new byte[100_000];
        int written = 0;
        while (channel.isWritable()) {
            writer.write(chunk);
            written += chunk.length;
        }
        return written;
    }

    @Test
    @DisplayName("STR-38 STR-52 several may wait for drain; all go on when the low limit is reached")
    void severalDrains() throws Exception {
        withPeer((connection, peer) -> {
            int written = fill(connection.writer());
            List<Task<Void>> drains = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                drains.add(createTask(connection.writer().drain()));
            }
            tick();
            assertThat(drains).noneMatch(Future::done);
            drains.get(9).cancel();
            byte[] sent = await(Asyncio.toThread(() -> peer.getInputStream().readNBytes(written)));
            assertThat(sent).hasSize(written);
            for (Task<Void> drain : drains.subList(0, 9)) {
                await(drain);
            }
            assertThat(drains.get(9).cancelled()).isTrue();
        });
    }

    @Test
    @DisplayName("STR-53 drains that wait fail with what breaks the connection")
    void drainFailsWithTheConnection() throws Exception {
        withPeer((connection, peer) -> {
            fill(connection.writer());
            Task<Void> drain = createTask(connection.writer().drain());
            tick();
            peer.setSoLinger(true, 0);
            peer.close();
            assertThatThrownBy(() -> await(drain)).isInstanceOf(IOException.class);
        });
    }

    @Test
    void writeBufferLimitsAreChecked() throws Exception {
        withPeer((connection, peer) -> {
            StreamWriter writer = connection.writer();
            assertThatThrownBy(() -> writer.setWriteBufferLimits(1, 2)).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("high (1)");
            writer.setWriteBufferLimits(0);
            writer.write("x");
            await(writer.drain());
            assertThat(peer.getInputStream().read()).isEqualTo('x');
        });
    }

    @Test
    void anArrayMayBeReusedAfterWrite() throws Exception {
        withPeer((connection, peer) -> {
            byte[] bytes = {1, 2};
            connection.writer().write(bytes);
            bytes[0] = 9;
            connection.writer().writelines(List.of(bytes, bytes));
            connection.writer().writeEof();
            assertThat(await(Asyncio.toThread(() -> peer.getInputStream().readAllBytes()))).containsExactly(1, 2, 9, 2, 9, 2);
        });
    }

    @Test
    void writesFromAnotherThreadKeepTheirOrder() throws Exception {
        withPeer((connection, peer) -> {
            Mono<Void> drained = await(Asyncio.toThread(() -> {
                for (int i = 0; i < 1000; i++) {
                    connection.writer().write(i + "\n");
                }
                return new DrainHolder(connection.writer().drain());
            })).drain();
            Task<Void> offLoop = createTask(drained);
            await(offLoop);
            connection.writer().writeEof();
            String all = text(await(Asyncio.toThread(() -> peer.getInputStream().readAllBytes())));
            assertThat(all.lines().map(Integer::parseInt).toList()).hasSize(1000).isSorted();
        });
    }

    private record DrainHolder(Mono<Void> drain) {}

    // ---- cancelling reads

    @Test
    void aCancelledReadLosesNothing() throws Exception {
        withPeer((connection, peer) -> {
            for (int i = 0; i < 50; i++) {
                Task<byte[]> read = createTask(async(() -> await(connection.reader().readLine())));
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
            var server = await(TcpServer.create().runOn(Streams.loopResources(loop)).host(HOST).port(0).handle((in, out) -> {
                List<StreamConnection> streams = new ArrayList<>();
                in.withConnection(connection -> streams.add(StreamConnection.from(connection)));
                StreamConnection stream = streams.get(0);
                return stream.reader().readLine().doOnNext(line -> stream.writer().write("you said " + text(line))).then();
            }).bind());
            var connection = await(TcpClient.newConnection().runOn(Streams.loopResources(loop)).host(HOST).port(server.port()).connect());
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
                var connection = await(TcpClient.newConnection().runOn(Streams.loopResources(loop)).host(HOST).port(server.port()).connect());
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
            try (Server server = await(echo()); StreamConnection connection = await(Streams.openConnection(HOST, server.port()))) {
                int n = 20_000;
                Mono<Void> send = Flux.range(0, n).concatMap(i -> {
                    connection.writer().write(i + "\n");
                    return connection.writer().drain();
                }).then(Mono.fromRunnable(connection.writer()::writeEof));
                Mono<List<Integer>> receive = connection.reader().lines().map(line -> Integer.parseInt(text(line).strip())).collectList();
                List<Integer> received = await(Mono.zip(send.thenReturn(true), receive).map(both -> both.getT2()));
                assertThat(received).hasSize(n).isSorted();
            }
        });
    }
}
