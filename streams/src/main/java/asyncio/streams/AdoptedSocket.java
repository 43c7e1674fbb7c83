package asyncio.streams;

import asyncio.EventLoop;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.nio.NioIoHandle;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.io.Closeable;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;

/** Opens connections over existing sockets. */
final class AdoptedSocket {
    private AdoptedSocket() {}

    /**
     * A cold Mono of a connection over a socket, which the connection then owns; on the loop. It reads nothing before
     * the first read.
     *
     * @param keepAlive whether to set SO_KEEPALIVE
     */
    static Mono<Connection> open(EventLoop loop, SocketChannel socket, boolean keepAlive) {
        return Mono.defer(() -> {
            Channel channel;
            try {
                channel = channel(socket);
            } catch (IOException e) {
                return Mono.error(e);
            }
            channel.config().setAutoRead(false);
            if (keepAlive) {
                channel.config().setOption(ChannelOption.SO_KEEPALIVE, true);
            }
            return register(loop, channel, socket);
        });
    }

    /**
     * A cold Mono of a channel of Netty's for NIO that a loop has; on the loop. If that fails the socket is closed.
     *
     * @param socket what the channel is made of
     */
    static Mono<Connection> register(EventLoop loop, Channel channel, Closeable socket) {
        return Mono.create(sink -> {
            if (!loop.netty().isCompatible(NioIoHandle.class)) {
                IOException refused = new IOException("The socket was closed: " + loop
                        + " does not support java.nio channels. Use EventLoop.builder().transport(\"nio\")");
                close(socket, refused);
                sink.error(refused);
                return;
            }
            sink.onCancel(channel::close);
            channel.unsafe().register(loop.netty(), channel.newPromise().addListener(registered -> {
                if (registered.isSuccess()) {
                    sink.success(Connection.from(channel));
                } else {
                    close(socket, registered.cause());
                    sink.error(registered.cause());
                }
            }));
        });
    }

    /** Closes the socket itself, since its Netty channel is not registered with a loop. */
    private static void close(Closeable socket, Throwable because) {
        try {
            socket.close();
        } catch (IOException e) {
            because.addSuppressed(e);
        }
    }

    /** Returns a Netty channel around the socket; an error closes it. */
    private static Channel channel(SocketChannel socket) throws IOException {
        return socket.getRemoteAddress() instanceof UnixDomainSocketAddress
                ? new NioDomainSocketChannel(socket)
                : new NioSocketChannel(socket);
    }

    /** @throws IllegalArgumentException if it is not connected */
    static SocketChannel checked(SocketChannel socket) {
        if (!socket.isConnected()) {
            throw new IllegalArgumentException("A connected socket was expected, not " + socket);
        }
        return socket;
    }
}
