package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;
import reactor.netty.tcp.TcpClient;

@ExtendWith(LeakCheck.class)
class OptionsTest {
    private static final String HOST = "127.0.0.1";

    private static void end(Server server) throws Exception {
        server.close();
        await(server.waitClosed());
    }

    private static void end(StreamConnection connection) throws Exception {
        connection.close();
        await(connection.writer().waitClosed());
    }

    private static Object option(StreamConnection connection, ChannelOption<?> option) {
        return ((Channel) Objects.requireNonNull(connection.writer().getExtraInfo("socket")))
                .config()
                .getOption(option);
    }

    // ---- serving

    @Test
    @DisplayName("SRV-01 startServing(false): who connects waits until startServing or serveForever")
    void startServing() throws Exception {
        Asyncio.run(() -> {
            for (boolean forever : new boolean[] {true, false}) {
                Server server = await(Streams.startServerBody(
                        TlsTest::echoLines,
                        HOST,
                        0,
                        ServeOptions.builder().startServing(false).build()));
                assertThat(server.isServing()).isFalse();
                assertThat(server.sockets()).hasSize(1);
                StreamConnection early = await(Streams.openConnection(HOST, server.port()));
                early.writer().write("hello\n");
                Task<byte[]> answer = createTask(early.reader().readLine());
                await(sleep(Duration.ofMillis(20)));
                assertThat(answer.done()).isFalse();
                Task<Void> serving = null;
                if (forever) {
                    serving = createTask(server.serveForever());
                } else {
                    server.startServing();
                    server.startServing();
                }
                assertThat(TlsTest.text(await(answer))).isEqualTo("hello\n");
                assertThat(server.isServing()).isTrue();
                end(early);
                end(server);
                if (serving != null) {
                    await(serving);
                }
                assertThatThrownBy(server::startServing)
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("is closed");
            }
        });
    }

    @Test
    @DisplayName("SRV-12 leaving the scope of a server closes it, and the scope ends with its clients")
    void scope() throws Exception {
        Asyncio.run(() -> {
            Server server = await(Streams.startServerBody(TlsTest::echoLines, HOST, 0));
            StreamConnection connection = await(Streams.openConnection(HOST, server.port()));
            connection.writer().write("hello\n");
            await(connection.reader().readLine()); // it has been accepted
            Task<Void> scope = createTask(Mono.usingWhen(Mono.just(server), Mono::just, Server::closeAndWait)
                    .then());
            await(sleep(Duration.ofMillis(20)));
            assertThat(server.isServing()).isFalse();
            assertThat(scope.done()).isFalse();
            connection.close();
            await(scope);
        });
    }

