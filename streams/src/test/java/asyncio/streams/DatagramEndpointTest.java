package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Future;
import asyncio.LogCapture;
import asyncio.Task;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.net.StandardSocketOptions;
import java.nio.channels.DatagramChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/** Datagrams with a protocol. */
@Timeout(60)
class DatagramEndpointTest {
    private static final String HOST = "127.0.0.1";
    private static final DatagramOptions ANY =
            DatagramOptions.builder().localAddress(HOST, 0).build();

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }

    /** Records its events, for which the test can wait. */
    private static class Recording implements DatagramProtocol {
        final List<String> events = new ArrayList<>();
        private final List<Future<Void>> waiting = new ArrayList<>();

        @Nullable DatagramTransport transport;

        @Nullable Throwable cause;

        final void hear(String event) {
            events.add(event);
            waiting.forEach(waiter -> waiter.trySetResult(null));
            waiting.clear();
        }

        final void waitFor(String event) throws Exception {
            while (!events.contains(event)) {
                Future<Void> next = EventLoop.getRunningLoop().createFuture();
                waiting.add(next);
                await(next);
            }
        }

        @Override
        public void connectionMade(DatagramTransport transport) {
            this.transport = transport;
            hear("made");
        }

        @Override
        public void datagramReceived(byte[] data, InetSocketAddress from) {
            hear("data " + new String(data, UTF_8));
        }

        @Override
        public void errorReceived(IOException error) {
            hear("error " + error.getClass().getSimpleName());
        }

        @Override
        public void pauseWriting() {
            hear("pause");
        }

        @Override
        public void resumeWriting() {
            hear("resume");
        }

        @Override
        public void connectionLost(@Nullable Throwable cause) {
            this.cause = cause;
            hear("lost");
        }
    }

    /** As in asyncio's own test. */
    private static final class Answering extends Recording {
        @Override
        public void datagramReceived(byte[] data, InetSocketAddress from) {
            super.datagramReceived(data, from);
            Objects.requireNonNull(transport).sendTo(bytes("resp:" + new String(data, UTF_8)), from);
        }
    }

    private static InetSocketAddress address(DatagramTransport transport) {
        return (InetSocketAddress) Objects.requireNonNull(transport.getExtraInfo("sockname"));
    }

    private static Mono<Opened<DatagramTransport, Recording>> connectedTo(InetSocketAddress address) {
        return Transports.createDatagramEndpoint(
                Recording::new,
                DatagramOptions.builder().remoteAddress(HOST, address.getPort()).build());
    }

    @Test
    @DisplayName(
            "NET-43, DGT-01: a server answers a connected client; sockname is there; close ends with connectionLost")
    void aServerAnswersAClient() throws Exception {
        Asyncio.run(() -> {
            try (var server = await(Transports.createDatagramEndpoint(Answering::new, ANY));
                    var client = await(connectedTo(address(server.transport())))) {
                assertThat(client.protocol().events).containsExactly("made");
                assertThat(client.transport().getExtraInfo("peername")).isEqualTo(address(server.transport()));
                assertThat(server.transport().getExtraInfo("peername")).isNull();
                assertThat(server.transport().getExtraInfo("nothing", "default"))
                        .isEqualTo("default");
                assertThat(server.transport().getExtraInfo("socket")).isInstanceOf(DatagramChannel.class);
                assertThat(server.protocol().transport).isSameAs(server.transport());
                client.transport().sendTo(bytes("xxx"));
                client.protocol().waitFor("data resp:xxx");
                client.transport().sendTo(bytes("y"), address(server.transport()));
                client.protocol().waitFor("data resp:y");
                assertThat(client.transport().isClosing()).isFalse();
                client.close();
                client.close();
                assertThat(client.transport().isClosing()).isTrue();
                assertThat(client.protocol().events).doesNotContain("lost"); // in a later tick
                client.protocol().waitFor("lost");
                assertThat(client.protocol().cause).isNull();
                assertThat(client.transport())
                        .asString()
                        .contains("DatagramTransport")
                        .endsWith("closed>");
            }
        });
    }

    @Test
    @DisplayName("NET-44, NET-46: a socket that is there already, and nothing beside it")
    void aSocketThatIsThereAlready() throws Exception {
        Asyncio.run(() -> {
            DatagramChannel given = DatagramChannel.open(java.net.StandardProtocolFamily.INET);
            given.bind(new InetSocketAddress(HOST, 0));
            var options = DatagramOptions.builder().socket(given);
            try (var server = await(Transports.createDatagramEndpoint(Answering::new, options.build()));
                    var client = await(connectedTo(address(server.transport())))) {
                assertThat(server.transport().getExtraInfo("socket")).isSameAs(given);
                client.transport().sendTo(bytes("x"));
                client.protocol().waitFor("data resp:x");
            }
            while (given.isOpen()) {
                await(sleep(Duration.ZERO));
            }
            assertThatThrownBy(() -> options.localAddress(HOST, 1).build())
                    .isInstanceOf(IllegalArgumentException.class);
            try (DatagramConnection connection = await(Datagrams.open(
                    DatagramOptions.builder().socket(SocketPair.datagrams()).build()))) {
                assertThat(connection.localAddress().getPort()).isPositive();
            }
        });
    }

    @Test
    @DisplayName("NET-49: what may broadcast is not connected, and sends to the remote address only")
    void whatMayBroadcastIsNotConnected() throws Exception {
        Asyncio.run(() -> {
            try (var server = await(Transports.createDatagramEndpoint(Answering::new, ANY));
                    var client = await(Transports.createDatagramEndpoint(
                            Recording::new,
                            DatagramOptions.builder()
                                    .remoteAddress(
                                            HOST, address(server.transport()).getPort())
                                    .allowBroadcast()
                                    .build()))) {
                assertThat(client.transport().getExtraInfo("peername")).isNull();
                client.transport().sendTo(bytes("x"));
                client.protocol().waitFor("data resp:x");
                assertThatThrownBy(() -> client.transport().sendTo(bytes("x"), new InetSocketAddress(HOST, 1)))
                        .isInstanceOf(IllegalArgumentException.class);
            }
        });
    }

    @Test
    @DisplayName("NET-51: an address that is in use; a factory that fails closes the socket")
    void failures() throws Exception {
        Asyncio.run(() -> {
            try (var first = await(Transports.createDatagramEndpoint(Recording::new, ANY))) {
                DatagramOptions same = DatagramOptions.builder()
                        .localAddress(HOST, address(first.transport()).getPort())
                        .build();
                assertThatThrownBy(() -> await(Transports.createDatagramEndpoint(Recording::new, same)))
                        .isInstanceOf(BindException.class);
            }
            DatagramChannel given = SocketPair.datagrams();
            Mono<?> failing = Transports.createDatagramEndpoint(
                    () -> {
                        throw new IllegalArgumentException("no protocol");
                    },
                    DatagramOptions.builder().socket(given).build());
            assertThatThrownBy(() -> await(failing)).isInstanceOf(IllegalArgumentException.class);
            assertThat(given.isOpen()).isFalse();
        });
    }

    @Test
    @DisplayName("NET-52, DGT-02, DGT-06: a refused datagram is told to a connected protocol, which goes on")
    @EnabledOnOs(OS.LINUX)
    void aRefusedDatagram() throws Exception {
        Asyncio.run(() -> {
            InetSocketAddress gone;
            try (var server = await(Transports.createDatagramEndpoint(Recording::new, ANY))) {
                gone = address(server.transport());
                server.close();
                server.protocol().waitFor("lost");
            }
            try (var client = await(connectedTo(gone))) {
                client.transport().sendTo(bytes("to nobody"));
                client.protocol().waitFor("error " + PortUnreachableException.class.getSimpleName());
                assertThat(client.transport().isClosing()).isFalse();
                try (var late = await(Transports.createDatagramEndpoint(
                        Answering::new,
                        DatagramOptions.builder()
                                .localAddress(HOST, gone.getPort())
                                .build()))) {
                    client.transport().sendTo(bytes("x"));
                    client.protocol().waitFor("data resp:x");
                }
            }
            try (var server = await(Transports.createDatagramEndpoint(Answering::new, ANY));
                    var client = await(Transports.createDatagramEndpoint(Recording::new, ANY))) {
                client.transport().sendTo(bytes("to nobody"), gone);
                client.transport().sendTo(bytes("y"), address(server.transport()));
                client.protocol().waitFor("data resp:y");
            }
        });
    }

    @Test
    @DisplayName("DGT-03: an empty datagram is sent; a connected transport tells its protocol that it cannot")
    void emptyDatagrams() throws Exception {
        Asyncio.run(() -> {
            try (var server = await(Transports.createDatagramEndpoint(Recording::new, ANY));
                    var client = await(connectedTo(address(server.transport())))) {
                server.transport().sendTo(new byte[0], address(client.transport()));
                client.protocol().waitFor("data ");
                client.transport().sendTo(new byte[0]);
                client.protocol().waitFor("error IOException");
                client.transport().sendTo(new byte[65_508]); // more than IPv4 allows
                assertThat(client.protocol().events)
                        .filteredOn("error IOException"::equals)
                        .hasSize(2);
            }
        });
    }

    /** An endpoint that has no room for its datagrams. */
    private static final class Full extends DatagramEndpoint {
        boolean full = true;

        Full(Recording protocol) throws IOException {
            super(EventLoop.getRunningLoop(), SocketPair.datagrams(), null, protocol, Context.empty());
            start();
        }

        @Override
        boolean attempt(byte[] data, @Nullable InetSocketAddress to) throws IOException {
            return !full && super.attempt(data, to);
        }
    }

    @Test
    @DisplayName(
            "DGT-04, DGT-05: what there is no room for is copied, counted, and sent in order; the protocol is paused")
    void whatThereIsNoRoomFor() throws Exception {
        Asyncio.run(() -> {
            Recording protocol = new Recording();
            Full endpoint = new Full(protocol);
            try (var server = await(Transports.createDatagramEndpoint(Recording::new, ANY))) {
                assertThat(endpoint.getWriteBufferLimits()).isEqualTo(WriteBufferLimits.DEFAULT);
                endpoint.setWriteBufferLimits(250, 100);
                byte[] data = bytes("first " + ".".repeat(94));
                endpoint.sendTo(data, address(server.transport()));
                data[0] = 'X';
                assertThat(endpoint.getWriteBufferSize()).isEqualTo(108);
                endpoint.sendTo(bytes("second"), address(server.transport()));
                assertThat(protocol.events).containsExactly("made");
                endpoint.sendTo(bytes(".".repeat(200)), address(server.transport()));
                assertThat(protocol.events).containsExactly("made", "pause");
                await(sleep(Duration.ofMillis(2)));
                endpoint.close(); // sends it nevertheless
                assertThat(endpoint.isClosing()).isTrue();
                endpoint.full = false;
                protocol.waitFor("lost");
                server.protocol().waitFor("data " + ".".repeat(200));
                assertThat(server.protocol().events)
                        .containsExactly(
                                "made", "data first " + ".".repeat(94), "data second", "data " + ".".repeat(200));
                assertThat(protocol.events).containsExactly("made", "pause", "resume", "lost");
                assertThat(endpoint.getWriteBufferSize()).isZero();
            }
        });
    }

    @Test
    void abortDropsWhatIsBuffered() throws Exception {
        Asyncio.run(() -> {
            Recording protocol = new Recording();
            Full endpoint = new Full(protocol);
            endpoint.sendTo(bytes("never"), address(endpoint));
            endpoint.abort();
            endpoint.full = false;
            assertThat(endpoint.getWriteBufferSize()).isZero();
            protocol.waitFor("lost");
            assertThat(protocol.events).containsExactly("made", "lost");
        });
    }

    @Test
    @DisplayName("DGT-07: a connected transport sends to its peer only; an unconnected one must be told where")
    void addressesThatCannotBe() throws Exception {
        Asyncio.run(() -> {
            try (var server = await(Transports.createDatagramEndpoint(Recording::new, ANY));
                    var client = await(connectedTo(address(server.transport())))) {
                assertThatThrownBy(() -> client.transport().sendTo(bytes("x"), address(client.transport())))
                        .isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> server.transport().sendTo(bytes("x")))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("no remote address");
                assertThatThrownBy(() ->
                                server.transport().sendTo(bytes("x"), InetSocketAddress.createUnresolved("host", 1)))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("not resolved");
                assertThatThrownBy(() -> server.transport().setProtocol(new Protocol() {}))
                        .isInstanceOf(IllegalArgumentException.class);
                Recording other = new Recording();
                server.transport().setProtocol(other);
                assertThat(server.transport().getProtocol()).isSameAs(other);
                client.transport().sendTo(bytes("for the other"));
                other.waitFor("data for the other");
            }
        });
    }

    @Test
    @DisplayName("DGT-08: after close what is sent is dropped, and a warning logged the fifth time")
    void afterClose() throws Exception {
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(() -> {
                var server = await(Transports.createDatagramEndpoint(Recording::new, ANY));
                server.close();
                for (int i = 0; i < 4; i++) {
                    server.transport().sendTo(bytes("x"), address(server.transport()));
                }
                assertThat(log.messages()).isEmpty();
                server.transport().sendTo(bytes("x"), address(server.transport()));
                server.transport().sendTo(bytes("x"), address(server.transport()));
                assertThat(log.messages()).hasSize(1);
                assertThat(log.messages().get(0)).contains("5 writes").contains("DatagramTransport");
                server.protocol().waitFor("lost");
                assertThat(server.protocol().events).containsExactly("made", "lost");
            });
        }
    }

    @Test
    void whatAProtocolThrowsIsReportedAndTheTransportGoesOn() throws Exception {
        List<ExceptionContext> reported = new ArrayList<>();
        Asyncio.run(() -> {
            EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> reported.add(what));
            Recording throwing = new Recording() {
                @Override
                public void datagramReceived(byte[] data, InetSocketAddress from) {
                    super.datagramReceived(data, from);
                    throw new IllegalArgumentException("not understood");
                }
            };
            try (var server = await(Transports.createDatagramEndpoint(() -> throwing, ANY))) {
                server.transport().sendTo(bytes("one"), address(server.transport()));
                server.transport().sendTo(bytes("two"), address(server.transport()));
                throwing.waitFor("data two");
            }
            throwing.waitFor("lost");
            assertThat(reported).hasSize(2);
            assertThat(reported.get(0).protocol()).isSameAs(throwing);
            assertThat(reported.get(0).transport()).isSameAs(throwing.transport);
        });
    }

    @Test
    void fromAnotherThreadAndAtTheEndOfTheLoop() throws Exception {
        Recording protocol = new Recording();
        Asyncio.run(() -> {
            var server = await(Transports.createDatagramEndpoint(() -> protocol, ANY));
            await(toThread(() -> {
                server.transport().sendTo(bytes("from a thread"), address(server.transport()));
                return null;
            }));
            protocol.waitFor("data from a thread");
        });
        assertThat(protocol.events).containsExactly("made", "data from a thread", "lost");
    }

    @Test
    void cancellingLeavesNoSocket() throws Exception {
        Asyncio.run(() -> {
            for (int i = 0; i < 20; i++) {
                DatagramChannel given = SocketPair.datagrams();
                Mono<Opened<DatagramTransport, Recording>> opening = Transports.createDatagramEndpoint(
                        Recording::new, DatagramOptions.builder().socket(given).build());
                Task<?> task = createTask(i % 2 == 0 ? opening : async(() -> await(opening)));
                if (i % 3 > 0) {
                    await(sleep(Duration.ZERO));
                }
                if (task.cancel()) {
                    assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
                } else {
                    ((Opened<?, ?>) await(task)).close();
                }
                if (i % 3 > 0) { // else it has not started, and the caller still owns the socket
                    while (given.isOpen()) {
                        await(sleep(Duration.ofMillis(1)));
                    }
                }
                given.close();
            }
        });
    }

    @Test
    void aBufferOfTheSystemsCanBeChosen() throws Exception {
        Asyncio.run(() -> {
            try (var server = await(Transports.createDatagramEndpoint(
                    Recording::new,
                    DatagramOptions.builder()
                            .localAddress(HOST, 0)
                            .option(StandardSocketOptions.SO_RCVBUF, 1 << 16)
                            .reusePort() // NET-50
                            .build()))) {
                DatagramChannel socket = (DatagramChannel)
                        Objects.requireNonNull(server.transport().getExtraInfo("socket"));
                assertThat(socket.getOption(StandardSocketOptions.SO_REUSEPORT)).isTrue();
                assertThat(socket.getOption(StandardSocketOptions.SO_BROADCAST)).isFalse();
                assertThat(socket.getOption(StandardSocketOptions.SO_REUSEADDR)).isFalse();
            }
        });
    }

    @Test
    void aFactoryThatFailsWithAnErrorLeavesNoSocket() throws Exception {
        Asyncio.run(() -> {
            DatagramChannel socket = SocketPair.datagrams();
            assertThatThrownBy(() -> await(Transports.createDatagramEndpoint(
                            () -> {
                                throw new AssertionError("of the factory");
                            },
                            DatagramOptions.builder().socket(socket).build())))
                    .isInstanceOf(AssertionError.class);
            assertThat(socket.isOpen()).isFalse();
        });
    }
}
