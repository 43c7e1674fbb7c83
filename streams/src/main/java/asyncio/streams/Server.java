package asyncio.streams;

import asyncio.Activities;
import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Flight;
import asyncio.Future;
import asyncio.Leftover;
import asyncio.Leftovers;
import asyncio.Log;
import asyncio.Task;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;
import reactor.util.context.ContextView;

/**
 * A listening server and its clients. Created by {@link Streams#startServer} and {@link Transports#createServer}.
 *
 * <p><b>Threading.</b> Every method may be called from any thread.
 *
 * <p>{@link #close} only stops listening, also in try-with-resources. {@link #closeAndWait} waits for the clients as
 * well, like the end of {@code async with} in asyncio. To end everything: {@code close(); closeClients();
 * await(waitClosed())}.
 *
 * <p>asyncio: {@code Server}.
 */
public final class Server implements AutoCloseable {
    private final EventLoop loop;
    private final ServerClient.Acceptor acceptor;
    private final ServeOptions options;
    /** Done when the server is closed and the last client gone. */
    private final Future<Void> finished;

    /** The clients and their running handlers; changed on the loop. */
    private final Drain clients =
            new Drain("The server was shut down, and its handlers did not end within the grace period");

    private volatile List<ListeningSocket> listening = List.of();
    private volatile boolean started;
    private volatile boolean closed;
    /** No file descriptor was left for the last client. */
    private boolean acceptingPaused;
    /** The subscriber of {@link #serveForever}, if there is one. */
    private @Nullable Object forever;

    Server(EventLoop loop, ServerClient.Acceptor acceptor, ServeOptions options) {
        this.loop = loop;
        this.acceptor = acceptor;
        this.options = options;
        this.finished = loop.createFuture();
        this.started = options.startServing;
    }

    /**
     * A cold Mono of a server, on the loop that is running at subscription, or a shared one.
     *
     * @param make creates the server; it gets the subscriber's context
     */
    static Mono<Server> start(
            String name, BiFunction<EventLoop, ContextView, Server> make, Function<Server, Mono<Server>> listen) {
        Throwable site = Leftovers.site();
        return new MonoOpen<>(
                name,
                loop -> Mono.deferContextual(context -> listen.apply(make.apply(loop, context)))
                        .doOnNext(server -> server.watch(site)));
    }

    // ---- listening

    /** Listens on every address of a host, or on none. */
    Mono<Server> listen(@Nullable String host, int port) {
        return listenOnAll(Addresses.resolve(host, port));
    }

