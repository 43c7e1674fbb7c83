package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static asyncio.Asyncio.waitFor;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.Task;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.BindException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.PortUnreachableException;
import java.net.StandardSocketOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import reactor.core.publisher.Mono;

/** Datagram sockets and their peers: sockets of the JDK, of this library and of CPython's asyncio. */
@Timeout(60)
class DatagramsTest {
    private static final String HOST = "127.0.0.1";

    private static Mono<DatagramConnection> bound() {
        return Datagrams.open(DatagramOptions.builder().localAddress(HOST, 0).build());
    }

    private static Mono<DatagramConnection> connectedTo(int port) {
        return Datagrams.open(
                DatagramOptions.builder().remoteAddress(HOST, port).build());
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }

    private static String text(Mono<Datagram> received) throws Exception {
        return new String(await(received).data(), UTF_8);
    }

    @Test
    @DisplayName("DGT-01: a datagram comes with its sender's address")
    void aDatagramComesWithItsSendersAddress() throws Exception {
        Asyncio.run(() -> {
            try (DatagramConnection server = await(bound());
                    DatagramConnection client =
                            await(connectedTo(server.localAddress().getPort()))) {
                await(client.send(bytes("hello")));
                Datagram datagram = await(server.receive());
                assertThat(new String(datagram.data(), UTF_8)).isEqualTo("hello");
                assertThat(datagram.from()).isEqualTo(client.localAddress());
                assertThat(datagram).hasToString("<Datagram of 5 bytes from " + client.localAddress() + ">");
                await(server.send(bytes("and back"), datagram.from()));
                assertThat(text(client.receive())).isEqualTo("and back");
                assertThat(client.remoteAddress()).isEqualTo(server.localAddress());
                assertThat(server.remoteAddress()).isNull();
            }
        });
    }

    @Test
    @DisplayName("DGT-03: an empty datagram is sent and received; a connected socket, which sends none, says so")
    void emptyDatagrams() throws Exception {
        Asyncio.run(() -> {
            try (DatagramConnection server = await(bound());
                    DatagramConnection client =
                            await(connectedTo(server.localAddress().getPort()))) {
                await(server.send(new byte[0], client.localAddress()));
                assertThat(await(client.receive()).data()).isEmpty();
                assertThatThrownBy(() -> await(client.send(new byte[0])))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("An empty datagram cannot be sent");
                await(client.send(bytes("not empty"))); // still open
                assertThat(text(server.receive())).isEqualTo("not empty");
            }
        });
    }

    @Test
    @DisplayName("DGT-04, DGT-05: many datagrams keep their order, and each is whole")
    void manyDatagramsKeepTheirOrder() throws Exception {
        Asyncio.run(() -> {
            try (DatagramConnection server = await(Datagrams.open(DatagramOptions.builder()
                            .localAddress(HOST, 0)
                            .option(StandardSocketOptions.SO_RCVBUF, 1 << 20)
                            .build()));
                    DatagramConnection client =
                            await(connectedTo(server.localAddress().getPort()))) {
                Task<List<String>> received = createTask(server.datagrams()
                        .map(datagram -> new String(datagram.data(), UTF_8))
                        .take(500)
                        .collectList());
                for (int i = 0; i < 500; i++) {
                    await(client.send(bytes("datagram " + i)));
                    if (i % 20 == 0) {
                        await(sleep(Duration.ofMillis(1))); // the system's buffer is not a reliable queue
                    }
                }
                assertThat(await(received))
                        .containsExactlyElementsOf(IntStream.range(0, 500)
                                .mapToObj(i -> "datagram " + i)
                                .toList());
            }
        });
    }

    @Test
    @DisplayName(
            "DGT-02, DGT-06: a datagram that was refused fails the next receive or send, and the socket stays open")
    @EnabledOnOs(OS.LINUX)
    void aDatagramThatWasRefused() throws Exception {
        Asyncio.run(() -> {
            int port;
            try (DatagramConnection gone = await(bound())) {
                port = gone.localAddress().getPort();
            }
            try (DatagramConnection client = await(connectedTo(port))) {
                await(client.send(bytes("to nobody")));
                assertThatThrownBy(() -> await(client.receive())).isInstanceOf(PortUnreachableException.class);
                try (DatagramConnection late = await(Datagrams.open(
                        DatagramOptions.builder().localAddress(HOST, port).build()))) {
                    await(client.send(bytes("to somebody")));
                    assertThat(text(late.receive())).isEqualTo("to somebody");
                }
            }
        });
    }

