package asyncio.streams;

import asyncio.EventLoop;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.util.function.Consumer;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;

/** A socket that listens already, and is the server's from then on. */
final class AdoptedListener {
    private AdoptedListener() {}

    /** A cold Mono of the socket as one of a server's; on the loop. It accepts nothing before the server wants to. */
    static Mono<ListeningSocket> open(
            EventLoop loop, ServerSocketChannel socket, ServeOptions options, Consumer<Connection> accept) {
        return Mono.defer(() -> {
            SocketAddress address = OptionChecks.listening(socket);
            Channel channel = channel(socket, address);
            channel.config().setAutoRead(false);
            if (options.maxConnections < Integer.MAX_VALUE) { // as in ListeningSocket
                channel.config()
                        .setOption(
                                ChannelOption.RECVBUF_ALLOCATOR,
                                new FixedRecvByteBufAllocator(1).maxMessagesPerRead(1));
            }
            channel.pipeline().addLast(new Acceptor(loop, options, accept));
            return AdoptedSocket.register(loop, channel, socket)
                    .map(registered -> new ListeningSocket(channel, channel::close, address, null, null));
        });
    }

    private static Channel channel(ServerSocketChannel socket, SocketAddress address) {
        return address instanceof UnixDomainSocketAddress
                ? new NioServerDomainSocketChannel(socket)
                : new NioServerSocketChannel(socket);
    }

    /** Registers accepted channels, and passes them on. */
    private static final class Acceptor extends ChannelInboundHandlerAdapter {
        private final EventLoop loop;
        private final ServeOptions options;
        private final Consumer<Connection> accept;

        Acceptor(EventLoop loop, ServeOptions options, Consumer<Connection> accept) {
            this.loop = loop;
            this.options = options;
            this.accept = accept;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            Channel accepted = (Channel) message;
            accepted.config().setAutoRead(false);
            accepted.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
            if (accepted instanceof io.netty.channel.socket.SocketChannel) {
                accepted.config().setOption(ChannelOption.SO_KEEPALIVE, options.keepAlive);
            }
            accepted.unsafe().register(loop.netty(), accepted.newPromise().addListener(registered -> {
                if (registered.isSuccess()) {
                    accept.accept(Connection.from(accepted));
                } else {
                    accepted.unsafe().closeForcibly();
                }
            }));
        }
    }
}