    @Test
    void moreConnectionsThanAllowedWaitForTheirTurn() throws Exception {
        Asyncio.run(() -> {
            int max = 3;
            int[] now = {0, 0};
            Server server = await(Streams.startServerBody(
                    connection -> {
                        now[1] = Math.max(now[1], ++now[0]);
                        TlsTest.echoLines(connection);
                        now[0]--;
                    },
                    HOST,
                    0,
                    ServeOptions.builder().maxConnections(max).build()));
            List<Task<Void>> clients = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                clients.add(createTask(async(() -> {
                    try (StreamConnection connection = await(Streams.openConnection(HOST, server.port()))) {
                        connection.writer().write("hello\n");
                        assertThat(TlsTest.text(await(connection.reader().readLine())))
                                .isEqualTo("hello\n");
                    }
                })));
            }
            for (Task<Void> client : clients) {
                await(client);
            }
            assertThat(now[1]).isEqualTo(max);
            end(server);
        });
    }

    @Test
    @DisplayName("NET-29: options of sockets, reusePort among them")
    void socketOptions() throws Exception {
        Asyncio.run(() -> {
            ServeOptions shared = ServeOptions.builder()
                    .reusePort(true)
                    .keepAlive(true)
                    .backlog(5)
                    .limit(10)
                    .build();
            Future<Object> keepAlive = new Future<>();
            Server first = await(Streams.startServerBody(
                    connection -> {
                        keepAlive.trySetResult(option(connection, ChannelOption.SO_KEEPALIVE));
                        connection.close();
                    },
                    HOST,
                    0,
                    shared));
            StreamConnection connection = await(Streams.openConnection(
                    HOST,
                    first.port(),
                    ConnectOptions.builder()
                            .keepAlive(true)
                            .localAddress(new InetSocketAddress("127.0.0.2", 0))
                            .build()));
            assertThat(((InetSocketAddress)
                                    Objects.requireNonNull(connection.writer().localAddress()))
                            .getAddress()
                            .getHostAddress())
                    .isEqualTo("127.0.0.2");
            assertThat(option(connection, ChannelOption.SO_KEEPALIVE)).isEqualTo(true);
            assertThat(await(keepAlive)).isEqualTo(true);
            end(connection);
            Server second = await(Streams.startServerBody(StreamConnection::close, HOST, first.port(), shared));
            assertThat(second.port()).isEqualTo(first.port());
            end(second);
            end(first);
        });
    }

    @Test
    void wrongValuesAreRefused() {
        assertThatThrownBy(() -> ServeOptions.builder().maxConnections(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("maxConnections must be positive, got 0");
        assertThatThrownBy(() -> ServeOptions.builder().backlog(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ServeOptions.builder().limit(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ServeOptions.builder().idleTimeout(Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ConnectOptions.builder().writeTimeout(Duration.ofSeconds(-1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("PT-1S");
        assertThatThrownBy(() -> ConnectOptions.builder().interleave(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ConnectOptions.builder().happyEyeballsDelay(Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class);
    }

    // ---- several addresses

    @Test
    @DisplayName("NET-19: addresses are interleaved by family")
    void familiesTakeTurns() throws Exception {
        List<InetSocketAddress> all = new ArrayList<>();
        for (String address : List.of("::1", "::2", "::3", "1.0.0.1", "1.0.0.2")) {
            all.add(new InetSocketAddress(InetAddress.getByName(address), 1));
        }
        assertThat(Addresses.interleave(all, 0)).isEqualTo(all);
        assertThat(Addresses.interleave(all, 1))
                .containsExactly(all.get(0), all.get(3), all.get(1), all.get(4), all.get(2));
        assertThat(Addresses.interleave(all, 3))
                .containsExactly(all.get(0), all.get(1), all.get(2), all.get(3), all.get(4));
    }

    /** Connects to the first of these addresses that answers; a negative port is one that never does. */
    private static Mono<Connection> race(EventLoop loop, Duration delay, List<Integer> started, int... ports) {
        List<InetSocketAddress> addresses = new ArrayList<>();
        for (int port : ports) {
            addresses.add(InetSocketAddress.createUnresolved(HOST, Math.abs(port)));
        }
        return HappyEyeballs.connect(addresses, delay, address -> {
            int number = started.size();
            started.add(address.getPort());
            return ports[number] < 0
                    ? Mono.never()
                    : TcpClient.newConnection()
                            .runOn(Streams.loopResources(loop))
                            .host(HOST)
                            .port(ports[number])
                            .connect()
                            .cast(Connection.class);
        });
    }

    private static int refusingPort() throws Exception {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    @Test
    @DisplayName(
            "NET-02, NET-19, NET-21, NET-22, NET-23: the next address starts after the delay or a failure; if all fail, the errors of the others are suppressed in the first")
    void aSilentAddressIsOvertakenAndARefusingOneDoesNotDelay() throws Exception {
        int refusing = refusingPort();
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Server server = await(Streams.startServerBody(TlsTest::echoLines, HOST, 0));
            List<Integer> started = new ArrayList<>();
            Connection connection =
                    await(race(loop, Duration.ofMillis(50), started, refusing, -1, server.port(), server.port()));
            assertThat(((InetSocketAddress) connection.channel().remoteAddress()).getPort())
                    .isEqualTo(server.port());
            assertThat(started).hasSizeBetween(3, 4);
            connection.dispose();

            started.clear();
            // an hour: the second must be started by the first's failure
            Connection second = await(race(loop, Duration.ofHours(1), started, refusing, server.port(), -1));
            assertThat(started).containsExactly(refusing, server.port());
            second.dispose();

            assertThatThrownBy(() -> await(race(loop, null, new ArrayList<>(), refusing, refusing)))
                    .isInstanceOf(ConnectException.class)
                    .satisfies(e -> assertThat(e.getSuppressed())
                            .anySatisfy(other -> assertThat(other).isInstanceOf(ConnectException.class)));
            end(server);
        });
    }

    @Test
    void addressesThatFailWithTheSameExceptionFailWithThat() throws Exception {
        ConnectException same = new ConnectException("no route");
        Asyncio.run(() -> {
            List<InetSocketAddress> two =
                    List.of(InetSocketAddress.createUnresolved("a", 1), InetSocketAddress.createUnresolved("b", 2));
            Mono<Connection> racing = HappyEyeballs.connect(two, null, address -> Mono.error(same));
            assertThatThrownBy(() -> await(racing)).isSameAs(same);
        });
    }

    @Test
    @DisplayName("NET-19: a race that is cancelled cancels its attempts")
    void losersAndCancelledRacesAreClosed() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            List<Boolean> cancelled = new ArrayList<>();
            List<InetSocketAddress> two =
                    List.of(InetSocketAddress.createUnresolved("a", 1), InetSocketAddress.createUnresolved("b", 2));
            Task<Connection> racing = createTask(HappyEyeballs.connect(
                    two,
                    Duration.ofMillis(1),
                    address -> Mono.<Connection>never().doOnCancel(() -> cancelled.add(true))));
            await(sleep(Duration.ofMillis(50)));
            await(racing.cancelAndJoin());
            assertThat(cancelled).hasSize(2);
        });
    }

    @Test
    @DisplayName("NET-20: when the first address answers, the second is never tried")
    void anAddressThatAnswersIsTheOnlyOne() throws Exception {
        Asyncio.run(() -> {
            Server server = await(Streams.startServerBody(TlsTest::echoLines, HOST, 0));
            List<Integer> started = new ArrayList<>();
            Connection connection = await(
                    race(EventLoop.getRunningLoop(), Duration.ofHours(1), started, server.port(), refusingPort()));
            assertThat(started).containsExactly(server.port());
            connection.dispose();
            end(server);
        });
    }

    @Test
    @DisplayName("NET-24: of two connections that are there in the same tick one wins, and the other is closed")
    void ofTwoWinnersOneIsClosed() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            List<Future<Connection>> opening = List.of(loop.createFuture(), loop.createFuture());
            List<Connection> connections =
                    List.of(Connection.from(new EmbeddedChannel()), Connection.from(new EmbeddedChannel()));
            List<InetSocketAddress> two =
                    List.of(InetSocketAddress.createUnresolved("a", 0), InetSocketAddress.createUnresolved("b", 1));
            List<Integer> started = new ArrayList<>();
            Task<Connection> racing = createTask(HappyEyeballs.connect(two, Duration.ofMillis(1), address -> {
                started.add(address.getPort());
                return opening.get(address.getPort());
            }));
            while (started.size() < 2) {
                await(sleep(Duration.ofMillis(1)));
            }
            opening.get(0).setResult(connections.get(0));
            opening.get(1).setResult(connections.get(1));
            Connection winner = await(racing);
            for (Connection connection : connections) {
                while (connection != winner && !connection.isDisposed()) {
                    await(sleep(Duration.ZERO));
                }
            }
            assertThat(connections).contains(winner);
            assertThat(winner.isDisposed()).isFalse();
            winner.dispose();
        });
    }

    @Test
    @DisplayName(
            "NET-17: a local address that is in use for one and a refusing other: both errors, and no socket stays")
    void errorsOfBothKindsAreAggregated() throws Exception {
        int refusing = refusingPort();
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            try (ServerSocket busy = new ServerSocket(0, 1, InetAddress.getByName(HOST))) {
                TcpClient client = TcpClient.newConnection().runOn(Streams.loopResources(loop));
                List<Channel> channels = new ArrayList<>();
                List<InetSocketAddress> two = List.of(
                        new InetSocketAddress(HOST, refusing), new InetSocketAddress(HOST, busy.getLocalPort()));
                Mono<Connection> racing = HappyEyeballs.connect(
                        two,
                        null,
                        address -> client.doOnChannelInit((observer, channel, remote) -> channels.add(channel))
                                .bindAddress(() -> new InetSocketAddress(
                                        HOST, address.getPort() == refusing ? 0 : busy.getLocalPort()))
                                .remoteAddress(() -> address)
                                .connect()
                                .cast(Connection.class));
                assertThatThrownBy(() -> await(racing))
                        .isInstanceOf(ConnectException.class)
                        .satisfies(e -> assertThat(e.getSuppressed())
                                .anySatisfy(
                                        other -> assertThat(other).hasMessageContaining(":" + busy.getLocalPort())));
                assertThat(channels).hasSize(2).noneMatch(Channel::isOpen);
            }
        });
    }

    @Test
    void theOperatingSystemsAddressesOfAHostAreTried() throws Exception {
        Asyncio.run(() -> {
            Server server = await(Streams.startServerBody(TlsTest::echoLines, HOST, 0));
            StreamConnection connection = await(Streams.openConnection(
                    "localhost",
                    server.port(),
                    ConnectOptions.builder()
                            .happyEyeballsDelay(null)
                            .interleave(0)
                            .limit(100)
                            .build()));
            end(connection);
            end(server);
        });
    }
}
