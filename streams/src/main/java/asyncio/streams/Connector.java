package asyncio.streams;

import asyncio.EventLoop;
import io.netty.channel.ChannelOption;
import java.net.InetSocketAddress;
import java.util.List;
import reactor.core.publisher.Mono;
import reactor.netty.tcp.TcpClient;

/** Connects to the first address of a host that answers. */
final class Connector {
    private final EventLoop loop;
    private final int limit;

    Connector(EventLoop loop, int limit) {
        this.loop = loop;
        this.limit = limit;
    }

    Mono<StreamConnection> connect(String host, int port) {
        return Addresses.resolve(host, port).flatMap(addresses -> connectToFirstOf(addresses));
    }

    /** One after the other; if none answers, the first error with the others suppressed in it. */
    private Mono<StreamConnection> connectToFirstOf(List<InetSocketAddress> addresses) {
        Mono<StreamConnection> first = connect(addresses.get(0));
        if (addresses.size() == 1) {
            return first;
        }
        return first.onErrorResume(error -> connectToFirstOf(addresses.subList(1, addresses.size()))
                .onErrorMap(next -> {
                    error.addSuppressed(next);
                    return error;
                }));
    }

    private Mono<StreamConnection> connect(InetSocketAddress address) {
        return TcpClient.newConnection()
                .resolver(Addresses.Resolved.INSTANCE)
                .runOn(Streams.loopResources(loop))
                // asyncio sets no limit either; and a timer on a virtual clock would not wait for a real network
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 0)
                .remoteAddress(() -> address)
                .connect()
                .map(connection -> StreamConnection.from(connection, limit));
    }
}
