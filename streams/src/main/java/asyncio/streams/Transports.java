package asyncio.streams;

import asyncio.EventLoop;
import asyncio.Experimental;
import asyncio.Leftovers;
import asyncio.streams.internal.ChannelPipe;
import asyncio.streams.internal.EpollPipe;
import asyncio.streams.internal.PipeEnd;
import java.io.IOException;
import java.nio.channels.Pipe;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Opens and serves connections with protocols: the low-level API for libraries, in which the loop calls a
 * {@link Protocol} with incoming data and nothing is awaited. Programs are easier to write with {@link Streams}.
 *
 * <p>Everything here is cold: nothing happens until subscription, and then on the loop that runs there, or on one of
 * {@link EventLoop#shared()}. The protocol is created on that loop, and all its methods are called there, in the
 * subscriber's context.
 *
 * <pre>{@code
 * class Echo implements Protocol {
 *     private Transport transport;
 *
 *     @Override
 *     public void connectionMade(Transport transport) {
 *         this.transport = transport;
 *     }
 *
 *     @Override
 *     public void dataReceived(byte[] data) {
 *         transport.write(data);
 *     }
 * }
 *
 * Server server = await(Transports.createServer(Echo::new, "127.0.0.1", 8888));
 * await(server.serveForever());
 * }</pre>
 *
 * <p>asyncio: {@code loop.create_connection}, {@code loop.create_server} and the like.
 *
 * @since 0.1
 */
public final class Transports {
    private Transports() {}

    // ---- connecting

    /** Like {@link #createConnection(Supplier, String, int, ConnectOptions)}, with the defaults. */
    public static <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> createConnection(
            Supplier<? extends P> factory, String host, int port) {
        return createConnection(factory, host, port, ConnectOptions.DEFAULT);
    }

    /**
     * Connects to a host as {@link Streams#openConnection(String, int, ConnectOptions)} does, and passes the connection
     * to a new protocol: {@link BaseProtocol#connectionMade} has been called when this completes, with TLS after the
     * handshake. Nothing happens until subscription. Cancelling closes the socket, even if the transport was already
     * open but the awaiting body had not received it.
     *
     * <p>Fails as {@code openConnection} does, and with an exception thrown by the factory; the protocol is not called
     * then. An exception thrown by {@code connectionMade} is reported to the loop's exception handler and aborts the
     * transport, but this still completes with that transport.
     *
     * <p>The code that opens a transport closes it: the loop keeps it and its protocol alive until then.
     *
     * <p>asyncio: {@code loop.create_connection}.
     *
     * @param factory creates a {@link Protocol} or a {@link BufferedProtocol}; called on the loop once the connection
     *     is established
     * @param host a host name, or an IPv4 or IPv6 address
     * @param port 1 to 65535
     * @param options the options; {@code limit} has no effect here
     * @throws IllegalArgumentException if the port is out of range
     */
    public static <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> createConnection(
            Supplier<? extends P> factory, String host, int port, ConnectOptions options) {
        Objects.requireNonNull(factory, "factory");
        Objects.requireNonNull(host, "host");
        options.checkNoSocket();
        if (Addresses.checkPort(port) == 0) {
            throw new IllegalArgumentException("Cannot connect to port 0");
        }
        return open(
                "createConnection(" + host + ", " + port + ")",
                loop -> new Connector(loop, options).connect(host, port, factory));
    }

    /**
     * Like {@link #createConnection(Supplier, String, int, ConnectOptions)}, over a socket that is already connected.
     * With TLS, the options must name the server.
     *
     * <p>asyncio: {@code loop.create_connection(sock=...)}.
     *
     * @param options options with a {@linkplain ConnectOptions.Builder#socket socket}
     * @throws IllegalArgumentException if the options have no socket
     */
    public static <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> createConnection(
            Supplier<? extends P> factory, ConnectOptions options) {
        Objects.requireNonNull(factory, "factory");
        SocketChannel socket = options.checkSocket();
        return open("createConnection(" + socket + ")", loop -> new Connector(loop, options).connect(socket, factory));
    }

    /** Like {@link #connectAcceptedSocket(Supplier, SocketChannel, TlsOptions)}, without TLS. */
    public static <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> connectAcceptedSocket(
            Supplier<? extends P> factory, SocketChannel socket) {
        return accepted(factory, ConnectOptions.builder().socket(socket).build());
    }

    /**
     * Passes a connection that was accepted elsewhere to a new protocol, as the server side of TLS. The transport owns
     * the socket from subscription on. Otherwise like {@link #createConnection(Supplier, String, int, ConnectOptions)}.
     *
     * <pre>{@code
     * SocketChannel socket = await(Sockets.sockAccept(listener));
     * var client = await(Transports.connectAcceptedSocket(Greeting::new, socket, tlsOptions));
     * }</pre>
     *
     * <p>asyncio: {@code loop.connect_accepted_socket}.
     *
     * @throws IllegalArgumentException if the socket is not connected
     */
    public static <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> connectAcceptedSocket(
            Supplier<? extends P> factory, SocketChannel socket, TlsOptions tls) {
        return accepted(
                factory, ConnectOptions.builder().socket(socket).tls(tls).build());
    }

    private static <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> accepted(
            Supplier<? extends P> factory, ConnectOptions options) {
        Objects.requireNonNull(factory, "factory");
        SocketChannel socket = options.checkSocket();
        return open(
                "connectAcceptedSocket(" + socket + ")",
                loop -> new Connector(loop, options, true).connect(socket, factory));
    }

    /** Like {@link #createUnixConnection(Supplier, Path, ConnectOptions)}, with the defaults. */
    public static <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> createUnixConnection(
            Supplier<? extends P> factory, Path path) {
        return createUnixConnection(factory, path, ConnectOptions.DEFAULT);
    }

    /**
     * Like {@link #createConnection(Supplier, String, int, ConnectOptions)}, to a Unix socket. With TLS, the options
     * must name the server.
     *
     * <p>asyncio: {@code loop.create_unix_connection}.
     */
    public static <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> createUnixConnection(
            Supplier<? extends P> factory, Path path, ConnectOptions options) {
        Objects.requireNonNull(factory, "factory");
        Objects.requireNonNull(path, "path");
        options.checkNoSocket();
        return open("createUnixConnection(" + path + ")", loop -> new Connector(loop, options).connect(path, factory));
    }

    private static <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> open(
            String name, Function<EventLoop, Mono<Opened<Transport, P>>> connect) {
        Throwable site = Leftovers.site();
        return new MonoOpen<>(
                name,
                loop -> connect.apply(loop).doOnNext(opened -> UnclosedReport.watchTransport(writer(opened), site)));
    }

    private static Outgoing writer(Opened<Transport, ?> opened) {
        return ((StreamTransport) opened.transport()).handler().writer();
    }

    // ---- pipes

    /**
     * Connects a new protocol to the reading end of a pipe, and calls its {@link Protocol#dataReceived} and
     * {@link Protocol#eofReceived}; the transport's writing methods throw {@link UnsupportedOperationException}.
     * Nothing happens until subscription. From then on the channel is the transport's, which closes it, and it does not
     * block. Cancelling closes it.
     *
     * <pre>{@code
     * var pipe = java.nio.channels.Pipe.open();
     * var read = await(Transports.connectReadPipe(() -> new Protocol() {}, pipe.source()));
     * }</pre>
     *
     * <p>asyncio: {@code loop.connect_read_pipe}.
     *
     * @param factory makes a {@link Protocol} or a {@link BufferedProtocol}
     * @since 0.1
     */
    @Experimental
    public static <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> connectReadPipe(
            Supplier<? extends P> factory, Pipe.SourceChannel pipe) {
        Objects.requireNonNull(pipe, "pipe");
        return connectPipe("connectReadPipe(" + pipe + ")", factory, loop -> ChannelPipe.of(loop, pipe));
    }

    /**
     * Like {@link #connectReadPipe(Supplier, Pipe.SourceChannel)}, of a descriptor by its number: a pipe, a FIFO, a
     * socket or a character device such as a terminal. Only on epoll. What was given to this process as stdin is
     * {@code 0}; {@link Streams#stdin} is easier.
     *
     * <p>Whether it blocks is left as it is, since other processes may share it. One that does is read once when there
     * is something: another process that reads it, too, could keep the loop waiting.
     *
     * <p>Fails with {@link IllegalArgumentException} if it is not open, is a file, or is of another kind that epoll
     * does not take, such as {@code /dev/null}; with {@link UnsupportedOperationException} if the loop is not on epoll,
     * with {@link IllegalStateException} if a transport of the loop uses it; the descriptor is left alone then.
     *
     * @since 0.1
     */
    @Experimental
    public static <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> connectReadPipe(
            Supplier<? extends P> factory, int descriptor) {
        return connectPipe(
                "connectReadPipe(" + descriptor + ")", factory, loop -> descriptorPipe(loop, descriptor, true));
    }

    /**
     * Connects a new protocol to the writing end of a pipe, and calls its {@link BaseProtocol#pauseWriting} and the
     * like; the transport's reading methods throw {@link UnsupportedOperationException}. A write notices that the
     * reader is gone. Otherwise as {@link #connectReadPipe(Supplier, Pipe.SourceChannel)}.
     *
     * <p>asyncio: {@code loop.connect_write_pipe}.
     *
     * @since 0.1
     */
    @Experimental
    public static <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> connectWritePipe(
            Supplier<? extends P> factory, Pipe.SinkChannel pipe) {
        Objects.requireNonNull(pipe, "pipe");
        return connectPipe("connectWritePipe(" + pipe + ")", factory, loop -> ChannelPipe.of(loop, pipe));
    }

    /**
     * Like {@link #connectWritePipe(Supplier, Pipe.SinkChannel)}, of a descriptor by its number, with the limits of
     * {@link #connectReadPipe(Supplier, int)}. That its reader is gone is noticed without a write. One that blocks is
     * written to in pieces of at most 4096 bytes.
     *
     * @since 0.1
     */
    @Experimental
    public static <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> connectWritePipe(
            Supplier<? extends P> factory, int descriptor) {
        return connectPipe(
                "connectWritePipe(" + descriptor + ")", factory, loop -> descriptorPipe(loop, descriptor, false));
    }

    /** An end of a pipe, on the loop. */
    private interface PipeMaker {
        PipeEnd make(EventLoop loop) throws IOException;
    }

    private static PipeEnd descriptorPipe(EventLoop loop, int descriptor, boolean reads) {
        loop.removeReader(descriptor); // which refuses those of transports, and on other loops than epoll's
        loop.removeWriter(descriptor);
        return EpollPipe.ofThisProcess(descriptor, reads);
    }

    private static <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> connectPipe(
            String name, Supplier<? extends P> factory, PipeMaker maker) {
        Objects.requireNonNull(factory, "factory");
        return open(name, loop -> {
            PipeEnd pipe;
            try {
                pipe = maker.make(loop);
            } catch (IOException e) {
                return Mono.error(e);
            }
            return new Connector(loop, ConnectOptions.DEFAULT).connect(pipe, factory);
        });
    }

    // ---- datagrams

    /**
     * Opens a datagram socket, as {@link Datagrams#open} does, and passes it to a new protocol:
     * {@link BaseProtocol#connectionMade} has been called when this completes. Nothing happens until subscription.
     * Cancelling closes the socket, even if the transport was already open but the awaiting body had not received it.
     *
     * <p>With {@link DatagramOptions.Builder#allowBroadcast} the socket is not connected to the remote address, so that
     * answers can arrive: datagrams are sent to that address, and received from any.
     *
     * <pre>{@code
     * Mono<Opened<DatagramTransport, DatagramProtocol>> discarding = Transports.createDatagramEndpoint(
     *         () -> new DatagramProtocol() {},
     *         DatagramOptions.builder().localAddress("127.0.0.1", 9).build());
     * }</pre>
     *
     * <p>Fails as {@code Datagrams.open} does, and with an exception thrown by the factory. The code that opens a
     * transport closes it.
     *
     * <p>asyncio: {@code loop.create_datagram_endpoint}.
     *
     * @param factory creates the protocol; called on the loop once the socket is open
     */
    public static <P extends DatagramProtocol> Mono<Opened<DatagramTransport, P>> createDatagramEndpoint(
            Supplier<? extends P> factory, DatagramOptions options) {
        Objects.requireNonNull(factory, "factory");
        Objects.requireNonNull(options, "options");
        Throwable site = Leftovers.site();
        return new MonoOpen<>(
                "createDatagramEndpoint()",
                loop -> Mono.deferContextual(context -> Datagrams.channel(options, !options.broadcasts())
                        .map(socket -> DatagramEndpoint.open(loop, socket, factory, context, site))));
    }

    // ---- using a transport

    /**
     * Upgrades a transport to TLS, with another protocol or the same one: when the handshake is done, this returns the
     * same transport. {@link BaseProtocol#connectionMade} is not called; the protocol gets the decrypted data, and
     * {@link BaseProtocol#connectionLost} as before, also when the handshake fails. Reading is resumed. Nothing happens
     * until subscription; cancelling aborts the transport.
     *
     * <p>Bytes written before are sent in cleartext. Fails as {@link StreamWriter#startTls} does; the transport is
     * closed then.
     *
     * <p>asyncio: {@code loop.start_tls}.
     *
     * @param protocol the protocol to call from then on
     * @param options the TLS options; a client needs {@link TlsOptions.Builder#serverHostname}
     * @param serverSide whether this side is the server, which presents its certificate
     * @throws IllegalArgumentException if the transport was not created by this class, or the protocol is of the wrong
     *     kind
     */
    public static Mono<Transport> startTls(
            Transport transport, BaseProtocol<Transport> protocol, TlsOptions options, boolean serverSide) {
        StreamTransport own = StreamTransport.own(transport);
        ProtocolCalls.checked(Objects.requireNonNull(protocol, "protocol"));
        Objects.requireNonNull(options, "options");
        return new MonoOpen<>("startTls of " + transport, loop -> own.startTls(protocol, options, serverSide));
    }

    /**
     * Sends a part of a file, as {@link StreamWriter#sendFile(Path, long, long)} does, and returns the number of bytes.
     * Nothing happens until subscription.
     *
     * <p>Fails with {@link SendfileNotAvailableException} if the kernel cannot send it and {@code fallback} is false,
     * with {@link UnsupportedOperationException} for an end of a pipe, as in asyncio, with
     * {@link IllegalStateException} if the transport is closing, and with errors of the file system.
     *
     * <p>asyncio: {@code loop.sendfile}.
     *
     * @param fallback whether the file may be read in pieces where the kernel cannot send it, as with TLS
     * @throws IllegalArgumentException if the offset or the count is negative, or the transport was not created by this
     *     class
     */
    public static Mono<Long> sendFile(Transport transport, Path file, long offset, long count, boolean fallback) {
        StreamTransport own = StreamTransport.own(transport);
        Objects.requireNonNull(file, "file");
        OptionChecks.partOfFile("sendFile", offset, count);
        return Mono.defer(() -> own.sendFile(file, offset, count, fallback));
    }

    // ---- serving

    /** Like {@link #createServer(Supplier, String, int, ServeOptions)}, with the defaults. */
    public static Mono<Server> createServer(
            Supplier<? extends BaseProtocol<Transport>> factory, @Nullable String host, int port) {
        return createServer(factory, host, port, ServeOptions.DEFAULT);
    }

    /**
     * Starts a server that passes each connection to a new protocol, with TLS after the handshake. If the factory
     * fails, the error is reported to the loop's exception handler and the connection is closed. Otherwise like
     * {@link Streams#startServer(Function, String, int, ServeOptions)}: nothing happens until subscription, and
     * cancelling stops listening.
     *
     * <p>asyncio: {@code loop.create_server}.
     *
     * @param factory creates a {@link Protocol} or a {@link BufferedProtocol} for each connection, on the server's loop
     * @param host a host name, to listen on all its addresses, or an address; null or "" for all interfaces
     * @param port 0 to 65535; with 0 the system chooses a port for each address: see {@link Server#sockets}
     * @param options the options; {@code limit} has no effect here
     * @throws IllegalArgumentException if the port is out of range
     */
    public static Mono<Server> createServer(
            Supplier<? extends BaseProtocol<Transport>> factory,
            @Nullable String host,
            int port,
            ServeOptions options) {
        Objects.requireNonNull(factory, "factory");
        options.checkNoSocket();
        Addresses.checkPort(port);
        return serve("createServer(" + host + ", " + port + ")", factory, options, server -> server.listen(host, port));
    }

    /**
     * Like {@link #createServer(Supplier, String, int, ServeOptions)}, on all addresses of several hosts, without
     * duplicates.
     *
     * <p>asyncio: {@code loop.create_server} with a sequence of hosts.
     *
     * @param hosts names or addresses
     * @throws IllegalArgumentException if the port is out of range, or there is no host
     */
    public static Mono<Server> createServer(
            Supplier<? extends BaseProtocol<Transport>> factory,
            int port,
            Collection<String> hosts,
            ServeOptions options) {
        Objects.requireNonNull(factory, "factory");
        List<String> all = Addresses.checkHosts(hosts);
        options.checkNoSocket();
        Addresses.checkPort(port);
        return serve("createServer(" + all + ", " + port + ")", factory, options, server -> server.listen(all, port));
    }

    /**
     * Like {@link #createServer(Supplier, String, int, ServeOptions)}, on a socket that listens already.
     *
     * <p>asyncio: {@code loop.create_server(sock=...)}.
     *
     * @param options with a {@linkplain ServeOptions.Builder#socket socket}
     * @throws IllegalArgumentException if there is none
     */
    public static Mono<Server> createServer(Supplier<? extends BaseProtocol<Transport>> factory, ServeOptions options) {
        Objects.requireNonNull(factory, "factory");
        ServerSocketChannel socket = options.checkSocket();
        return serve("createServer(" + socket + ")", factory, options, server -> server.listen(socket));
    }

    /** Like {@link #createUnixServer(Supplier, Path, ServeOptions)}, with the defaults. */
    public static Mono<Server> createUnixServer(Supplier<? extends BaseProtocol<Transport>> factory, Path path) {
        return createUnixServer(factory, path, ServeOptions.DEFAULT);
    }

    /**
     * Like {@link #createServer(Supplier, String, int, ServeOptions)}, on a Unix socket. Its file is handled as by
     * {@link Streams#startUnixServer(Function, Path, ServeOptions)}.
     *
     * <p>asyncio: {@code loop.create_unix_server}.
     */
    public static Mono<Server> createUnixServer(
            Supplier<? extends BaseProtocol<Transport>> factory, Path path, ServeOptions options) {
        Objects.requireNonNull(factory, "factory");
        Objects.requireNonNull(path, "path");
        options.checkNoSocket();
        return serve("createUnixServer(" + path + ")", factory, options, server -> server.listen(path));
    }

    private static Mono<Server> serve(
            String name,
            Supplier<? extends BaseProtocol<Transport>> factory,
            ServeOptions options,
            Function<Server, Mono<Server>> listen) {
        return Server.start(
                name,
                (loop, context) -> new Server(loop, ProtocolClient.acceptor(loop, factory, context), options),
                listen);
    }
}
