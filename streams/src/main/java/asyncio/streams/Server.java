package asyncio.streams;

import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Future;
import asyncio.Leftover;
import asyncio.Leftovers;
import asyncio.Log;
import asyncio.Task;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;
import reactor.util.context.ContextView;

/**
 * A server that listens, and its clients. Made by {@link Streams#startServer}.
 *
 * <p><b>Threading.</b> Every method may be called from any thread.
 *
 * <p>{@link #close} only stops listening; in try-with-resources too. {@link #closeAndWait} waits for the clients as
 * well, as the end of a scope does in asyncio. To end everything: {@code close(); closeClients(); await(waitClosed())}.
 *
 * <p>asyncio: {@code Server}.
 */
public final class Server implements AutoCloseable {
    private final EventLoop loop;
    private final Function<StreamConnection, Mono<Void>> handler;
    private final ServeOptions options;
    private final ContextView context;
    /** Done when the server is closed and the last client gone. */
    private final Future<Void> finished;

    private final Set<StreamConnection> clients = new LinkedHashSet<>();
    private volatile List<ListeningSocket> listening = List.of();
    private volatile boolean started;
    private volatile boolean closed;
    /** There was no descriptor for the last one. */
    private boolean acceptingPaused;
    /** The one who awaits {@link #serveForever}. */
    private @Nullable Object forever;

    Server(EventLoop loop, Function<StreamConnection, Mono<Void>> handler, ServeOptions options, ContextView context) {
        this.loop = loop;
        this.handler = handler;
        this.options = options;
        this.context = context;
        this.finished = loop.createFuture();
        this.started = options.startServing;
    }

    // ---- listening

    /** Listens on every address of a host, or on none. */
    Mono<Server> listen(@Nullable String host, int port) {
        return listenOnAll(Addresses.resolve(host, port));
    }

    Mono<Server> listenOnAll(Mono<List<InetSocketAddress>> addresses) {
        return listen(addresses
                .flatMapMany(Flux::fromIterable)
                .concatMap(address -> ListeningSocket.bind(loop, address, options, this::accept)
                        .doOnNext(this::bound)));
    }

    /** Listens on a Unix socket. */
    Mono<Server> listen(Path path) {
        return listen(ListeningSocket.bind(loop, path, options, this::accept).doOnNext(this::bound));
    }

    private Mono<Server> listen(Publisher<ListeningSocket> binding) {
        return Flux.from(binding)
                .then(Mono.just(this))
                .doOnError(error -> close())
                .doOnCancel(this::close);
    }

    /** Until it is closed and the last client gone. */
    void watch(@Nullable Throwable site) {
        Leftovers.watch(Leftover.Kind.CONNECTION, this, () -> !finished.done(), site);
    }

    private void bound(ListeningSocket listener) {
        if (closed) {
            listener.close();
            return;
        }
        List<ListeningSocket> all = new ArrayList<>(listening);
        all.add(listener);
        listening = List.copyOf(all);
        listener.server().channel().pipeline().addFirst(new AcceptFailures(this));
        listener.server().channel().closeFuture().addListener(gone -> close()); // by us, or because the loop was closed
        acceptIfThereIsRoom();
    }

    private void acceptIfThereIsRoom() {
        boolean accept = started && !acceptingPaused && clients.size() < options.maxConnections;
        listening.forEach(listener -> listener.accept(accept));
    }

    /** On the loop. */
    void pauseAccepting(boolean pause) {
        acceptingPaused = pause;
        acceptIfThereIsRoom();
    }

    // ---- clients, on the loop

    private void accept(Connection accepted) {
        StreamConnection connection =
                StreamConnection.from(accepted, options.limit, "the limit of startServer (ServeOptions.limit)");
        if (closed) {
            connection.close();
            return;
        }
        clients.add(connection);
        connection.writer().out().closed().addDoneCallback(gone -> detach(connection));
        if (clients.size() >= options.maxConnections) {
            acceptIfThereIsRoom();
        }
        try {
            connection.handler().limit(options);
            TlsOptions tls = options.tls;
            if (tls == null) {
                handle(connection);
            } else {
                encrypt(connection, tls);
            }
        } catch (Throwable e) { // of the handler's function, a task factory, a TLS engine: nobody has it any more
            connection.writer().abort();
            report("Cannot handle " + connection, connection, e, null);
        }
    }

    private void encrypt(StreamConnection connection, TlsOptions tls) {
        connection.handler().startTls(tls, null, -1).addListener(done -> {
            if (done.isSuccess()) {
                handle(connection);
            } else {
                Log.debug("The TLS handshake of " + connection + " failed", done.cause());
                connection.close();
            }
        });
    }

    private void handle(StreamConnection connection) {
        Task<Void> task;
        try {
            task = loop.createTask(handler.apply(connection), null, context);
        } catch (Throwable e) { // of the handler's function, or a task factory
            connection.close();
            report("Cannot handle " + connection, connection, e, null);
            return;
        }
        task.addDoneCallback(done -> handled(connection, done));
    }

    private void report(String message, StreamConnection connection, Throwable error, @Nullable Future<Void> task) {
        ExceptionContext.Builder report =
                ExceptionContext.of(message).exception(error).transport(connection);
        loop.callExceptionHandler(
                task == null ? report.build() : report.future(task).build());
    }

