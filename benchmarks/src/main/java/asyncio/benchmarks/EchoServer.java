package asyncio.benchmarks;

import static asyncio.Asyncio.await;

import asyncio.Asyncio;
import asyncio.streams.BaseProtocol;
import asyncio.streams.BufferedProtocol;
import asyncio.streams.Protocol;
import asyncio.streams.Server;
import asyncio.streams.StreamConnection;
import asyncio.streams.StreamReader;
import asyncio.streams.StreamWriter;
import asyncio.streams.Streams;
import asyncio.streams.Transport;
import asyncio.streams.Transports;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.SocketChannel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.netty.resources.LoopResources;
import reactor.netty.tcp.TcpServer;

/**
 * One echo server on one loop, on epoll, for {@code benchmarks/streams.sh}. The first two, and the protocols, do not
 * split lines.
 *
 * <p>Usage: {@code EchoServer netty|reactor-netty|http|MODE PORT}.
 */
public final class EchoServer {
    private EchoServer() {}

    private static final Map<String, Function<StreamConnection, Mono<Void>>> MODES = Map.of(
            "lines",
                    connection ->
                            connection.writer().writeFrom(connection.reader().lines()),
            "linesRetained",
                    connection -> connection
                            .writer()
                            .writeFromBuffers(connection.reader().linesRetained()),
            "readLine", connection -> perRead(connection, connection.reader().readLine(), connection.writer()::write),
            "readLineRetained",
                    connection ->
                            perRead(connection, connection.reader().readLineRetained(), connection.writer()::write),
            "chunks",
                    connection ->
                            connection.writer().writeFrom(connection.reader().chunks(65_536)),
            "chunksRetained",
                    connection -> connection
                            .writer()
                            .writeFromBuffers(connection.reader().chunksRetained(65_536)));

    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(args[1]);
        switch (args[0]) {
            case "netty" -> netty(port);
            case "reactor-netty" -> reactorNetty(port);
            case "protocol" -> protocol(Copying::new, port);
            case "protocolRetained" -> protocol(Retaining::new, port);
            case "bufferedProtocol" -> protocol(Lending::new, port);
            case "http" -> protocol(Http::new, port);
            case "bodyLine" ->
                Asyncio.run(() -> {
                    Server server = await(Streams.startServerBody(EchoServer::bodyLine, "127.0.0.1", port));
                    await(server.serveForever());
                });
            default -> {
                Function<StreamConnection, Mono<Void>> mode = MODES.get(args[0]);
                if (mode == null) {
                    throw new IllegalArgumentException("No such server: " + args[0]);
                }
                Asyncio.run(() -> {
                    Server server = await(Streams.startServer(
                            connection ->
                                    mode.apply(connection).onErrorComplete().doFinally(end -> connection.close()),
                            "127.0.0.1",
                            port));
                    await(server.serveForever());
                });
            }
        }
    }

    /** Echoes as it is written with Reactor: read, write, drain, repeat. */
    private static <T> Mono<Void> perRead(StreamConnection connection, Mono<T> read, Consumer<T> write) {
        Mono<Void> drain = connection.writer().drain();
        return read.flatMap(line -> {
                    write.accept(line);
                    return drain;
                })
                .repeat(() -> !connection.reader().atEof())
                .then();
    }

    private static void protocol(Supplier<BaseProtocol<Transport>> factory, int port) throws Exception {
        Asyncio.run(() ->
                await(await(Transports.createServer(factory, "127.0.0.1", port)).serveForever()));
    }

    /** Reads only as fast as the peer takes. */
    private abstract static class Paced implements BaseProtocol<Transport> {
        private @Nullable Transport transport;

        final Transport transport() {
            return Objects.requireNonNull(transport);
        }

        @Override
        public void connectionMade(Transport transport) {
            this.transport = transport;
        }

        @Override
        public void pauseWriting() {
            transport().pauseReading();
        }

        @Override
        public void resumeWriting() {
            transport().resumeReading();
        }
    }

    /** An echo by arrays. */
    private static final class Copying extends Paced implements Protocol {
        @Override
        public void dataReceived(byte[] data) {
            transport().write(data);
        }
    }

    /** The same without copying. */
    private static final class Retaining extends Paced implements Protocol {
        @Override
        public void dataReceivedRetained(ByteBuf data) {
            transport().write(data);
        }
    }

    /** The same with one buffer for each connection. */
    private static final class Lending extends Paced implements BufferedProtocol {
        private final ByteBuffer buffer = ByteBuffer.allocate(65_536);

        @Override
        public ByteBuffer getBuffer(int sizeHint) {
            return buffer.clear();
        }

        @Override
        public void bufferUpdated(int n) {
            transport().write(Arrays.copyOf(buffer.array(), n));
        }
    }

    /** Answers each request without a body, for load generators of HTTP. */
    private static final class Http extends Paced implements Protocol {
        private static final byte[] ANSWER =
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".getBytes(StandardCharsets.US_ASCII);

        /** So many bytes of the end of a request's head have come. */
        private int matched;

        @Override
        public void dataReceived(byte[] data) {
            for (byte next : data) {
                boolean expected = next == (matched % 2 == 0 ? '\r' : '\n');
                matched = expected ? matched + 1 : next == '\r' ? 1 : 0;
                if (matched == 4) {
                    matched = 0;
                    transport().write(ANSWER);
                }
            }
        }
    }

    private static void bodyLine(StreamConnection connection) throws Exception {
        try (connection) {
            StreamReader reader = connection.reader();
            StreamWriter writer = connection.writer();
            byte[] line;
            while ((line = await(reader.readLine())) != null) {
                writer.write(line);
                await(writer.drain());
            }
        } catch (IOException e) {
            // the load has ended, and its client has left with unread answers
        }
    }

    private static void reactorNetty(int port) {
        TcpServer.create()
                .host("127.0.0.1")
                .port(port)
                .runOn(LoopResources.create("echo", 1, true), true)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .handle((in, out) -> out.send(in.receive().retain()))
                .bindNow()
                .onDispose()
                .block();
    }

    @SuppressWarnings("FutureReturnValueIgnored")
    private static void netty(int port) throws InterruptedException {
        EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        new ServerBootstrap()
                .group(loop)
                .channel(EpollServerSocketChannel.class)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .childHandler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel channel) {
                        channel.pipeline().addLast(new Echo());
                    }
                })
                .bind("127.0.0.1", port)
                .sync()
                .channel()
                .closeFuture()
                .sync();
    }

    @SuppressWarnings("FutureReturnValueIgnored")
    private static final class Echo extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.write(message, context.voidPromise());
            if (!context.channel().isWritable()) {
                context.flush();
                context.channel().config().setAutoRead(context.channel().isWritable());
            }
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            context.flush();
        }

        @Override
        public void channelWritabilityChanged(ChannelHandlerContext context) {
            if (context.channel().isWritable()) {
                context.channel().config().setAutoRead(true);
            }
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event instanceof ChannelInputShutdownEvent) {
                context.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
            }
        }
    }
}
