package asyncio.streams;

import asyncio.EventLoop;
import io.netty.channel.ChannelOption;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;
import reactor.netty.resources.LoopResources;
import reactor.netty.tcp.TcpClient;

/** Connects to the first address of a host that answers, and encrypts if that is asked for. */
final class Connector {
    private final EventLoop loop;
    private final ConnectOptions options;

    Connector(EventLoop loop, ConnectOptions options) {
        this.loop = loop;
        this.options = options;
    }

    Mono<StreamConnection> connect(String host, int port) {
        return Addresses.resolve(host, port)
                .map(addresses -> Addresses.interleave(addresses, options.interleave))
                .flatMap(addresses -> HappyEyeballs.connect(addresses, options.happyEyeballsDelay, this::connect))
                .flatMap(connection -> opened(connection, host, port));
    }

    Mono<StreamConnection> connect(Path path) {
        return UnixSockets.address(loop, path)
                .flatMap(address -> client(address, UnixSockets.resources(loop))
                        .connect()
                        .onErrorMap(error -> UnixSockets.connectError(path, error)))
                .flatMap(connection -> opened(connection, null, -1));
    }

    private Mono<Connection> connect(InetSocketAddress address) {
        TcpClient client =
                client(address, Streams.loopResources(loop)).option(ChannelOption.SO_KEEPALIVE, options.keepAlive);
        InetSocketAddress local = options.localAddress;
        return (local == null ? client : client.bindAddress(() -> local))
                .connect()
                .cast(Connection.class);
    }

    private static TcpClient client(SocketAddress address, LoopResources resources) {
        return TcpClient.newConnection()
                .resolver(Addresses.Resolved.INSTANCE)
                .runOn(resources)
                // asyncio sets no limit either; and a timer on a virtual clock would not wait for a real network
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 0)
                .remoteAddress(() -> address);
    }

    private Mono<StreamConnection> opened(Connection opened, @Nullable String host, int port) {
        StreamConnection connection =
                StreamConnection.from(opened, options.limit, "the limit of openConnection (ConnectOptions.limit)");
        connection.handler().limit(options);
        TlsOptions tls = options.tls;
        return tls == null
                ? Mono.just(connection)
                : Tls.handshake(connection, tls, host, port)
                        .doOnError(error -> connection.writer().abort());
    }
}