    private void handled(StreamConnection connection, Future<Void> task) {
        Throwable error = task.cancelled() ? null : task.exception();
        if (error != null && PeerErrors.isRoutine(error)) {
            Log.info("The handler of " + connection + " has ended, since a peer is gone: "
                    + Log.message(PeerErrors.firstOf(error)));
        } else if (error != null) {
            report("Unhandled exception in the handler of " + connection, connection, error, task);
        }
        if (task.cancelled() || error != null) {
            connection.close();
        }
    }

    private void detach(StreamConnection connection) {
        clients.remove(connection);
        if (clients.size() == options.maxConnections - 1) {
            acceptIfThereIsRoom();
        }
        finishIfDone();
    }

    private void finishIfDone() {
        if (closed && clients.isEmpty()) {
            finished.trySetResult(null);
        }
    }

    // ---- API

    /** The loop it runs on. */
    public EventLoop getLoop() {
        return loop;
    }

    /** Whether it accepts connections, or would if it had not as many as it may. */
    public boolean isServing() {
        return started && !closed;
    }

    /**
     * Starts to accept connections, if that was not asked for at once: {@link ServeOptions.Builder#startServing}.
     * Calling it twice does nothing.
     *
     * @throws IllegalStateException if the server is closed
     */
    public void startServing() {
        if (closed) {
            throw new IllegalStateException("server " + this + " is closed: start a new one");
        }
        started = true;
        onLoop(this::acceptIfThereIsRoom);
    }

    /** The addresses it listens on, with the ports that the system chose; none when it is closed. */
    public List<SocketAddress> sockets() {
        return listening.stream().map(ListeningSocket::address).toList();
    }

    /**
     * The port it listens on, the first if there are several.
     *
     * @throws IllegalStateException if it is closed, or its sockets have no ports
     */
    public int port() {
        for (SocketAddress address : sockets()) {
            if (address instanceof InetSocketAddress inet) {
                return inet.getPort();
            }
        }
        throw new IllegalStateException(this + " has no port" + (closed ? ": it is closed" : ""));
    }

    /** Stops listening and keeps the clients. Returns at once; closing twice does nothing. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        onLoop(() -> {
            List<ListeningSocket> listening = this.listening;
            this.listening = List.of();
            listening.forEach(ListeningSocket::close);
            finishIfDone();
        });
    }

    /**
     * Stops listening and waits for the clients: {@link #close}, then {@link #waitClosed}. Nothing happens until
     * subscription; cancelling stops waiting. It is the end of a scope:
     *
     * <pre>{@code
     * Mono<Void> served = Mono.usingWhen(
     *         Streams.startServer(this::serve, "127.0.0.1", 0), server -> use(server), Server::closeAndWait);
     * }</pre>
     *
     * <p>asyncio: {@code async with server}.
     */
    public Mono<Void> closeAndWait() {
        return Mono.defer(() -> {
            close();
            return waitClosed();
        });
    }

    /**
     * Closes the connections of all clients, when what is buffered for each has been sent; and the server goes on
     * listening.
     */
    public void closeClients() {
        forEachClient(StreamConnection::close);
    }

    /**
     * Closes the connections of all clients at once, and drops what is buffered for them; and the server goes on
     * listening.
     */
    public void abortClients() {
        forEachClient(client -> client.writer().abort());
    }

    private void forEachClient(Consumer<StreamConnection> action) {
        onLoop(() -> List.copyOf(clients).forEach(action));
    }

    /**
     * Waits until the server is closed and the last of its clients gone. Nothing happens until subscription; cancelling
     * stops waiting. Never fails.
     */
    public Mono<Void> waitClosed() {
        return Mono.defer(() ->
                finished); // not the Future itself: a task that is cancelled while awaiting it would cancel it for all
    }

    /**
     * Serves, {@linkplain #startServing starting} if need be, until it is cancelled, then closes the server and waits
     * for its clients. Nothing happens until subscription. When somebody else closes the server, it completes empty
     * once the clients are gone. Cancelling a subscription closes the server without waiting.
     *
     * <p>Fails with {@link IllegalStateException} if the server is closed, or this is awaited already.
     */
    public Mono<Void> serveForever() {
        return new MonoServeForever(this);
    }

    List<ListeningSocket> listeners() {
        return listening;
    }

    /** Reserves {@link #serveForever} for one; on the loop. */
    void enterForever(Object who) {
        if (forever != null) {
            throw new IllegalStateException("server " + this + " is already being awaited on serveForever()");
        }
        if (closed) {
            throw new IllegalStateException("server " + this + " is closed: start a new one");
        }
        forever = who;
        startServing();
    }

    void leaveForever(Object who) {
        if (forever == who) {
            forever = null;
        }
    }

    Future<Void> finished() {
        return finished;
    }

    void onLoop(Runnable step) {
        if (loop.netty().inEventLoop()) {
            step.run();
            return;
        }
        try {
            loop.netty().execute(step);
        } catch (RejectedExecutionException e) {
            step.run(); // the loop is closed and with it all channels: nothing is left to race with
        }
    }

    /** {@code <Server sockets=[/127.0.0.1:8888]>}. */
    @Override
    public String toString() {
        return "<Server sockets=" + sockets() + ">";
    }
}
