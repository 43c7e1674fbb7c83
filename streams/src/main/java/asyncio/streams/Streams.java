package asyncio.streams;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Leftovers;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.resources.LoopResources;

/**
 * Opens connections and serves them, over TCP and Unix sockets, with TLS or without.
 *
 * <p>Everything here is cold: nothing happens until subscription, and then on the loop that runs there, or on one of
 * {@link EventLoop#shared()}.
 *
 * <pre>{@code
 * Server server = await(Streams.startServerBody(connection -> {
 *     try (connection) {
 *         byte[] line;
 *         while ((line = await(connection.reader().readLine())) != null) {
 *             connection.writer().write(line);
 *             await(connection.writer().drain());
 *         }
 *     }
 * }, "127.0.0.1", 8888));
 * await(server.serveForever());
 * }</pre>
 *
 * <p>asyncio: {@code open_connection} and {@code start_server}.
 */
public final class Streams {
    private Streams() {}

    // ---- connecting

    /** Like {@link #openConnection(String, int, ConnectOptions)}, with the defaults. */
    public static Mono<StreamConnection> openConnection(String host, int port) {
        return openConnection(host, port, ConnectOptions.DEFAULT);
    }

    /**
     * Like {@link #openConnection(String, int, ConnectOptions)}, with the given limit.
     *
     * @param limit the longest line that {@link StreamReader#readLine} returns, in bytes; up to twice that is buffered
     *     before the peer has to wait
     * @throws IllegalArgumentException if the port or the limit is out of range
     */
    public static Mono<StreamConnection> openConnection(String host, int port, int limit) {
        return openConnection(host, port, ConnectOptions.builder().limit(limit).build());
    }

    /**
     * Connects to a host. Several addresses are tried in turn: the next one is started when an attempt fails, or has
     * not succeeded for 250 ms ({@link ConnectOptions.Builder#happyEyeballsDelay}). Nothing happens until subscription.
     * Cancelling closes the socket, even if the connection was already established but the awaiting body had not
     * received it. (An operator or subscriber downstream that drops a connection while being cancelled on another
     * thread passes it to {@code Hooks.onNextDropped}.) The only time limits are the operating system's and that of the
     * TLS handshake.
     *
     * <p>Fails with {@link java.net.UnknownHostException}; with the {@link java.net.ConnectException} of the first
     * address, those of the others suppressed in it; with TLS, as {@link StreamWriter#startTls} does.
     *
     * @param host a host name, or an IPv4 or IPv6 address
     * @param port 1 to 65535
     * @throws IllegalArgumentException if the port is out of range
     */
    public static Mono<StreamConnection> openConnection(String host, int port, ConnectOptions options) {
        Objects.requireNonNull(host, "host");
        options.checkNoSocket();
        if (Addresses.checkPort(port) == 0) {
            throw new IllegalArgumentException("Cannot connect to port 0");
        }
        Throwable site = Leftovers.site();
        return new MonoOpen<>(
                "openConnection(" + host + ", " + port + ")",
                loop -> new Connector(loop, options)
                        .connect(host, port)
                        .doOnNext(opened -> UnclosedReport.watch(opened, site)));
    }

    /**
     * Like {@link #openConnection(String, int, ConnectOptions)}, over a socket that is already connected. With TLS, the
     * options must name the server.
     *
     * <p>asyncio: {@code open_connection(sock=...)}.
     *
     * @param options options with a {@linkplain ConnectOptions.Builder#socket socket}
     * @throws IllegalArgumentException if the options have no socket
     */
    public static Mono<StreamConnection> openConnection(ConnectOptions options) {
        SocketChannel socket = options.checkSocket();
        Throwable site = Leftovers.site();
        return new MonoOpen<>(
                "openConnection(" + socket + ")",
                loop -> new Connector(loop, options)
                        .connect(socket)
                        .doOnNext(opened -> UnclosedReport.watch(opened, site)));
    }

    /** Like {@link #openUnixConnection(Path, ConnectOptions)}, with the defaults. */
    public static Mono<StreamConnection> openUnixConnection(Path path) {
        return openUnixConnection(path, ConnectOptions.DEFAULT);
    }

    /**
     * Connects to a Unix socket. Nothing happens until subscription; cancelling closes the socket. Fails with
     * {@link java.net.ConnectException}. With TLS, the options must name the server.
     *
     * <p>asyncio: {@code open_unix_connection}.
     */
    public static Mono<StreamConnection> openUnixConnection(Path path, ConnectOptions options) {
        Objects.requireNonNull(path, "path");
        options.checkNoSocket();
        Throwable site = Leftovers.site();
        return new MonoOpen<>(
                "openUnixConnection(" + path + ")",
                loop -> new Connector(loop, options)
                        .connect(path)
                        .doOnNext(opened -> UnclosedReport.watch(opened, site)));
    }

