package asyncio.streams;

import asyncio.EventLoop;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.nio.NioIoHandle;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;

/** Connections over sockets that are there already. */
final class AdoptedSocket {
    private AdoptedSocket() {}

    /**
     * A cold Mono of a connection over a socket, which is the connection's from then on; on the loop. It reads nothing
     * before somebody wants to.
     *
     * @param keepAlive whether that is asked for
     */
    static Mono<Connection> open(EventLoop loop, SocketChannel socket, boolean keepAlive) {
        return Mono.create(sink -> {
            Channel channel;
            try {
                if (!loop.netty().isCompatible(NioIoHandle.class)) {
                    socket.close();
                    throw new IOException("The socket was closed: " + loop + " takes no channels of java.nio. Use"
                            + " EventLoop.builder().transport(\"nio\")");
                }
                channel = channel(socket);
            } catch (IOException e) {
                sink.error(e);
                return;
            }
            channel.config().setAutoRead(false);
            if (keepAlive) {
                channel.config().setOption(ChannelOption.SO_KEEPALIVE, true);
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

    /** Not by its Netty channel, which no loop has. */
    private static void close(SocketChannel socket, Throwable because) {
        try {
            socket.close();
        } catch (IOException e) {
            because.addSuppressed(e);
        }
    }

    /** A channel of Netty's around it; an error closes it. */
    private static Channel channel(SocketChannel socket) throws IOException {
        return socket.getRemoteAddress() instanceof UnixDomainSocketAddress
                ? new NioDomainSocketChannel(socket)
                : new NioSocketChannel(socket);
    }

    /** @throws IllegalArgumentException if it is not connected */
    static SocketChannel checked(SocketChannel socket) {
        if (!socket.isConnected()) {
            throw new IllegalArgumentException("A socket that is connected was expected, not " + socket);
        }
        return socket;
    }
}
