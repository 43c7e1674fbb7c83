package asyncio.streams;

import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Future;
import asyncio.Task;
import io.netty.channel.ChannelOption;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.ChannelBindException;
import reactor.netty.Connection;
import reactor.netty.DisposableServer;
import reactor.netty.tcp.TcpServer;
import reactor.util.context.ContextView;

/**
 * A server that listens, and its clients. Made by {@link Streams#startServer}.
 *
 * <p><b>Threading.</b> Every method may be called from any thread.
 *
 * <p>{@link #close} only stops listening; in try-with-resources too. To end everything: {@code close(); closeClients();
 * await(waitClosed())}.
 *
 * <p>asyncio: {@code Server}.
 */
public final class Server implements AutoCloseable {
    private final EventLoop loop;
    private final Function<StreamConnection, Mono<Void>> handler;
    private final int limit;
    private final ContextView context;
    /** Done when the server is closed and the last client gone. */
    private final Future<Void> finished;

    private final Set<StreamConnection> clients = new LinkedHashSet<>();
    private volatile List<DisposableServer> listening = List.of();
    private volatile boolean closed;
    /** The one who awaits {@link #serveForever}. */
    private @Nullable Object forever;

    Server(EventLoop loop, Function<StreamConnection, Mono<Void>> handler, int limit, ContextView context) {
        this.loop = loop;
        this.handler = handler;
        this.limit = limit;
        this.context = context;
        this.finished = loop.createFuture();
    }

    // ---- listening

    /** Listens on every address of a host, or on none. */
    Mono<Server> listen(@Nullable String host, int port) {
        return Addresses.resolve(host, port)
                .flatMapMany(Flux::fromIterable)
                .concatMap(this::bind)
                .then(Mono.just(this))
                .doOnError(error -> close())
                .doOnCancel(this::close);
    }

    private Mono<Void> bind(InetSocketAddress address) {
        return TcpServer.create()
                .runOn(Streams.loopResources(loop))
                .bindAddress(() -> address)
                .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .doOnConnection(this::accept)
                .bind()
                .doOnNext(this::bound)
                .onErrorMap(ChannelBindException.class, error -> bindError(address, error))
                .then();
    }

    private void bound(DisposableServer server) {
        if (closed) {
            server.dispose();
            return;
        }
        List<DisposableServer> all = new ArrayList<>(listening);
        all.add(server);
        listening = List.copyOf(all);
        server.channel().closeFuture().addListener(gone -> close()); // by us, or because the loop was closed
    }

    private static BindException bindError(InetSocketAddress address, ChannelBindException error) {
        Throwable cause = error.getCause();
        BindException bindError = new BindException("Cannot listen on " + address + ": "
                + (cause == null ? "unknown error" : Objects.requireNonNullElse(cause.getMessage(), cause.toString()))
                + ". Choose another port, or 0 to let the system choose, and an address of this host");
        bindError.initCause(error);
        return bindError;
    }

    // ---- clients, on the loop

    private void accept(Connection accepted) {
        StreamConnection connection = StreamConnection.from(accepted, limit);
        if (closed) {
            connection.close();
            return;
        }
        clients.add(connection);
        connection.writer().closed().addDoneCallback(gone -> detach(connection));
        Task<Void> task = loop.createTask(handler.apply(connection), null, context);
        task.addDoneCallback(done -> handled(connection, done));
    }

    private void handled(StreamConnection connection, Future<Void> task) {
        Throwable error = task.cancelled() ? null : task.exception();
        if (error != null) {
            loop.callExceptionHandler(ExceptionContext.of("Unhandled exception in the handler of " + connection)
                    .exception(error)
                    .future(task)
                    .transport(connection)
                    .build());
        }
        if (task.cancelled() || error != null) {
            connection.close();
        }
    }

    private void detach(StreamConnection connection) {
        clients.remove(connection);
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

    /** Whether it accepts connections. */
    public boolean isServing() {
        return !closed;
    }

    /** The addresses it listens on, with the ports that the system chose; none when it is closed. */
    public List<SocketAddress> sockets() {
        return listening.stream().map(DisposableServer::address).toList();
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
            listening.forEach(DisposableServer::dispose);
            listening = List.of();
            finishIfDone();
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
     * Serves until it is cancelled, then closes the server and waits for its clients. Nothing happens until
     * subscription. When somebody else closes the server, it completes empty once the clients are gone. Cancelling a
     * subscription closes the server without waiting.
     *
     * <p>Fails with {@link IllegalStateException} if the server is closed, or this is awaited already.
     */
    public Mono<Void> serveForever() {
        return new ServeForever(this);
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
