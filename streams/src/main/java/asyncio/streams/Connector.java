package asyncio.streams;

import asyncio.Activities;
import asyncio.Activity;
import asyncio.EventLoop;
import asyncio.Flight;
import asyncio.Log;
import asyncio.streams.internal.PipeEnd;
import io.netty.channel.ChannelOption;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.netty.ChannelBindException;
import reactor.netty.Connection;
import reactor.netty.resources.LoopResources;
import reactor.netty.tcp.TcpClient;
import reactor.util.context.ContextView;

/** Connects to the first address of a host that answers, with TLS if the options have it. */
final class Connector {
    private final EventLoop loop;
    private final ConnectOptions options;
    /** Whether this is the server side of TLS. */
    private final boolean server;

    Connector(EventLoop loop, ConnectOptions options) {
        this(loop, options, false);
    }

    /** @param server whether the connection was accepted, which is only possible with a given socket */
    Connector(EventLoop loop, ConnectOptions options, boolean server) {
        this.loop = loop;
        this.options = options;
        this.server = server;
    }

    /** Connects, for a reader and a writer. */
    Mono<StreamConnection> connect(String host, int port) {
        return reported(
                host + ":" + port,
                open(host, port).flatMap(connection -> stream(connection, host, port)),
                StreamConnection::handler);
    }

    /** Like {@link #connect(String, int)}, to a Unix socket. */
    Mono<StreamConnection> connect(Path path) {
        return reported(
                path.toString(),
                open(path).flatMap(connection -> stream(connection, null, -1)),
                StreamConnection::handler);
    }

    /** Connects, for a protocol, which is called in the subscriber's context. */
    <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> connect(
            String host, int port, Supplier<? extends P> factory) {
        return reported(
                host + ":" + port,
                open(host, port).flatMap(connection -> transport(connection, factory, host, port)),
                Connector::handler);
    }

    /** Like {@link #connect(String, int, Supplier)}, to a Unix socket. */
    <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> connect(Path path, Supplier<? extends P> factory) {
        return reported(
                path.toString(),
                open(path).flatMap(connection -> transport(connection, factory, null, -1)),
                Connector::handler);
    }

    /** Uses the socket of the options, for a reader and a writer. */
    Mono<StreamConnection> connect(SocketChannel socket) {
        return reported(
                peer(socket),
                AdoptedSocket.open(loop, socket, options.keepAlive).flatMap(connection -> stream(connection, null, -1)),
                StreamConnection::handler);
    }

    /** Like {@link #connect(SocketChannel)}, for a protocol. */
    <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> connect(
            SocketChannel socket, Supplier<? extends P> factory) {
        return reported(
                peer(socket),
                AdoptedSocket.open(loop, socket, options.keepAlive)
                        .flatMap(connection -> transport(connection, factory, null, -1)),
                Connector::handler);
    }

    /** Reports the connection to the loop's listeners, from now to its close. */
    private <T> Mono<T> reported(String peer, Mono<T> opening, Function<T, StreamHandler> handler) {
        return Activities.around(
                loop,
                server ? Activity.Kind.SERVER : Activity.Kind.CLIENT,
                peer,
                opening,
                (activity, opened) -> handler.apply(opened).endsWith(activity));
    }

    private static StreamHandler handler(Opened<Transport, ?> opened) {
        return StreamTransport.own(opened.transport()).handler();
    }

    private static String peer(SocketChannel socket) {
        try {
            return String.valueOf(socket.getRemoteAddress());
        } catch (IOException e) { // it is closed, which its use will say
            return socket.toString();
        }
    }

    /** Takes an end of a pipe, for a protocol. */
    <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> connect(
            PipeEnd pipe, Supplier<? extends P> factory) {
        Mono<Connection> registered = Mono.create(sink -> {
            sink.onCancel(pipe::close);
            pipe.unsafe().register(loop.netty(), pipe.newPromise().addListener(done -> {
                if (done.isSuccess()) {
                    sink.success(Connection.from(pipe));
                } else {
                    sink.error(done.cause());
                }
            }));
        });
        return registered.flatMap(connection -> transport(connection, factory, null, -1));
    }

    private Mono<Connection> open(String host, int port) {
        return Addresses.resolve(host, port)
                .map(addresses -> Addresses.interleave(addresses, options.interleave))
                .flatMap(addresses -> HappyEyeballs.connect(addresses, options.happyEyeballsDelay, this::connect));
    }

    private Mono<Connection> open(Path path) {
        return UnixSockets.address(loop, path)
                .flatMap(address -> recorded(client(address, UnixSockets.resources(loop)), address)
                        .onErrorMap(error -> UnixSockets.connectError(path, error)));
    }

    private Mono<Connection> connect(InetSocketAddress address) {
        TcpClient client =
                client(address, Streams.loopResources(loop)).option(ChannelOption.SO_KEEPALIVE, options.keepAlive);
        InetSocketAddress local = options.localAddress;
        return recorded(local == null ? client : client.bindAddress(() -> local), address)
                .<Connection>cast(Connection.class)
                .onErrorMap(Connector::isOfBind, error -> bindError(local, address, error));
    }

    private static Mono<? extends Connection> recorded(TcpClient client, SocketAddress address) {
        return Flight.PRESENT ? StreamEvents.connecting(client.connect(), address) : client.connect();
    }

    /** Returns whether binding has failed, on epoll or on NIO. */
    private static boolean isOfBind(Throwable error) {
        return error instanceof ChannelBindException || error.getCause() instanceof BindException;
    }

    private static IOException bindError(
            @Nullable InetSocketAddress local, InetSocketAddress address, Throwable error) {
        BindException bindError = new BindException("Cannot connect to " + address + " from " + local
                + ": the address is in use, or not an address of this host (" + Log.text(error)
                + "). Choose another port for localAddress, or 0 to let the system choose");
        bindError.initCause(error);
        return bindError;
    }

    private static TcpClient client(SocketAddress address, LoopResources resources) {
        return TcpClient.newConnection()
                .resolver(Addresses.Resolved.INSTANCE)
                .runOn(resources)
                // asyncio sets no limit either, and a timer on a virtual clock would not wait for a real network
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 0)
                .remoteAddress(() -> address);
    }

    private Mono<StreamConnection> stream(Connection opened, @Nullable String host, int port) {
        StreamConnection connection =
                StreamConnection.from(opened, options.limit, "the limit of openConnection (ConnectOptions.limit)");
        return established(connection.handler(), host, port, connection);
    }

    private <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> transport(
            Connection opened, Supplier<? extends P> factory, @Nullable String host, int port) {
        return Mono.deferContextual(context -> transport(opened, factory, context, host, port));
    }

    private <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> transport(
            Connection opened, Supplier<? extends P> factory, ContextView context, @Nullable String host, int port) {
        P protocol;
        StreamTransport transport;
        try {
            protocol = StreamTransport.newProtocol(loop, factory, context);
            transport = StreamTransport.of(opened, loop, protocol, context);
        } catch (Throwable e) { // from the factory
            opened.dispose();
            return Mono.error(e);
        }
        return established(transport.handler(), host, port, transport)
                .flatMap(there -> there.connectionMade(new Opened<>(there, protocol)));
    }

    /** Starts TLS if the options have it. */
    private <T> Mono<T> established(StreamHandler stream, @Nullable String host, int port, T connection) {
        stream.limit(options);
        TlsOptions tls = options.tls;
        return tls == null
                ? Mono.just(connection)
                : Tls.handshake(stream, () -> stream.startTls(tls, server, host, port), connection)
                        .doOnError(error -> stream.requestAbort());
    }
}