    // ---- the standard streams of this program

    /** Like {@link #stdin(int)}, with a limit of 64 KiB. */
    public static Mono<StreamReader> stdin() {
        return stdin(StreamReader.DEFAULT_LIMIT);
    }

    /**
     * Returns a reader for the standard input of this program, which may be a pipe, a file, a terminal or a socket.
     * Nothing is read before the first subscription. Each loop has one reader, and later calls return the same one.
     * Only one loop reads at a time; when it is closed, the next loop gets the bytes that are still unread.
     *
     * <p>The reader does not keep the program running: the program ends when {@code main} returns, even while stdin is
     * open. On epoll no thread waits for input; elsewhere one daemon thread does. The reader reads the file descriptor:
     * it sees neither a stream installed with {@code System.setIn} nor bytes buffered by {@code System.in}.
     *
     * <p>Fails with {@link IllegalStateException} if another loop is reading stdin. Cancelling opens nothing;
     * cancelling a read loses no bytes.
     *
     * <pre>{@code
     * StreamReader stdin = await(Streams.stdin());
     * for (byte[] line; (line = await(stdin.readLine())) != null; ) {
     *     System.out.print(new String(line, UTF_8));
     * }
     * }</pre>
     *
     * <p>asyncio: {@code connect_read_pipe(lambda: StreamReaderProtocol(reader), sys.stdin)}.
     *
     * @param limit the longest line, in bytes, used when the loop's reader is created; up to twice that is buffered
     * @throws IllegalArgumentException if the limit is not positive
     * @since 0.1.0
     */
    public static Mono<StreamReader> stdin(int limit) {
        return StandardInput.STDIN.reader(StreamReader.checkLimit(limit));
    }

    /**
     * Returns a writer for the standard output of this program; {@link StreamWriter#drain} waits for a slow reader.
     * Nothing happens until subscription; cancelling opens nothing. Each loop has one writer, and later calls return
     * the same one. Separate threads do the writing, so no loop waits for a terminal or a file.
     *
     * <p>The writer writes to the file descriptor, not to a stream installed with {@code System.setOut}: a program that
     * speaks a protocol on stdout can set {@code System.out} to {@code System.err}. {@link asyncio.Asyncio#run} waits,
     * at its end, up to ten seconds until everything is written. Closing the writer signals the end of the stream to
     * the reader; output to {@code System.out} is lost from then on. The end of the loop closes nothing.
     *
     * <p>Once the reader is gone, {@code drain} fails with {@link BrokenPipeException}.
     *
     * <pre>{@code
     * StreamWriter stdout = await(Streams.stdout());
     * stdout.write("{\"jsonrpc\":\"2.0\"}\n");
     * await(stdout.drain());
     * }</pre>
     *
     * <p>asyncio: {@code connect_write_pipe(FlowControlMixin, sys.stdout)}, and a {@code StreamWriter} on that.
     *
     * @since 0.1.0
     */
    public static Mono<StreamWriter> stdout() {
        return StandardOutput.STDOUT.writer();
    }

    /**
     * Like {@link #stdout}, for the standard error.
     *
     * @since 0.1.0
     */
    public static Mono<StreamWriter> stderr() {
        return StandardOutput.STDERR.writer();
    }

    // ---- serving

    /** Like {@link #startServer(Function, String, int, ServeOptions)}, with the defaults. */
    public static Mono<Server> startServer(
            Function<? super StreamConnection, ? extends Publisher<?>> handler, @Nullable String host, int port) {
        return startServer(handler, host, port, ServeOptions.DEFAULT);
    }

    /**
     * Like {@link #startServer(Function, String, int, ServeOptions)}, with the given limit.
     *
     * @param limit the longest line that a connection's {@link StreamReader#readLine} returns, in bytes
     * @throws IllegalArgumentException if the port or the limit is out of range
     */
    public static Mono<Server> startServer(
            Function<? super StreamConnection, ? extends Publisher<?>> handler,
            @Nullable String host,
            int port,
            int limit) {
        return startServer(
                handler, host, port, ServeOptions.builder().limit(limit).build());
    }

