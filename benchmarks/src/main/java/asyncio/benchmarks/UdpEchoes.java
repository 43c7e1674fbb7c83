package asyncio.benchmarks;

import static asyncio.Asyncio.await;

import asyncio.Asyncio;
import asyncio.streams.Datagram;
import asyncio.streams.DatagramConnection;
import asyncio.streams.DatagramOptions;
import asyncio.streams.DatagramProtocol;
import asyncio.streams.DatagramTransport;
import asyncio.streams.Datagrams;
import asyncio.streams.Transports;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.socket.DatagramPacket;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * UDP echo servers on one loop, on epoll, and a load for them, for {@code benchmarks/udp.sh}.
 *
 * <p>Usage: {@code UdpEchoes netty|protocol|datagrams PORT} or {@code UdpEchoes load PORT SECONDS PID}.
 */
public final class UdpEchoes {
    private static final String HOST = "127.0.0.1";
    private static final int SIZE = 64;
    /** So many datagrams are on their way at a time. */
    private static final int WINDOW = 64;
    /** In milliseconds; what has not come back by then is lost. */
    private static final int PATIENCE = 200;
    /** Of the kernel's clock, in a second. */
    private static final double TICKS = 100;

    private UdpEchoes() {}

    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(args[1]);
        switch (args[0]) {
            case "netty" -> netty(port);
            case "protocol" ->
                Asyncio.run(() -> {
                    try (var endpoint = await(Transports.createDatagramEndpoint(Echo::new, options(port)))) {
                        await(Mono.never());
                    }
                });
            case "datagrams" ->
                Asyncio.run(() -> {
                    try (DatagramConnection socket = await(Datagrams.open(options(port)))) {
                        for (Datagram datagram; (datagram = await(socket.receive())) != null; ) {
                            await(socket.send(datagram.data(), datagram.from()));
                        }
                    }
                });
            case "load" -> load(port, Integer.parseInt(args[2]), args[3]);
            default -> throw new IllegalArgumentException("No such server: " + args[0]);
        }
    }

    private static DatagramOptions options(int port) {
        return DatagramOptions.builder().localAddress(HOST, port).build();
    }

    private static final class Echo implements DatagramProtocol {
        private @Nullable DatagramTransport transport;

        @Override
        public void connectionMade(DatagramTransport transport) {
            this.transport = transport;
        }

        @Override
        public void datagramReceived(byte[] data, InetSocketAddress from) {
            Objects.requireNonNull(transport).sendTo(data, from);
        }
    }

    private static void netty(int port) throws InterruptedException {
        new Bootstrap()
                .group(new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory()))
                .channel(EpollDatagramChannel.class)
                .handler(new ChannelInboundHandlerAdapter() {
                    @Override
                    @SuppressWarnings("FutureReturnValueIgnored")
                    public void channelRead(ChannelHandlerContext context, Object message) {
                        DatagramPacket packet = (DatagramPacket) message;
                        context.write(new DatagramPacket(packet.content(), packet.sender()), context.voidPromise());
                    }

                    @Override
                    public void channelReadComplete(ChannelHandlerContext context) {
                        context.flush();
                    }
                })
                .bind(HOST, port)
                .sync()
                .channel()
                .closeFuture()
                .sync();
    }

    // ---- the load

    /** Prints the datagrams that came back in a second, and the server's processor time for each. */
    private static void load(int port, int seconds, String pid) throws IOException {
        try (DatagramChannel socket = DatagramChannel.open();
                Selector selector = Selector.open()) {
            socket.setOption(StandardSocketOptions.SO_RCVBUF, 1 << 20);
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            socket.configureBlocking(false);
            socket.register(selector, SelectionKey.OP_READ);
            measure(socket, selector, seconds); // warms both sides up
            double cpu = cpuSeconds(pid);
            long start = System.nanoTime();
            long echoes = measure(socket, selector, seconds);
            double elapsed = (System.nanoTime() - start) / 1e9;
            System.out.printf(
                    "%,.0f datagrams a second, %.2f us of the server's processor time each%n",
                    echoes / elapsed, (cpuSeconds(pid) - cpu) * 1e6 / Math.max(1, echoes));
        }
    }

    private static long measure(DatagramChannel socket, Selector selector, int seconds) throws IOException {
        ByteBuffer data = ByteBuffer.allocateDirect(SIZE);
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        long echoes = 0;
        int underWay = 0;
        while (System.nanoTime() < end) {
            for (; underWay < WINDOW; underWay++) {
                socket.write(data.clear());
            }
            if (selector.select(PATIENCE) == 0) {
                underWay = 0; // lost
            }
            selector.selectedKeys().clear();
            while (socket.receive(data.clear()) != null) {
                echoes++;
                underWay = Math.max(0, underWay - 1);
            }
        }
        return echoes;
    }

    /** From /proc/PID/stat: utime and stime, the 14th and 15th field. */
    private static double cpuSeconds(String pid) throws IOException {
        String stat = Files.readString(Path.of("/proc", pid, "stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS;
    }
}