    @Test
    @DisplayName("DGT-07: a connected socket sends to its peer only; an unconnected one must be told where")
    void addressesThatCannotBe() throws Exception {
        Asyncio.run(() -> {
            try (DatagramConnection server = await(bound());
                    DatagramConnection client =
                            await(connectedTo(server.localAddress().getPort()))) {
                assertThatThrownBy(() -> client.send(bytes("x"), client.localAddress()))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("is connected");
                assertThatThrownBy(() -> server.send(bytes("x")))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("no remote address");
                assertThatThrownBy(() -> server.send(bytes("x"), InetSocketAddress.createUnresolved("localhost", 1)))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("not resolved");
                await(client.send(bytes("to the same"), server.localAddress()));
                assertThat(text(server.receive())).isEqualTo("to the same");
            }
        });
    }

    @Test
    void aDatagramThatIsTooLarge() throws Exception {
        Asyncio.run(() -> {
            try (DatagramConnection server = await(bound())) {
                assertThatThrownBy(() -> server.send(new byte[65_528], server.localAddress()))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("65528 bytes");
                assertThatThrownBy(() -> await(server.send(new byte[65_508], server.localAddress())))
                        .isInstanceOf(IOException.class);
                await(server.send(new byte[60_000], server.localAddress()));
                assertThat(await(server.receive()).data()).hasSize(60_000);
            }
        });
    }

    @Test
    @DisplayName("DGT-08: after close nothing is sent; those who wait are told")
    void afterClose() throws Exception {
        Asyncio.run(() -> {
            DatagramConnection server = await(bound());
            InetSocketAddress address = server.localAddress();
            Task<Datagram> waiting = createTask(async(() -> await(server.receive())));
            Task<List<Datagram>> all = createTask(server.datagrams().collectList());
            await(sleep(Duration.ofMillis(5)));
            assertThat(server).hasToString("<DatagramConnection " + address + " open>");
            server.close();
            server.close();
            assertThat(await(waiting)).isNull();
            assertThat(await(all)).isEmpty();
            assertThat(await(server.receive())).isNull();
            assertThat(server.isClosed()).isTrue();
            assertThatThrownBy(() -> await(server.send(bytes("x"), address)))
                    .isInstanceOf(IOException.class)
                    .hasMessage("Cannot send, since the socket is closed: <DatagramConnection " + address + " closed>");
            DatagramConnection next = null;
            while (next == null) { // until the port is free
                next = await(Datagrams.open(DatagramOptions.builder()
                                .localAddress(HOST, address.getPort())
                                .build())
                        .onErrorComplete(BindException.class));
            }
            assertThat(next.localAddress()).isEqualTo(address);
            next.close();
        });
    }

    @Test
    void theEndOfTheLoopClosesIt() throws Exception {
        List<DatagramConnection> opened = new ArrayList<>();
        Asyncio.run(() -> {
            opened.add(await(bound()));
            createTask(async(() -> await(opened.get(0).receive())));
            await(sleep(Duration.ofMillis(5)));
        });
        assertThat(opened.get(0).isClosed()).isTrue();
    }