    /**
     * Starts a server with reactive connection handlers: the function is called on the server's loop for each
     * connection, and the publisher it returns is subscribed to as a {@link asyncio.Task}. When that completes, the
     * connection stays open until its writer is closed. When it fails, the error is reported to the loop's exception
     * handler and the connection is closed; when the task is cancelled, the connection is closed silently.
     *
     * <p>Nothing happens until subscription. Cancelling stops listening, even if the server had started but had not
     * been received. Fails with {@link java.net.BindException} if the address is in use or not an address of this host,
     * and with {@link java.net.UnknownHostException}.
     *
     * @param host a host name, to listen on all its addresses, or an address; null or "" for all interfaces
     * @param port 0 to 65535; with 0 the system chooses a port for each address: see {@link Server#sockets}
     * @throws IllegalArgumentException if the port is out of range
     */
    public static Mono<Server> startServer(
            Function<? super StreamConnection, ? extends Publisher<?>> handler,
            @Nullable String host,
            int port,
            ServeOptions options) {
        return start(reactive(handler), host, port, options);
    }

    /** Like {@link #startServerBody(ConnectionHandler, String, int, ServeOptions)}, with the defaults. */
    public static Mono<Server> startServerBody(ConnectionHandler handler, @Nullable String host, int port) {
        return startServerBody(handler, host, port, ServeOptions.DEFAULT);
    }

    /** Like {@link #startServer(Function, String, int, int)}, with a straight-line body for each connection. */
    public static Mono<Server> startServerBody(ConnectionHandler handler, @Nullable String host, int port, int limit) {
        return startServerBody(
                handler, host, port, ServeOptions.builder().limit(limit).build());
    }

    /**
     * Like {@link #startServer(Function, String, int, ServeOptions)}, with a straight-line body for each connection.
     */
    public static Mono<Server> startServerBody(
            ConnectionHandler handler, @Nullable String host, int port, ServeOptions options) {
        return start(body(handler), host, port, options);
    }

    /** Like {@link #startUnixServer(Function, Path, ServeOptions)}, with the defaults. */
    public static Mono<Server> startUnixServer(
            Function<? super StreamConnection, ? extends Publisher<?>> handler, Path path) {
        return startUnixServer(handler, path, ServeOptions.DEFAULT);
    }

    /**
     * Like {@link #startServer(Function, String, int, ServeOptions)}, on a Unix socket. Its file replaces the socket
     * file of another server, running or not. It is removed when the server is closed, unless another server has
     * replaced it by then. Fails with {@link java.net.BindException} if the path is a file that is not a socket.
     *
     * <p>asyncio: {@code start_unix_server}.
     */
    public static Mono<Server> startUnixServer(
            Function<? super StreamConnection, ? extends Publisher<?>> handler, Path path, ServeOptions options) {
        return start(reactive(handler), path, options);
    }

    /** Like {@link #startUnixServerBody(ConnectionHandler, Path, ServeOptions)}, with the defaults. */
    public static Mono<Server> startUnixServerBody(ConnectionHandler handler, Path path) {
        return startUnixServerBody(handler, path, ServeOptions.DEFAULT);
    }

    /** Like {@link #startUnixServer(Function, Path, ServeOptions)}, with a straight-line body for each connection. */
    public static Mono<Server> startUnixServerBody(ConnectionHandler handler, Path path, ServeOptions options) {
        return start(body(handler), path, options);
    }

    /**
     * Like {@link #startServer(Function, String, int, ServeOptions)}, on a socket that listens already, such as one
     * that another program has passed on ({@code System.inheritedChannel()}). It belongs to the server from the
     * subscription on, which closes it.
     *
     * <p>asyncio: {@code start_server(sock=...)}.
     *
     * @param options with a {@linkplain ServeOptions.Builder#socket socket}
     * @throws IllegalArgumentException if there is none
     * @since 0.1
     */
    public static Mono<Server> startServer(
            Function<? super StreamConnection, ? extends Publisher<?>> handler, ServeOptions options) {
        return start(reactive(handler), options);
    }

    /**
     * Like {@link #startServer(Function, ServeOptions)}, with a straight-line body for each connection.
     *
     * @since 0.1
     */
    public static Mono<Server> startServerBody(ConnectionHandler handler, ServeOptions options) {
        return start(body(handler), options);
    }

    /**
     * Like {@link #startServer(Function, String, int, ServeOptions)}, on all addresses of several hosts, on each once.
     *
     * <p>asyncio: {@code start_server} with a sequence of hosts.
     *
     * @throws IllegalArgumentException if the port is out of range, or there is no host
     * @since 0.1
     */
    public static Mono<Server> startServer(
            Function<? super StreamConnection, ? extends Publisher<?>> handler,
            int port,
            Collection<String> hosts,
            ServeOptions options) {
        return start(reactive(handler), hosts, port, options);
    }

