package asyncio.streams;

import asyncio.EventLoop;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.channel.unix.UnixChannelOption;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardSocketOptions;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.netty.ChannelBindException;
import reactor.netty.Connection;
import reactor.netty.DisposableServer;
import reactor.netty.resources.LoopResources;
import reactor.netty.tcp.TcpServer;

/**
 * A listening socket.
 *
 * @param channel of the socket
 * @param close of that
 * @param address the address it listens on
 * @param file the file of a Unix socket to remove on close; else null
 * @param identity distinguishes that file from another one of the same name
 */
record ListeningSocket(
        Channel channel,
        Runnable close,
        SocketAddress address,
        @Nullable Path file,
        @Nullable Object identity) {

    private static ListeningSocket of(
            DisposableServer server, SocketAddress address, @Nullable Path file, @Nullable Object identity) {
        return new ListeningSocket(server.channel(), server::dispose, address, file, identity);
    }

    /** Binds to a TCP address. */
    static Mono<ListeningSocket> bind(
            EventLoop loop, InetSocketAddress address, ServeOptions options, Consumer<Connection> accept) {
        TcpServer server = server(address, Streams.loopResources(loop), options, accept)
                .option(ChannelOption.SO_REUSEADDR, options.reuseAddress)
                .childOption(ChannelOption.SO_KEEPALIVE, options.keepAlive);
        if (options.reusePort) {
            server = server.option(
                    loop.netty().isIoType(NioIoHandler.class)
                            ? NioChannelOption.of(StandardSocketOptions.SO_REUSEPORT)
                            : UnixChannelOption.SO_REUSEPORT,
                    true);
        }
        return server.bind()
                .<ListeningSocket>map(bound -> of(bound, bound.address(), null, null))
                .onErrorMap(ChannelBindException.class, error -> bindError(address, error));
    }

    /**
     * Binds a Unix socket, replacing an existing one. The socket is bound under a temporary name and then renamed: on
     * close, Netty deletes the file it has bound, even if that has been replaced by another server's; removing the
     * renamed file is left to {@link #stop}.
     */
    static Mono<ListeningSocket> bind(EventLoop loop, Path path, ServeOptions options, Consumer<Connection> accept) {
        Path aside = UnixSockets.aside(path);
        return Mono.zip(UnixSockets.address(loop, path), UnixSockets.address(loop, aside))
                .flatMap(addresses -> server(addresses.getT2(), UnixSockets.resources(loop), options, accept)
                        .bind()
                        .onErrorMap(ChannelBindException.class, error -> bindError(path, error))
                        .<ListeningSocket>handle((bound, sink) -> {
                            try { // on the loop, so that no cancellation comes between these two system calls
                                Object identity = UnixSockets.identity(aside);
                                UnixSockets.replace(path, aside);
                                sink.next(of(bound, addresses.getT1(), options.cleanupSocket ? path : null, identity));
                            } catch (IOException e) {
                                bound.dispose();
                                sink.error(e);
                            }
                        }));
    }

    private static TcpServer server(
            SocketAddress address, LoopResources resources, ServeOptions options, Consumer<Connection> accept) {
        TcpServer server = TcpServer.create()
                .runOn(resources)
                .bindAddress(() -> address)
                .option(ChannelOption.SO_BACKLOG, options.backlog)
                .option(ChannelOption.AUTO_READ, false) // until the server accepts
                .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .doOnConnection(accept);
        return options.maxConnections == Integer.MAX_VALUE
                ? server
                // one at a time, or more would be accepted before the server can report that it is full
                : server.option(
                        ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(1).maxMessagesPerRead(1));
    }

    private static IOException bindError(Object address, ChannelBindException error) {
        Throwable cause = error.getCause();
        BindException bindError = new BindException("Cannot listen on " + address + ": "
                + (cause == null ? "unknown error" : Objects.requireNonNullElse(cause.getMessage(), cause.toString()))
                + (address instanceof Path
                        ? ". Choose a path of at most about 100 bytes in a directory that this process may write to"
                        : ". Choose another port, or 0 to let the system choose, and an address of this host"));
        bindError.initCause(error);
        return bindError;
    }

    /** Starts or stops accepting connections. */
    void accept(boolean accept) {
        channel.config().setAutoRead(accept);
    }

    /**
     * Stops listening. Removes the file at once, as asyncio does, so that no client finds a socket without a server.
     */
    void stop() {
        close.run();
        if (file != null && identity != null) {
            UnixSockets.cleanUp(file, identity);
        }
    }
}
