package asyncio.streams;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Leftovers;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
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

    /** As {@link #openConnection(String, int, ConnectOptions)}, with the defaults. */
    public static Mono<StreamConnection> openConnection(String host, int port) {
        return openConnection(host, port, ConnectOptions.DEFAULT);
    }

    /**
     * As {@link #openConnection(String, int, ConnectOptions)}, with that limit.
     *
     * @param limit the longest line that {@link StreamReader#readLine} gives, in bytes; twice that is buffered before
     *     the peer has to wait
     * @throws IllegalArgumentException if the port or the limit is out of range
     */
    public static Mono<StreamConnection> openConnection(String host, int port, int limit) {
        return openConnection(host, port, ConnectOptions.builder().limit(limit).build());
    }

    /**
     * Connects to a host. If it has several addresses, they are tried in turn, the next when one fails or has not
     * answered for 250 ms ({@link ConnectOptions.Builder#happyEyeballsDelay}). Nothing happens until subscription.
     * Cancelling closes the socket, also if the connection was there but a body has not taken it. (An operator or
     * subscriber downstream that drops a connection while it is cancelled on another thread hands it to
     * {@code Hooks.onNextDropped}.) There is no time limit but the operating system's, and that of a TLS handshake.
     *
     * <p>Fails with {@link java.net.UnknownHostException}; with the {@link java.net.ConnectException} of the first
     * address, in which those of the others are suppressed; with TLS as {@link StreamWriter#startTls}.
     *
     * @param host a name, or an address of either kind
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
     * As {@link #openConnection(String, int, ConnectOptions)}, over a socket that is connected already. With TLS, the
     * options must name the server.
     *
     * <p>asyncio: {@code open_connection(sock=...)}.
     *
     * @param options with a {@linkplain ConnectOptions.Builder#socket socket}
     * @throws IllegalArgumentException if there is none
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

    /** As {@link #openUnixConnection(Path, ConnectOptions)}, with the defaults. */
    public static Mono<StreamConnection> openUnixConnection(Path path) {
        return openUnixConnection(path, ConnectOptions.DEFAULT);
    }

    /**
     * Connects to a Unix socket. Nothing happens until subscription, cancelling closes the socket. Fails with
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

    /** As {@link #stdin(int)}, with a limit of 64 KiB. */
    public static Mono<StreamReader> stdin() {
        return stdin(StreamReader.DEFAULT_LIMIT);
    }

    /**
     * The standard input of this program as a reader, be it a pipe, a file, a terminal or a socket. Nothing is read
     * before the first subscription. A loop has one reader, which is given again to whoever asks again; only one loop
     * reads at a time. When that is closed, the next has what nobody has read.
     *
     * <p>The reader does not keep the program from its end, which comes when {@code main} returns, also while stdin is
     * open. On epoll no thread waits for input, elsewhere one daemon thread does. It is the descriptor that is read:
     * not what {@code System.setIn} has put in the place of {@code System.in}, nor what that has buffered.
     *
     * <p>Fails with {@link IllegalStateException} if another loop reads it. Cancelling opens nothing; cancelling a read
     * of the reader loses no byte.
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
     * @param limit the longest line, in bytes, of the reader that the loop gets first; twice that is buffered
     * @throws IllegalArgumentException if the limit is not positive
     * @since 0.1.0
     */
    public static Mono<StreamReader> stdin(int limit) {
        return StandardInput.STDIN.reader(StreamReader.checkLimit(limit));
    }

    /**
     * The standard output of this program as a writer, which {@link StreamWriter#drain} makes wait for a reader that is
     * slow. Nothing happens until subscription, cancelling opens nothing. A loop has one writer, which is given again
     * to whoever asks again. Threads write, so that no loop waits for a terminal or a file.
     *
     * <p>It is the descriptor that is written to, not what {@code System.setOut} has put in its place: a program whose
     * stdout is a protocol sets that to {@code System.err}. The end of {@link asyncio.Asyncio#run} waits, ten seconds
     * at most, until all is out. Closing the writer tells the reader that nothing more comes; {@code System.out} leads
     * nowhere from then on. The end of the loop closes nothing.
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
     * As {@link #stdout}, of the standard error.
     *
     * @since 0.1.0
     */
    public static Mono<StreamWriter> stderr() {
        return StandardOutput.STDERR.writer();
    }

    // ---- serving

    /** As {@link #startServer(Function, String, int, ServeOptions)}, with the defaults. */
    public static Mono<Server> startServer(
            Function<? super StreamConnection, ? extends Publisher<?>> handler, @Nullable String host, int port) {
        return startServer(handler, host, port, ServeOptions.DEFAULT);
    }

    /**
     * As {@link #startServer(Function, String, int, ServeOptions)}, with that limit.
     *
     * @param limit the longest line that a connection's {@link StreamReader#readLine} gives, in bytes
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
     * Starts a server whose connections are handled in Reactor's style: the function is called on the server's loop,
     * and what it returns is subscribed to as a {@link asyncio.Task}. When it completes the connection stays open:
     * close its writer. When it fails, that is reported to the loop's exception handler and the connection closed; when
     * its task is cancelled, the connection is closed silently.
     *
     * <p>Nothing happens until subscription. Cancelling stops listening, also if the server was there but not taken.
     * Fails with {@link java.net.BindException} if the address is in use or not this host's, with
     * {@link java.net.UnknownHostException}.
     *
     * @param host a name or an address, all of whose addresses are listened on; null or "" for all interfaces
     * @param port 0 to 65535; with 0 the system chooses, for each address: see {@link Server#sockets}
     * @throws IllegalArgumentException if the port is out of range
     */
    public static Mono<Server> startServer(
            Function<? super StreamConnection, ? extends Publisher<?>> handler,
            @Nullable String host,
            int port,
            ServeOptions options) {
        return start(reactive(handler), host, port, options);
    }

    /** As {@link #startServerBody(ConnectionHandler, String, int, ServeOptions)}, with the defaults. */
    public static Mono<Server> startServerBody(ConnectionHandler handler, @Nullable String host, int port) {
        return startServerBody(handler, host, port, ServeOptions.DEFAULT);
    }

    /** As {@link #startServer(Function, String, int, int)}, with a straight-line body for each connection. */
    public static Mono<Server> startServerBody(ConnectionHandler handler, @Nullable String host, int port, int limit) {
        return startServerBody(
                handler, host, port, ServeOptions.builder().limit(limit).build());
    }

    /** As {@link #startServer(Function, String, int, ServeOptions)}, with a straight-line body for each connection. */
    public static Mono<Server> startServerBody(
            ConnectionHandler handler, @Nullable String host, int port, ServeOptions options) {
        return start(body(handler), host, port, options);
    }

    /** As {@link #startUnixServer(Function, Path, ServeOptions)}, with the defaults. */
    public static Mono<Server> startUnixServer(
            Function<? super StreamConnection, ? extends Publisher<?>> handler, Path path) {
        return startUnixServer(handler, path, ServeOptions.DEFAULT);
    }

    /**
     * As {@link #startServer(Function, String, int, ServeOptions)}, on a Unix socket. Its file replaces the socket of
     * another server, dead or not; when the server is closed, it is removed, unless it is somebody else's by then.
     * Fails with {@link java.net.BindException} if there is a file that is no socket.
     *
     * <p>asyncio: {@code start_unix_server}.
     */
    public static Mono<Server> startUnixServer(
            Function<? super StreamConnection, ? extends Publisher<?>> handler, Path path, ServeOptions options) {
        return start(reactive(handler), path, options);
    }

    /** As {@link #startUnixServerBody(ConnectionHandler, Path, ServeOptions)}, with the defaults. */
    public static Mono<Server> startUnixServerBody(ConnectionHandler handler, Path path) {
        return startUnixServerBody(handler, path, ServeOptions.DEFAULT);
    }

    /** As {@link #startUnixServer(Function, Path, ServeOptions)}, with a straight-line body for each connection. */
    public static Mono<Server> startUnixServerBody(ConnectionHandler handler, Path path, ServeOptions options) {
        return start(body(handler), path, options);
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
        Objects.requireNonNull(options, "options");
        Addresses.checkPort(port);
        return start("startServer(" + host + ", " + port + ")", handler, options, server -> server.listen(host, port));
    }

    private static Mono<Server> start(Function<StreamConnection, Mono<Void>> handler, Path path, ServeOptions options) {
        Objects.requireNonNull(options, "options");
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
     * A loop for Reactor Netty: give it to {@code runOn} of your own {@code TcpClient}, {@code TcpServer} or
     * {@code HttpServer}, and all its callbacks run on that loop. Disposing it does nothing; the loop is closed by
     * whoever made it. What is returned for the same loop is equal, so that clients that differ in nothing else share
     * their pool of connections.
     */
    public static LoopResources loopResources(EventLoop loop) {
        return new LoopResourcesView(Objects.requireNonNull(loop, "loop"));
    }

    /**
     * All of {@link EventLoop#shared()} for Reactor Netty: give it to {@code runOn} of a server, and its handlers run
     * on loops, where {@link Asyncio#async} and {@link Asyncio#createTask} go on without a hop to another.
     *
     * <pre>{@code
     * HttpServer.create().port(8080).runOn(Streams.sharedLoopResources())
     *         .route(routes -> routes.get("/users/{id}", (request, response) ->
     *                 response.sendString(async(() -> await(page(request.param("id")))))))
     *         .bindNow();
     * }</pre>
     *
     * <p>What a server accepts is spread over the loops in turn; one of them accepts, too. What a client opens stays on
     * the loop where it is opened, if it is one of these, and takes the next one otherwise. A client's pool may give it
     * a connection that was opened on another loop; one that runs on {@link #loopResources
     * loopResources}{@code (EventLoop.getRunningLoop())} has a pool of that loop's own.
     *
     * <p>Disposing it does nothing. {@link EventLoop#shutdownShared} ends the loops, and with them the servers and
     * connections on them: {@code DisposableServer.onDispose()} completes. A later {@code bind} or {@code connect}
     * starts afresh. Only a client that looks up names must be made anew then, with what this method returns then:
     * Reactor Netty's name resolver stays on the loop it was made with, and would never answer.
     */
    public static LoopResources sharedLoopResources() {
        return SharedLoopResources.get();
    }
}