    /**
     * Like {@link #startServer(Function, int, Collection, ServeOptions)}, with a straight-line body for each
     * connection.
     *
     * @since 0.1
     */
    public static Mono<Server> startServerBody(
            ConnectionHandler handler, int port, Collection<String> hosts, ServeOptions options) {
        return start(body(handler), hosts, port, options);
    }

    private static Mono<Server> start(
            Function<StreamConnection, Mono<Void>> handler, Collection<String> hosts, int port, ServeOptions options) {
        List<String> all = Addresses.checkHosts(hosts);
        options.checkNoSocket();
        Addresses.checkPort(port);
        return start("startServer(" + all + ", " + port + ")", handler, options, server -> server.listen(all, port));
    }

    private static Mono<Server> start(Function<StreamConnection, Mono<Void>> handler, ServeOptions options) {
        ServerSocketChannel socket = options.checkSocket();
        return start("startServer(" + socket + ")", handler, options, server -> server.listen(socket));
    }

    private static Function<StreamConnection, Mono<Void>> reactive(
            Function<? super StreamConnection, ? extends Publisher<?>> handler) {
        Objects.requireNonNull(handler, "handler");
        return connection ->
                Mono.defer(() -> Flux.from(handler.apply(connection)).then());
    }

    private static Function<StreamConnection, Mono<Void>> body(ConnectionHandler handler) {
        Objects.requireNonNull(handler, "handler");
        return connection -> Asyncio.async(() -> handler.handle(connection));
    }

    private static Mono<Server> start(
            Function<StreamConnection, Mono<Void>> handler, @Nullable String host, int port, ServeOptions options) {
        options.checkNoSocket();
        Addresses.checkPort(port);
        return start("startServer(" + host + ", " + port + ")", handler, options, server -> server.listen(host, port));
    }

    private static Mono<Server> start(Function<StreamConnection, Mono<Void>> handler, Path path, ServeOptions options) {
        options.checkNoSocket();
        Objects.requireNonNull(path, "path");
        return start("startUnixServer(" + path + ")", handler, options, server -> server.listen(path));
    }

    private static Mono<Server> start(
            String name,
            Function<StreamConnection, Mono<Void>> handler,
            ServeOptions options,
            Function<Server, Mono<Server>> listen) {
        return Server.start(
                name,
                (loop, context) -> new Server(loop, HandledClient.acceptor(loop, options, handler, context), options),
                listen);
    }

    // ---- loops for Reactor Netty

    /**
     * Returns the loop as a Reactor Netty resource: pass it to {@code runOn} of your own {@code TcpClient},
     * {@code TcpServer} or {@code HttpServer}, and all its callbacks run on that loop. Disposing it does nothing; the
     * creator of the loop closes it. Results for the same loop are equal, so clients that are otherwise configured
     * alike share their connection pool.
     */
    public static LoopResources loopResources(EventLoop loop) {
        return new LoopResourcesView(Objects.requireNonNull(loop, "loop"));
    }

    /**
     * Returns all {@linkplain EventLoop#shared() shared loops} as a Reactor Netty resource: pass it to {@code runOn} of
     * a server, and its handlers run on loops, where {@link Asyncio#async} and {@link Asyncio#createTask} continue
     * without a thread hop.
     *
     * <pre>{@code
     * HttpServer.create().port(8080).runOn(Streams.sharedLoopResources())
     *         .route(routes -> routes.get("/users/{id}", (request, response) ->
     *                 response.sendString(async(() -> await(page(request.param("id")))))))
     *         .bindNow();
     * }</pre>
     *
     * <p>Connections accepted by a server are spread over the loops in turn; one of them also accepts. A connection
     * opened by a client stays on the loop where it is opened, if that is a shared loop, and is assigned to the next
     * one otherwise. A client's pool may return a connection that was opened on another loop; a client that runs on
     * {@link #loopResources loopResources}{@code (EventLoop.getRunningLoop())} has a separate pool for that loop.
     *
     * <p>Disposing it does nothing. {@link EventLoop#shutdownShared} ends the loops and the servers and connections on
     * them: {@code DisposableServer.onDispose()} completes. A later {@code bind} or {@code connect} uses new loops.
     * Only a client that resolves host names must then be created again, with a new result of this method: Reactor
     * Netty's name resolver stays on its original loop and would never answer.
     */
    public static LoopResources sharedLoopResources() {
        return SharedLoopResources.get();
    }
}