    /** Listens on every address of several hosts, on each once. */
    Mono<Server> listen(Collection<String> hosts, int port) {
        return listenOnAll(Flux.fromIterable(hosts)
                .concatMap(host -> Addresses.resolve(host, port))
                .flatMapIterable(addresses -> addresses)
                .distinct()
                .collectList());
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

    /** Listens on a socket that does so already. */
    Mono<Server> listen(ServerSocketChannel socket) {
        return listen(AdoptedListener.open(loop, socket, options, this::accept).doOnNext(this::bound));
    }

    private Mono<Server> listen(Publisher<ListeningSocket> binding) {
        return Flux.from(binding)
                .then(Mono.just(this))
                .doOnError(error -> close())
                .doOnCancel(this::close);
    }

    /** Reports the server as a leftover until it is closed and its last client is gone. */
    void watch(@Nullable Throwable site) {
        Leftovers.watch(Leftover.Kind.CONNECTION, this, () -> !finished.done(), site);
    }

    private void bound(ListeningSocket listener) {
        if (closed) {
            listener.stop();
            return;
        }
        if (Flight.PRESENT) {
            StreamEvents.listening(listener.address(), options.backlog);
        }
        List<ListeningSocket> all = new ArrayList<>(listening);
        all.add(listener);
        listening = List.copyOf(all);
        listener.channel().pipeline().addFirst(new AcceptFailures(this));
        listener.channel().closeFuture().addListener(gone -> close()); // by us, or because the loop was closed
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
        if (closed) {
            accepted.dispose();
            return;
        }
        ServerClient client;
        try {
            client = acceptor.accept(accepted);
        } catch (Throwable e) { // from a protocol factory
            accepted.dispose();
            loop.callExceptionHandler(ExceptionContext.of("Error on transport creation for incoming connection")
                    .exception(e)
                    .build());
            return;
        }
        Object event = Flight.PRESENT ? StreamEvents.accepted(accepted.channel().remoteAddress()) : null;
        clients.add(client);
        client.stream().writer().closed().addDoneCallback(gone -> detach(client));
        if (clients.size() >= options.maxConnections) {
            acceptIfThereIsRoom();
        }
        try {
            client.stream().limit(options);
            TlsOptions tls = options.tls;
            if (tls == null) {
                establish(client, event);
            } else {
                encrypt(client, tls, event);
            }
        } catch (Throwable e) { // from a TLS engine or an exception handler: nothing owns the connection any more
            Activities.end(client.activity(), e);
            client.stream().requestAbort();
            loop.callExceptionHandler(ExceptionContext.of("Cannot handle " + client.transport())
                    .exception(e)
                    .transport(client.transport())
                    .build());
        }
    }

    private void encrypt(ServerClient client, TlsOptions tls, @Nullable Object event) {
        client.stream().startTls(tls, true, null, -1).addListener(done -> {
            if (done.isSuccess()) {
                establish(client, event);
            } else {
                if (event != null) {
                    StreamEvents.ended(event, done.cause());
                }
                Activities.end(client.activity(), done.cause());
                Log.debug("The TLS handshake of " + client.transport() + " failed", done.cause());
                client.stream().requestClose();
            }
        });
    }

    /** @param event the flight recorder event of its acceptance, if that is recorded */
    private void establish(ServerClient client, @Nullable Object event) {
        if (event != null) {
            StreamEvents.ended(event, null);
        }
        Task<Void> handler = client.established();
        if (handler != null) {
            clients.began(client, handler);
            handler.addDoneCallback(done -> {
                clients.ended(client, handler);
                finishIfDone();
            });
        }
    }

    private void detach(ServerClient client) {
        Activities.end(client.activity(), client.stream().writer().failure());
        clients.remove(client);
        if (clients.size() == options.maxConnections - 1) {
            acceptIfThereIsRoom();
        }
        finishIfDone();
    }

    private void finishIfDone() {
        if (closed && clients.size() == 0) {
            finished.trySetResult(null);
        }
        clients.finishIfDone();
    }

    // ---- API

    /** The loop it runs on. */
    public EventLoop getLoop() {
        return loop;
    }

    /** Returns whether it accepts connections, or would if the maximum number had not been reached. */
    public boolean isServing() {
        return started && !closed;
    }

    /**
     * Starts accepting connections, if {@link ServeOptions.Builder#startServing} was false. Calling it twice does
     * nothing.
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

    /** Stops listening; clients stay connected. Returns at once; closing twice does nothing. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        onLoop(() -> {
            List<ListeningSocket> listening = this.listening;
            this.listening = List.of();
            listening.forEach(ListeningSocket::stop);
            finishIfDone();
        });
    }

    /**
     * Stops listening and waits for the clients: {@link #close}, then {@link #waitClosed}. Nothing happens until
     * subscription; cancelling stops waiting. Use it to end a scope:
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
     * Stops listening, lets the handlers finish for at most {@code grace}, and waits until all clients are gone and all
     * handlers have ended. Nothing happens until subscription; cancelling stops waiting, and no connection is cut off.
     *
     * <p>Idle connections are closed, at once or as soon as they become idle. A connection is idle if its handler has
     * ended, or if its handler waits for the first byte of the next input and has written something since the last byte
     * it read, or has never read one; such a read sees the end of the stream. Connections with a protocol are closed at
     * once, after their buffered bytes have been sent. When the grace period has ended, the remaining connections are
     * aborted and their handlers cancelled; their clean-up is waited for, no matter how long it takes.
     *
     * <p>A handler must not await this: it would wait for itself.
     *
     * <pre>{@code
     * for (Object cut : await(server.shutdown(Duration.ofSeconds(10)))) {
     *     log.info("cut off: {}", cut);
     * }
     * }</pre>
     *
     * <p>asyncio has no equivalent: use {@code close}, {@code close_clients} and {@code abort_clients} there.
     *
     * @param grace zero to cut off at once
     * @return the connections that had to be cut off: {@link StreamConnection}s or, with a protocol,
     *     {@link Transport}s; empty if all ended in time
     * @throws IllegalArgumentException if the time is negative
     */
    public Mono<List<Object>> shutdown(Duration grace) {
        return clients.shutdown(grace, this::close, this::onLoop);
    }

    /**
     * Closes the connections of all clients, each once its buffered bytes have been sent. The server continues
     * listening.
     */
    public void closeClients() {
        forEachClient(StreamHandler::requestClose);
    }

    /** Closes the connections of all clients at once and drops their buffered bytes. The server continues listening. */
    public void abortClients() {
        forEachClient(StreamHandler::requestAbort);
    }

    private void forEachClient(Consumer<StreamHandler> action) {
        onLoop(() -> clients.members().forEach(client -> action.accept(client.stream())));
    }

    /**
     * Waits until the server is closed and its last client is gone. Nothing happens until subscription; cancelling
     * stops waiting. Never fails.
     */
    public Mono<Void> waitClosed() {
        return Mono.defer(() ->
                finished); // not the Future itself: a task that is cancelled while awaiting it would cancel it for all
    }

    /**
     * Serves, {@linkplain #startServing starting} if need be, until it is cancelled, then closes the server and waits
     * for its clients. Nothing happens until subscription. When the server is closed by other means, it completes empty
     * once the clients are gone. Cancelling a subscription closes the server without waiting.
     *
     * <p>Fails with {@link IllegalStateException} if the server is closed, or already awaited by another
     * {@code serveForever}.
     */
    public Mono<Void> serveForever() {
        return new MonoServeForever(this);
    }

    List<ListeningSocket> listeners() {
        return listening;
    }

    /** Reserves {@link #serveForever} for one subscriber; on the loop. */
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
