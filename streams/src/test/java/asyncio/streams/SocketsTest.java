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
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AlreadyConnectedException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.DatagramChannel;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/** The calls of {@link Sockets}, with JDK channels as peers. */
@Timeout(60)
class SocketsTest {
    private static final InetSocketAddress ANY = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, UTF_8);
    }

    private static byte[] randomBytes(int n) {
        byte[] bytes = new byte[n];
        new Random(n).nextBytes(bytes);
        return bytes;
    }

    /** Receives everything up to the end. */
    private static byte[] receiveAll(SocketChannel socket) throws Exception {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] data; (data = await(Sockets.sockRecv(socket, 10_000))).length > 0; ) {
            all.write(data);
        }
        return all.toByteArray();
    }

    // ---- TCP

    @Test
    @DisplayName("SOK-01: connect, accept, sendall and recv; the end of the stream is an empty array")
    void aConversation() throws Exception {
        Asyncio.run(() -> {
            try (ServerSocketChannel server = SocketPair.listening();
                    SocketChannel client = SocketPair.socket()) {
                Task<Void> serving = createTask(async(() -> {
                    try (SocketChannel accepted = await(Sockets.sockAccept(server))) {
                        assertThat(accepted.isBlocking()).isFalse();
                        await(Sockets.sockSendAll(accepted, await(Sockets.sockRecv(accepted, 100))));
                    }
                    return null;
                }));
                assertThat(await(Sockets.sockConnect(client, server.getLocalAddress())))
                        .isNull();
                assertThat(await(Sockets.sockSendAll(client, bytes("hello")))).isNull(); // SOK-15
                assertThat(text(await(Sockets.sockRecv(client, 100)))).isEqualTo("hello");
                assertThat(await(Sockets.sockRecv(client, 100))).isEmpty();
                assertThat(await(Sockets.sockRecv(client, 100))).isEmpty();
                await(serving);
            }
        });
    }

    @Test
    @DisplayName("SOK-01, SFL-07: a channel that blocks is refused, before anything is done")
    void aChannelThatBlocks() throws Exception {
        Path file = Path.of(System.getProperty("java.home"), "release");
        Asyncio.run(() -> {
            try (SocketPair pair = SocketPair.open();
                    ServerSocketChannel server = ServerSocketChannel.open();
                    DatagramChannel datagrams = DatagramChannel.open();
                    SocketChannel unconnected = SocketChannel.open()) {
                pair.near().configureBlocking(true);
                pair.far().write(ByteBuffer.wrap(bytes("here")));
                server.bind(ANY);
                datagrams.bind(ANY);
                for (Mono<?> call : List.of(
                        Sockets.sockRecv(pair.near(), 10),
                        Sockets.sockRecvInto(pair.near(), ByteBuffer.allocate(10)),
                        Sockets.sockSendAll(pair.near(), bytes("x")),
                        Sockets.sockSendFile(pair.near(), file),
                        Sockets.sockAccept(server),
                        Sockets.sockRecvFrom(datagrams, 10),
                        Sockets.sockRecvFromInto(datagrams, ByteBuffer.allocate(10)),
                        Sockets.sockSendTo(datagrams, bytes("x"), datagrams.getLocalAddress()),
                        Sockets.sockConnect(unconnected, server.getLocalAddress()))) {
                    assertThatThrownBy(() -> await(call)).isInstanceOf(IllegalBlockingModeException.class);
                    assertThatThrownBy(() -> await(createTask(call))).isInstanceOf(IllegalBlockingModeException.class);
                    assertThatThrownBy(() -> await(call.map(value -> value)))
                            .isInstanceOf(IllegalBlockingModeException.class);
                }
                pair.near().configureBlocking(false);
                assertThat(text(await(Sockets.sockRecv(pair.near(), 10)))).isEqualTo("here");
            }
        });
    }

    @Test
    @DisplayName("SOK-02: recv_into fills the caller's buffer and gives the count; 1 MB there and back is intact")
    void recvInto() throws Exception {
        byte[] data = randomBytes(1 << 20);
        Asyncio.run(() -> {
            try (SocketPair pair = SocketPair.open()) {
                createTask(async(
                        () -> { // SOK-07: sent while the echo is received
                            for (byte[] part; (part = await(Sockets.sockRecv(pair.far(), 65_536))).length > 0; ) {
                                await(Sockets.sockSendAll(pair.far(), part));
                            }
                            pair.far().shutdownOutput();
                            return null;
                        }));
                Task<Void> sending = createTask(async(() -> {
                    await(Sockets.sockSendAll(pair.near(), data));
                    pair.near().shutdownOutput();
                    return null;
                }));
                ByteBuffer received = ByteBuffer.allocate(data.length + 1).position(1);
                int sum = 0;
                for (int n; (n = await(Sockets.sockRecvInto(pair.near(), received))) > 0; ) {
                    sum += n;
                    assertThat(received.position()).isEqualTo(sum + 1);
                    if (!received.hasRemaining()) {
                        break;
                    }
                }
                await(sending);
                assertThat(await(Sockets.sockRecvInto(pair.near(), ByteBuffer.allocate(1))))
                        .isZero();
                assertThat(Arrays.copyOfRange(received.array(), 1, data.length + 1))
                        .isEqualTo(data);
            }
        });
    }

    @Test
    @DisplayName("SOK-03, SOK-04, LOOP-48: a cancelled recv consumes nothing, awaited in whichever way")
    void aCancelledRecvConsumesNothing() throws Exception {
        Asyncio.run(() -> {
            try (SocketPair pair = SocketPair.open()) {
                ByteBuffer buffer = ByteBuffer.allocate(100);
                List<Mono<?>> calls = List.of(
                        async(() -> await(Sockets.sockRecv(pair.near(), 100))),
                        async(() -> await(Sockets.sockRecvInto(pair.near(), buffer))),
                        Sockets.sockRecv(pair.near(), 100),
                        Sockets.sockRecvInto(pair.near(), buffer),
                        Sockets.sockRecv(pair.near(), 100).map(data -> data),
                        async(() -> await(Sockets.sockRecv(pair.near(), 100).filter(data -> true))),
                        async(() -> await(waitFor(Sockets.sockRecv(pair.near(), 100), Duration.ofHours(1)))));
                for (Mono<?> call : calls) {
                    for (int turns = 0; turns < 4; turns++) {
                        Task<?> receiving = createTask(call);
                        await(sleep(Duration.ZERO));
                        pair.far().write(ByteBuffer.wrap(bytes("data")));
                        for (int i = 0; i < turns; i++) { // readiness may be reported soon, or in this tick
                            await(sleep(i == 0 ? Duration.ofMillis(2) : Duration.ZERO));
                        }
                        if (!receiving.cancel()) {
                            pair.far().write(ByteBuffer.wrap(bytes("data")));
                        } else {
                            try {
                                await(receiving);
                                pair.far().write(ByteBuffer.wrap(bytes("data"))); // it had its bytes before
                            } catch (CancelledException e) {
                                assertThat(buffer.position() % 4).isZero();
                            }
                        }
                        assertThat(text(await(Sockets.sockRecv(pair.near(), 100))))
                                .as(call + " cancelled after " + turns)
                                .isEqualTo("data");
                        buffer.clear();
                    }
                }
            }
        });
    }

    @Test
    @DisplayName("SOK-03: a call that was cancelled makes room for the next one at once")
    void aCancelledCallMakesRoomAtOnce() throws Exception {
        Asyncio.run(() -> {
            try (SocketPair pair = SocketPair.open()) {
                for (Mono<byte[]> call : List.of(
                        async(() -> await(Sockets.sockRecv(pair.near(), 10))), Sockets.sockRecv(pair.near(), 10))) {
                    Task<byte[]> first = createTask(call);
                    await(sleep(Duration.ZERO));
                    Future<byte[]> second;
                    first.cancel();
                    second = createTask(async(() -> await(Sockets.sockRecv(pair.near(), 10))));
                    pair.far().write(ByteBuffer.wrap(bytes("x")));
                    assertThat(text(await(second))).isEqualTo("x");
                    assertThat(first.cancelled()).isTrue();
                }
            }
        });
    }

    @Test
    @DisplayName("SOK-05: of a cancelled sendall no more is sent, and the next one's data comes")
    void aCancelledSendAll() throws Exception {
        Asyncio.run(() -> {
            for (boolean body : new boolean[] {true, false}) {
                try (SocketPair pair = SocketPair.open()) {
                    byte[] big = new byte[16 << 20];
                    Mono<Void> call = Sockets.sockSendAll(pair.near(), big);
                    Task<?> sending = createTask(body ? async(() -> await(call)) : call);
                    await(sleep(Duration.ofMillis(5)));
                    assertThat(sending.done()).isFalse();
                    sending.cancel();
                    Task<Void> next = createTask(async(() -> {
                        await(Sockets.sockSendAll(pair.near(), bytes("world")));
                        pair.near().shutdownOutput();
                        return null;
                    }));
                    byte[] received = receiveAll(pair.far());
                    await(next);
                    assertThat(received.length).isLessThan(big.length);
                    assertThat(text(Arrays.copyOfRange(received, received.length - 5, received.length)))
                            .isEqualTo("world");
                    assertThat(sending.cancelled()).isTrue();
                }
            }
        });
    }

    @Test
    @DisplayName("SOK-06: a cancelled connect can be called again on the same socket")
    void aCancelledConnect() throws Exception {
        Asyncio.run(() -> {
            try (ServerSocketChannel server = SocketPair.listening();
                    SocketChannel client = SocketPair.socket()) {
                Task<?> connecting = createTask(Sockets.sockConnect(client, server.getLocalAddress()));
                connecting.cancel();
                assertThatThrownBy(() -> await(connecting)).isInstanceOf(CancelledException.class);
                Task<?> again = createTask(async(() -> await(Sockets.sockConnect(client, server.getLocalAddress()))));
                await(sleep(Duration.ZERO));
                if (again.cancel()) {
                    try {
                        await(again);
                    } catch (CancelledException e) {
                        await(Sockets.sockConnect(client, server.getLocalAddress()));
                    }
                }
                assertThat(client.isConnected()).isTrue();
                assertThatThrownBy(() -> await(Sockets.sockConnect(client, server.getLocalAddress())))
                        .isInstanceOf(AlreadyConnectedException.class);
            }
        });
    }

    @Test
    @DisplayName("SOK-11: a port on which nobody listens: ConnectException; a name is looked up")
    void connecting() throws Exception {
        Asyncio.run(() -> {
            int port;
            try (ServerSocketChannel server = SocketPair.listening();
                    SocketChannel client = SocketPair.socket()) {
                port = ((InetSocketAddress) server.getLocalAddress()).getPort();
                await(Sockets.sockConnect(client, InetSocketAddress.createUnresolved("127.0.0.1", port)));
                assertThat(client.isConnected()).isTrue();
            }
            try (SocketChannel client = SocketPair.socket()) {
                assertThatThrownBy(() -> await(Sockets.sockConnect(
                                client, new InetSocketAddress(InetAddress.getLoopbackAddress(), port))))
                        .isInstanceOf(ConnectException.class);
            }
        });
    }

    @Test
    @DisplayName(
            "SOK-13: an accept whose time is out leaves the listener clean; when that is closed, connects are refused")
    void acceptWhoseTimeIsOut() throws Exception {
        Asyncio.run(() -> {
            SocketAddress address;
            try (ServerSocketChannel server = SocketPair.listening()) {
                address = server.getLocalAddress();
                assertThatThrownBy(() -> await(waitFor(Sockets.sockAccept(server), Duration.ofMillis(5))))
                        .isInstanceOf(TimeoutException.class);
                try (SocketChannel client = SocketChannel.open(address);
                        SocketChannel accepted = await(Sockets.sockAccept(server))) {
                    assertThat(accepted.getRemoteAddress()).isEqualTo(client.getLocalAddress());
                }
                // an accept that is cancelled when the connection has arrived: the next accept gets it
                Task<SocketChannel> accepting = createTask(Sockets.sockAccept(server));
                await(sleep(Duration.ZERO));
                try (SocketChannel client = SocketChannel.open(address)) {
                    accepting.cancel();
                    assertThatThrownBy(() -> await(accepting)).isInstanceOf(CancelledException.class);
                    try (SocketChannel accepted = await(Sockets.sockAccept(server))) {
                        assertThat(accepted.getRemoteAddress()).isEqualTo(client.getLocalAddress());
                    }
                }
            }
            for (boolean refused = false; !refused; ) { // once the loop has polled for IO again
                try (SocketChannel client = SocketPair.socket()) {
                    await(Sockets.sockConnect(client, address));
                } catch (ConnectException e) {
                    refused = true;
                } catch (IOException e) {
                    assertThat(e).hasMessageContaining("reset");
                }
            }
        });
    }

    @Test
    @DisplayName("SOK-10: the same over Unix sockets")
    void unixSockets(@TempDir Path directory) throws Exception {
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(directory.resolve("s"));
        Asyncio.run(() -> {
            try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
                    SocketChannel client = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                server.bind(address);
                server.configureBlocking(false);
                client.configureBlocking(false);
                await(Sockets.sockConnect(client, address));
                try (SocketChannel accepted = await(Sockets.sockAccept(server))) {
                    await(Sockets.sockSendAll(client, bytes("over a file")));
                    assertThat(text(await(Sockets.sockRecv(accepted, 100)))).isEqualTo("over a file");
                    Task<byte[]> waiting = createTask(Sockets.sockRecv(client, 100));
                    await(sleep(Duration.ofMillis(2)));
                    await(Sockets.sockSendAll(accepted, ByteBuffer.wrap(bytes("and back"))));
                    assertThat(text(await(waiting))).isEqualTo("and back");
                }
            }
        });
    }

    @Test
    void aSecondCallOfTheSameKindIsRefused() throws Exception {
        Asyncio.run(() -> {
            try (SocketPair pair = SocketPair.open()) {
                Task<byte[]> waiting = createTask(Sockets.sockRecv(pair.near(), 10));
                Task<?> sending = createTask(Sockets.sockSendAll(pair.near(), new byte[16 << 20]));
                await(sleep(Duration.ofMillis(2)));
                for (Mono<?> second : List.of(
                        Sockets.sockRecv(pair.near(), 10),
                        Sockets.sockRecv(pair.near(), 10).map(data -> data),
                        async(() -> await(createTask(Sockets.sockRecv(pair.near(), 10)))))) {
                    assertThatThrownBy(() -> await(second))
                            .isInstanceOf(IllegalStateException.class)
                            .hasMessageContaining("waits to read from it");
                }
                for (Mono<?> second : List.of(
                        Sockets.sockSendAll(pair.near(), new byte[10]),
                        Sockets.sockSendFile(pair.near(), Path.of(System.getProperty("java.home"), "release")))) {
                    assertThatThrownBy(() -> await(second))
                            .isInstanceOf(IllegalStateException.class)
                            .hasMessageContaining("waits to write to it");
                }
                pair.far().write(ByteBuffer.wrap(bytes("first")));
                assertThat(text(await(waiting))).isEqualTo("first");
                sending.cancel();
            }
        });
    }

    @Test
    void errorsOfTheSystemAreTheCallers() throws Exception {
        Asyncio.run(() -> {
            try (SocketPair pair = SocketPair.open()) {
                pair.far().setOption(StandardSocketOptions.SO_LINGER, 0);
                Task<byte[]> waiting = createTask(Sockets.sockRecv(pair.near(), 10));
                await(sleep(Duration.ofMillis(2)));
                pair.far().close(); // a reset
                assertThatThrownBy(() -> await(waiting)).isInstanceOf(IOException.class);
                pair.near().close();
                for (Mono<?> call : List.of(
                        Sockets.sockRecv(pair.near(), 10),
                        async(() -> await(createTask(Sockets.sockRecv(pair.near(), 10)))),
                        Sockets.sockSendAll(pair.near(), bytes("x")))) {
                    assertThatThrownBy(() -> await(call)).isInstanceOf(ClosedChannelException.class);
                }
            }
        });
        try (SocketChannel socket = SocketPair.socket()) {
            assertThatThrownBy(() -> Sockets.sockRecv(socket, 0)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> Sockets.sockRecvInto(socket, ByteBuffer.allocate(0)))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> Sockets.sockSendFile(socket, Path.of("x"), -1, 1))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void nothingHappensBeforeSubscription() throws Exception {
        Asyncio.run(() -> {
            try (SocketPair pair = SocketPair.open()) {
                Mono<Void> send = Sockets.sockSendAll(pair.near(), bytes("twice"));
                Mono<byte[]> receive = Sockets.sockRecv(pair.far(), 5);
                await(send);
                await(send);
                assertThat(text(await(receive))).isEqualTo("twice");
                assertThat(text(await(receive))).isEqualTo("twice");
                assertThat(receive).asString().startsWith("sockRecv() of ");
            }
        });
    }

    @Test
    void outsideOfAnyLoopASharedOneWatches() throws Exception {
        try (SocketPair pair = SocketPair.open()) {
            Mono<byte[]> receive = Sockets.sockRecv(pair.near(), 10);
            List<String> received = new ArrayList<>();
            Disposable disposed = receive.subscribe(data -> received.add(text(data)));
            disposed.dispose();
            Sockets.sockSendAll(pair.far(), bytes("for the")).block();
            assertThat(text(Objects.requireNonNull(receive.block()))).isEqualTo("for the");
            assertThat(received).isEmpty();
            Thread sender = new Thread(
                    () -> Sockets.sockSendAll(pair.far(), bytes("late")).block());
            sender.start();
            assertThat(text(Objects.requireNonNull(receive.block()))).isEqualTo("late");
            sender.join();
        }
    }

    @Test
    void theEndOfTheLoopEndsTheWait() throws Exception {
        try (SocketPair pair = SocketPair.open()) {
            EventLoop loop = EventLoop.newEventLoop();
            List<Throwable> errors = new ArrayList<>();
            loop.callSoon(() -> {
                Sockets.sockRecv(pair.near(), 10).subscribe(data -> {}, errors::add);
                loop.stop();
            });
            loop.runForever();
            assertThat(errors).isEmpty();
            loop.close();
            assertThat(errors).hasSize(1);
            assertThat(errors.get(0)).isInstanceOf(IOException.class).hasMessageContaining("loop is closed");
            Asyncio.run(
                    () -> { // the channel is unchanged
                        pair.far().write(ByteBuffer.wrap(bytes("x")));
                        assertThat(text(await(Sockets.sockRecv(pair.near(), 10))))
                                .isEqualTo("x");
                    });
        }
    }

    // ---- UDP

    @Test
    @DisplayName("SOK-08: datagrams of 4096 bytes with the sender's address; recvfrom_into honours the buffer's limit")
    void datagramsWithAddresses() throws Exception {
        byte[] data = randomBytes(4096);
        Asyncio.run(() -> {
            try (DatagramChannel server = SocketPair.datagrams();
                    DatagramChannel client = SocketPair.datagrams()) {
                Task<Datagram> waiting = createTask(Sockets.sockRecvFrom(server, 4096));
                await(sleep(Duration.ZERO));
                assertThat(await(Sockets.sockSendTo(client, data, server.getLocalAddress())))
                        .isEqualTo(4096);
                Datagram datagram = await(waiting);
                assertThat(datagram.data()).isEqualTo(data);
                assertThat(datagram.from()).isEqualTo(client.getLocalAddress());
                ByteBuffer buffer = ByteBuffer.allocate(4096).position(6).limit(1030);
                await(Sockets.sockSendTo(client, data, server.getLocalAddress()));
                Received received = await(Sockets.sockRecvFromInto(server, buffer));
                assertThat(received).isEqualTo(new Received(1024, (InetSocketAddress) client.getLocalAddress()));
                assertThat(Arrays.copyOfRange(buffer.array(), 6, 1030)).isEqualTo(Arrays.copyOf(data, 1024));
                await(Sockets.sockSendTo(client, new byte[0], server.getLocalAddress()));
                assertThat(await(Sockets.sockRecvFrom(server, 10)).data()).isEmpty();
            }
        });
    }

    @Test
    void aCancelledRecvFromLosesNoDatagram() throws Exception {
        Asyncio.run(() -> {
            try (DatagramChannel server = SocketPair.datagrams();
                    DatagramChannel client = SocketPair.datagrams()) {
                for (int i = 0; i < 20; i++) {
                    Mono<Datagram> call = Sockets.sockRecvFrom(server, 100);
                    Task<Datagram> waiting = createTask(i % 2 == 0 ? call : async(() -> await(call)));
                    await(sleep(Duration.ZERO));
                    await(Sockets.sockSendTo(client, bytes("datagram " + i), server.getLocalAddress()));
                    for (int j = 0; j < i % 4; j++) {
                        await(sleep(Duration.ZERO));
                    }
                    waiting.cancel();
                    Datagram datagram;
                    try {
                        datagram = await(waiting);
                    } catch (CancelledException e) {
                        datagram = await(call);
                    }
                    assertThat(text(datagram.data())).isEqualTo("datagram " + i);
                }
            }
        });
    }

    @Test
    @DisplayName("SOK-09: a sendto for which there is no room waits for it")
    @EnabledOnOs(OS.LINUX)
    void aSendToForWhichThereIsNoRoom() throws Exception {
        Asyncio.run(() -> {
            try (DatagramChannel server = SocketPair.datagrams();
                    DatagramChannel client = SocketPair.datagrams()) {
                client.setOption(StandardSocketOptions.SO_SNDBUF, 4096);
                for (int i = 0; i < 1000; i++) {
                    assertThat(await(Sockets.sockSendTo(client, new byte[3000], server.getLocalAddress())))
                            .isEqualTo(3000);
                }
                assertThatThrownBy(() -> await(Sockets.sockSendTo(client, new byte[65_508], server.getLocalAddress())))
                        .isInstanceOf(IOException.class);
                client.connect(server.getLocalAddress());
                assertThatThrownBy(() -> await(Sockets.sockSendTo(client, new byte[0], server.getLocalAddress())))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("An empty datagram cannot be sent");
            }
        });
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aDatagramThatWasRefusedFailsTheNextCall() throws Exception {
        Asyncio.run(() -> {
            try (DatagramChannel client = SocketPair.datagrams()) {
                SocketAddress gone;
                try (DatagramChannel server = SocketPair.datagrams()) {
                    gone = server.getLocalAddress();
                }
                client.connect(gone);
                await(Sockets.sockSendTo(client, bytes("to nobody"), gone));
                assertThatThrownBy(() -> await(Sockets.sockRecvFrom(client, 10)))
                        .isInstanceOf(PortUnreachableException.class);
            }
        });
    }

    // ---- files

    @Test
    @DisplayName("SFL-01, SFL-02, SFL-03, SFL-04: whole files, parts and empty ones, between other bytes, in order")
    void files(@TempDir Path directory) throws Exception {
        byte[] data = randomBytes(3 << 20);
        Path file = Files.write(directory.resolve("file"), data);
        Path empty = Files.createFile(directory.resolve("empty"));
        Asyncio.run(() -> {
            try (SocketPair pair = SocketPair.open()) {
                Task<byte[]> receiving = createTask(async(() -> receiveAll(pair.far())));
                await(Sockets.sockSendAll(pair.near(), bytes("before")));
                assertThat(await(Sockets.sockSendFile(pair.near(), file))).isEqualTo(data.length);
                assertThat(await(Sockets.sockSendFile(pair.near(), empty))).isZero();
                assertThat(await(Sockets.sockSendFile(pair.near(), file, 1000, 2000)))
                        .isEqualTo(2000);
                assertThat(await(Sockets.sockSendFile(pair.near(), file, data.length - 10, 2000)))
                        .isEqualTo(10);
                assertThat(await(Sockets.sockSendFile(pair.near(), file, data.length + 10L, 2000)))
                        .isZero();
                await(Sockets.sockSendAll(pair.near(), bytes("after")));
                pair.near().shutdownOutput();
                ByteArrayOutputStream expected = new ByteArrayOutputStream();
                expected.writeBytes(bytes("before"));
                expected.writeBytes(data);
                expected.write(data, 1000, 2000);
                expected.write(data, data.length - 10, 10);
                expected.writeBytes(bytes("after"));
                assertThat(await(receiving)).isEqualTo(expected.toByteArray());
                assertThatThrownBy(() -> await(Sockets.sockSendFile(pair.near(), directory.resolve("none"))))
                        .isInstanceOf(java.nio.file.NoSuchFileException.class);
            }
        });
    }

    @Test
    @DisplayName("SFL-17: a peer that goes away in the middle fails it")
    void aFileWhosePeerGoesAway(@TempDir Path directory) throws Exception {
        Path file = Files.write(directory.resolve("file"), new byte[16 << 20]);
        Asyncio.run(() -> {
            try (SocketPair pair = SocketPair.open()) {
                Task<Long> sending = createTask(Sockets.sockSendFile(pair.near(), file));
                await(Sockets.sockRecv(pair.far(), 1000));
                pair.far().close();
                EventLoop.getRunningLoop().removeReader(pair.far()); // so that an idle loop releases it at once
                assertThatThrownBy(() -> await(sending)).isInstanceOf(IOException.class);
            }
        });
    }

    @Test
    void aCancelledSendFileSendsNoMoreAndLeavesNoDescriptor(@TempDir Path directory) throws Exception {
        assumeTrue(Files.isDirectory(Path.of("/proc/self/fd")), "this system has no /proc");
        Path file = Files.write(directory.resolve("file"), new byte[16 << 20]);
        Asyncio.run(() -> {
            for (int i = 0; i < 20; i++) {
                try (SocketPair pair = SocketPair.open()) {
                    Task<Long> sending = createTask(Sockets.sockSendFile(pair.near(), file));
                    for (int j = 0; j < i; j++) {
                        await(sleep(Duration.ZERO));
                    }
                    if (i > 10) {
                        await(Sockets.sockRecv(pair.far(), 1000));
                    }
                    sending.cancel();
                    assertThatThrownBy(() -> await(sending)).isInstanceOf(CancelledException.class);
                    Task<byte[]> receiving = createTask(async(() -> receiveAll(pair.far())));
                    await(Sockets.sockSendAll(pair.near(), bytes("next")));
                    pair.near().shutdownOutput();
                    byte[] received = await(receiving);
                    assertThat(text(Arrays.copyOfRange(received, received.length - 4, received.length)))
                            .isEqualTo("next");
                }
            }
            while (await(toThread(() -> open(file)))) {
                await(sleep(Duration.ofMillis(5)));
            }
        });
    }

    /** Whether this process has the file open. */
    private static boolean open(Path file) throws IOException {
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors.anyMatch(descriptor -> {
                try {
                    return Files.readSymbolicLink(descriptor).equals(file.toRealPath());
                } catch (IOException e) {
                    return false; // closed meanwhile
                }
            });
        }
    }

    /** An idle loop with a selector in its epoll selects once more after a step, and releases closed channels. */
    @Test
    void aListeningSocketThatWasWaitedForIsClosedAtOnceAlsoIfTheLoopIsIdle() throws Exception {
        Asyncio.run(() -> {
            ServerSocketChannel server = SocketPair.listening();
            SocketAddress address = server.getLocalAddress();
            Task<SocketChannel> accepted = createTask(Sockets.sockAccept(server));
            await(sleep(Duration.ofMillis(100)));
            SocketChannel client = SocketChannel.open(address);
            SocketChannel peer = await(accepted);
            await(sleep(Duration.ofMillis(100)));
            server.close();
            assertThat(await(toThread(() -> isRefused(address)))).isTrue();
            client.close();
            peer.close();
        });
    }

    private static boolean isRefused(SocketAddress address) throws IOException {
        long deadline = System.nanoTime() + Duration.ofSeconds(10).toNanos();
        while (System.nanoTime() - deadline < 0) {
            try {
                SocketChannel.open(address).close();
            } catch (ConnectException e) {
                return true;
            }
        }
        return false;
    }

    @Test
    void aBigArrayIsSentInPieces() throws Exception {
        Asyncio.run(() -> {
            try (SocketPair pair = SocketPair.open()) {
                byte[] all = new byte[32 << 20];
                long before = directMemory();
                Task<Void> sent = createTask(Sockets.sockSendAll(pair.near(), all));
                for (int received = 0; received < all.length; ) {
                    received += await(Sockets.sockRecv(pair.far(), 1 << 18)).length;
                }
                await(sent);
                assertThat(directMemory() - before).isLessThan(8 << 20);
            }
        });
    }

    private static long directMemory() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
    }
}