    @Test
    void aPortThatIsInUse() throws Exception {
        Asyncio.run(() -> {
            try (DatagramConnection first = await(bound())) {
                int port = first.localAddress().getPort();
                assertThatThrownBy(() -> await(Datagrams.open(DatagramOptions.builder()
                                .localAddress(HOST, port)
                                .build())))
                        .isInstanceOf(BindException.class);
            }
        });
        assertThatThrownBy(() -> DatagramOptions.builder().localAddress(HOST, -1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> DatagramOptions.builder().remoteAddress(HOST, 0))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void twoMayHaveTheSamePortIfBothSaySo() throws Exception {
        Asyncio.run(() -> {
            try (DatagramConnection first = await(Datagrams.open(DatagramOptions.builder()
                            .localAddress(HOST, 0)
                            .reusePort()
                            .build()));
                    DatagramConnection second = await(Datagrams.open(DatagramOptions.builder()
                            .localAddress(HOST, first.localAddress().getPort())
                            .reusePort()
                            .build()))) {
                assertThat(second.localAddress()).isEqualTo(first.localAddress());
            }
        });
    }

    @Test
    void aGroupOfMulticastIsJoined() throws Exception {
        InetAddress group = InetAddress.getByName("239.255.77.7");
        NetworkInterface loopback = NetworkInterface.getByInetAddress(InetAddress.getByName(HOST));
        assumeTrue(loopback != null, "this system has no loopback interface");
        Asyncio.run(() -> {
            DatagramConnection member;
            try {
                member = await(Datagrams.open(
                        DatagramOptions.builder().join(group, loopback).build()));
            } catch (IOException e) {
                assumeTrue(false, "this system has no multicast on its loopback interface: " + e);
                throw e;
            }
            try (member;
                    DatagramConnection sender = await(Datagrams.open(DatagramOptions.builder()
                            .localAddress(HOST, 0)
                            .option(StandardSocketOptions.IP_MULTICAST_IF, loopback)
                            .option(StandardSocketOptions.IP_MULTICAST_LOOP, true)
                            .build()))) {
                await(sender.send(
                        bytes("to all"),
                        new InetSocketAddress(group, member.localAddress().getPort())));
                assertThat(text(member.receive())).isEqualTo("to all");
            }
        });
        assertThatThrownBy(() -> DatagramOptions.builder().join(InetAddress.getByName(HOST), loopback))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aCancelledReceiveLosesNothing() throws Exception {
        Asyncio.run(() -> {
            try (DatagramConnection server = await(bound());
                    DatagramConnection client =
                            await(connectedTo(server.localAddress().getPort()))) {
                for (int i = 0; i < 50; i++) {
                    Task<Datagram> receiver = createTask(async(() -> await(server.receive())));
                    await(sleep(Duration.ZERO));
                    await(client.send(bytes("datagram " + i)));
                    if (i % 2 == 0) {
                        await(sleep(Duration.ofMillis(1)));
                    }
                    String received;
                    if (receiver.cancel()) {
                        try {
                            received = new String(await(receiver).data(), UTF_8);
                        } catch (CancelledException e) {
                            received = text(server.receive());
                        }
                    } else {
                        received = new String(await(receiver).data(), UTF_8);
                    }
                    assertThat(received).isEqualTo("datagram " + i);
                }
                assertThatThrownBy(() -> await(waitFor(server.receive(), Duration.ofMillis(5))))
                        .isInstanceOf(TimeoutException.class);
            }
        });
    }

    @Test
    void aDatagramThatWasGrantedToAReceiverWhoIsCancelledInThatTickIsTheNextOnes() throws Exception {
        Asyncio.run(() -> {
            try (DatagramConnection server = await(bound());
                    DatagramConnection client =
                            await(connectedTo(server.localAddress().getPort()))) {
                await(client.send(bytes("first")));
                await(client.send(bytes("second")));
                await(sleep(Duration.ofMillis(5)));
                Task<Datagram> one = createTask(server.receive().map(datagram -> datagram));
                Task<Datagram> two = createTask(async(() -> await(server.receive())));
                one.cancel();
                assertThat(new String(await(two).data(), UTF_8)).isEqualTo("first");
                assertThat(text(server.receive())).isEqualTo("second");
            }
        });
    }

    @Test
    void severalReceiversGetOneEachInTheirOrder() throws Exception {
        Asyncio.run(() -> {
            try (DatagramConnection server = await(bound());
                    DatagramConnection client =
                            await(connectedTo(server.localAddress().getPort()))) {
                List<Task<String>> receivers = new ArrayList<>();
                for (int i = 0; i < 5; i++) {
                    receivers.add(createTask(async(() -> text(server.receive()))));
                    await(sleep(Duration.ZERO));
                }
                for (int i = 0; i < 5; i++) {
                    await(client.send(bytes("for " + i)));
                }
                for (int i = 0; i < 5; i++) {
                    assertThat(await(receivers.get(i))).isEqualTo("for " + i);
                }
            }
        });
    }

    @Test
    void nothingHappensBeforeSubscriptionNorWithoutDemand() throws Exception {
        Asyncio.run(() -> {
            Mono<DatagramConnection> cold = bound();
            try (DatagramConnection server = await(cold);
                    DatagramConnection other = await(cold)) {
                assertThat(other.localAddress()).isNotEqualTo(server.localAddress());
                Mono<Void> send = other.send(bytes("twice"), server.localAddress());
                await(send);
                await(send);
                assertThat(text(server.datagrams().limitRate(1).next())).isEqualTo("twice");
                assertThat(text(server.receive())).isEqualTo("twice");
            }
        });
    }

    @Test
    void outsideOfAnyLoopItLivesOnASharedOne() throws Exception {
        DatagramConnection server = Objects.requireNonNull(bound().block());
        try (server;
                DatagramSocket peer = new DatagramSocket()) {
            peer.send(new DatagramPacket(bytes("plain"), 5, server.localAddress()));
            Datagram datagram = Objects.requireNonNull(server.receive().block());
            assertThat(new String(datagram.data(), UTF_8)).isEqualTo("plain");
            server.send(bytes("answer"), new InetSocketAddress(InetAddress.getByName(HOST), peer.getLocalPort()))
                    .block();
            DatagramPacket answer = new DatagramPacket(new byte[100], 100);
            peer.receive(answer);
            assertThat(answer.getLength()).isEqualTo(6);
        }
    }

    @Test
    void cancellingOpenLeavesNoSocket() throws Exception {
        File descriptors = new File("/proc/self/fd");
        assumeTrue(descriptors.isDirectory(), "this system has no /proc");
        Asyncio.run(() -> {
            try (DatagramConnection warm = await(bound())) {
                createTask(async(() -> await(warm.receive())));
                await(sleep(Duration.ofMillis(20)));
                int before = Objects.requireNonNull(descriptors.list()).length;
                for (int i = 0; i < 50; i++) {
                    Task<DatagramConnection> opening = createTask(async(() -> await(bound())));
                    if (i % 2 == 0) {
                        await(sleep(Duration.ZERO));
                    }
                    opening.cancel();
                    try {
                        await(opening).close();
                    } catch (CancelledException e) {
                        // expected
                    }
                }
                while (Objects.requireNonNull(descriptors.list()).length > before + 2) { // a log may have some open
                    await(sleep(Duration.ofMillis(10)));
                }
            }
        });
    }

    @Test
    void cpythonsAsyncioAnswers() throws Exception {
        String program = "import asyncio\n"
                + "class Echo(asyncio.DatagramProtocol):\n"
                + "    def connection_made(self, transport):\n"
                + "        self.transport = transport\n"
                + "        print(transport.get_extra_info('sockname')[1], flush=True)\n"
                + "    def datagram_received(self, data, addr):\n"
                + "        self.transport.sendto(data.upper(), addr)\n"
                + "async def main():\n"
                + "    await asyncio.get_running_loop().create_datagram_endpoint(Echo, local_addr=('127.0.0.1', 0))\n"
                + "    await asyncio.sleep(60)\n"
                + "asyncio.run(main())\n";
        Process python;
        try {
            python = new ProcessBuilder("python3", "-c", program).start();
        } catch (IOException e) {
            assumeTrue(false, "this system has no python3");
            throw e;
        }
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(python.getInputStream(), UTF_8))) {
            String port = lines.readLine();
            assumeTrue(port != null, "this system's python3 has no asyncio");
            Asyncio.run(() -> {
                try (DatagramConnection client = await(connectedTo(Integer.parseInt(port)))) {
                    for (int i = 0; i < 20; i++) {
                        await(client.send(bytes("hello " + i)));
                        assertThat(text(client.receive())).isEqualTo("HELLO " + i);
                    }
                    await(toThread(() -> python.destroyForcibly().waitFor()));
                }
            });
        } finally {
            python.destroyForcibly().waitFor();
        }
    }
}
