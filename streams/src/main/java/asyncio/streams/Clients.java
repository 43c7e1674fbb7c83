package asyncio.streams;

import asyncio.Asyncio;
import asyncio.BodyFunction;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.util.context.ContextView;

/**
 * Connections that a program has opened, and the work on them, to be shut down together as a {@link Server} shuts down
 * those that it has accepted. Open them through {@link #open}, and pass whatever must not be interrupted to
 * {@link #use} or {@link #useBody}: {@link #shutdown} waits for it, and closes connections that are not in use.
 *
 * <pre>{@code
 * Clients clients = new Clients();
 * loop.addSignalHandler("TERM", () -> loop.createTask(clients.shutdown(Duration.ofSeconds(10))));
 *
 * try (StreamConnection redis = await(clients.open(Streams.openConnection("localhost", 6379)))) {
 *     String reply = await(clients.useBody(redis, connection -> {
 *         connection.writer().write("PING\r\n");
 *         return new String(await(connection.reader().readLine()), UTF_8);
 *     }));
 * }
 * }</pre>
 *
 * <p><b>Threading.</b> Every method may be called from any thread, and the connections may be on several loops.
 *
 * <p>asyncio has no equivalent.
 *
 * @since 0.1
 */
public final class Clients {
    private final Drain drain =
            new Drain("The clients were shut down, and their work did not end within the grace period");
    /** The attempts to connect that are under way. Guarded by this. */
    private final Set<MonoOpen.Attempt> attempts = new HashSet<>();
    /** Whether connections and work are refused. Guarded by this. */
    private boolean closed;

    /** A connection that was opened here or is used here. */
    private record Client(StreamHandler stream) implements Drain.Member {
        @Override
        public StreamConnection transport() {
            return stream.connection();
        }

        /** Does nothing: a client waits for replies, so only the end of its work shows that it is idle. */
        @Override
        public void closeOnceIdle() {}
    }

    /** Creates an empty set of connections, to which {@link #open} adds. */
    public Clients() {}

    // ---- connections

    /**
     * Opens a connection that {@link #shutdown} closes. Nothing happens until subscription. Cancelling is as that of
     * the given Mono: the connection is delivered or closed.
     *
     * <p>Fails with the errors of the given Mono; with {@link IllegalStateException}, if the clients are shut down, or
     * are shut down meanwhile, which ends the attempt.
     *
     * @param opening opens the connection: a {@link Streams#openConnection}, {@link Streams#openUnixConnection}, or a
     *     connection of a {@code TcpClient} on which {@link StreamConnection#from} was called
     */
    public Mono<StreamConnection> open(Mono<StreamConnection> opening) {
        Objects.requireNonNull(opening, "opening");
        return new MonoOpen<>("Clients.open(" + opening + ")", (loop, attempt) -> {
            synchronized (this) {
                checkOpen("open a connection");
                attempts.add(attempt);
            }
            return opening.doOnNext(this::add).doFinally(end -> ended(attempt));
        });
    }

    private void add(StreamConnection connection) {
        try {
            synchronized (this) {
                checkOpen("open a connection");
                add(new Client(connection.handler()));
            }
        } catch (IllegalStateException e) {
            connection.writer().abort();
            throw e;
        }
    }

    private void add(Client client) {
        Future<Void> closed = client.stream().writer().closed();
        if (!closed.done() && drain.add(client)) {
            closed.addDoneCallback(gone -> {
                drain.remove(client);
                drain.finishIfDone();
            });
        }
    }

    private synchronized void ended(MonoOpen.Attempt attempt) {
        attempts.remove(attempt);
    }

    /** Guarded by this. */
    private void checkOpen(String what) {
        if (closed) {
            throw refusal(what);
        }
    }

    private static IllegalStateException refusal(String what) {
        return new IllegalStateException("Cannot " + what
                + ": the clients were shut down. Open what is still needed without them, or create new Clients");
    }

    // ---- work

    /**
     * Runs work that {@link #shutdown} waits for, as a task of its own, and returns its outcome. Nothing happens until
     * subscription. Cancelling cancels the work, and a task that awaits it waits for its clean-up; the connection stays
     * open.
     *
     * <p>Several pieces of work may use a connection at the same time. A connection that was opened elsewhere is added.
     * When the clients are shut down, work that has begun continues and may use the connection as before, but a
     * {@code use} inside it fails.
     *
     * <p>Fails with the work's errors; with {@link IllegalStateException} if the clients are shut down; with
     * {@link ConnectionAbortedException} if the work was cut off at the end of the grace period.
     *
     * @param work called with the connection, on the loop that runs at the subscription, or a shared one
     */
    public <T> Mono<T> use(
            StreamConnection connection, Function<? super StreamConnection, ? extends Mono<? extends T>> work) {
        Objects.requireNonNull(work, "work");
        return counted(connection, () -> Mono.defer(() -> work.apply(connection)));
    }

    /** Like {@link #use}, with straight-line code. */
    public <T extends @Nullable Object> Mono<T> useBody(
            StreamConnection connection, BodyFunction<? super StreamConnection, T> work) {
        Objects.requireNonNull(work, "work");
        return counted(connection, () -> Asyncio.async(() -> work.apply(connection)));
    }

    private <T> Mono<T> counted(StreamConnection connection, Supplier<Mono<? extends T>> work) {
        Client client = new Client(connection.handler());
        return Mono.deferContextual(context -> Mono.usingWhen(
                        Mono.fromCallable(() -> Clients.this.<T>begin(client, work, context)),
                        Function.identity(),
                        task -> Mono.empty(),
                        (task, error) -> Mono.empty(),
                        task -> Asyncio.cleanup(task.cancelAndJoin())))
                .onErrorMap(
                        CancelledException.class, cancelled -> drain.hasCut() ? cutOff(client, cancelled) : cancelled);
    }

    private <T> Task<T> begin(Client client, Supplier<Mono<? extends T>> work, ContextView context) {
        synchronized (this) {
            checkOpen("begin work on " + client.stream());
            add(client);
            drain.starting(client);
        }
        Task<T> task = null;
        try {
            task = EventLoop.runningOrShared().createTask(work.get(), null, context);
        } finally {
            drain.started(client, task);
            drain.finishIfDone();
        }
        Task<T> begun = task;
        begun.addDoneCallback(done -> {
            drain.ended(client, begun);
            drain.finishIfDone();
        });
        return begun;
    }

    private static Throwable cutOff(Client client, CancelledException cancelled) {
        ConnectionAbortedException e = new ConnectionAbortedException("The work on " + client.stream()
                + " was cut off: the clients were shut down, and it did not end within the grace period");
        e.initCause(cancelled);
        return e;
    }

    // ---- the end

    /**
     * Opens no more connections, lets work finish for at most {@code grace}, and waits until all connections are closed
     * and all work has ended. Nothing happens until subscription; cancelling stops waiting, and no connection is cut
     * off. It cannot be undone: further calls to {@link #open} and {@link #use} fail.
     *
     * <p>Connections without work are closed at once, after their buffered bytes have been sent; the others when their
     * last work ends. Attempts to connect end with an error. When the grace period has ended, the remaining connections
     * are aborted and their work is cancelled; its clean-up is waited for, no matter how long it takes.
     *
     * <p>Work must not await this: it would wait for itself.
     *
     * <pre>{@code
     * for (Object cut : await(clients.shutdown(Duration.ofSeconds(10)))) {
     *     log.info("cut off: {}", cut);
     * }
     * }</pre>
     *
     * <p>asyncio has no equivalent.
     *
     * @param grace zero to cut off at once
     * @return the {@link StreamConnection}s that had to be cut off; empty if all work ended in time
     * @throws IllegalArgumentException if the time is negative
     */
    public Mono<List<Object>> shutdown(Duration grace) {
        return drain.shutdown(grace, this::close, Runnable::run);
    }

    private void close() {
        List<MonoOpen.Attempt> refused;
        synchronized (this) {
            closed = true;
            refused = List.copyOf(attempts);
            attempts.clear();
        }
        refused.forEach(attempt -> attempt.refuse(refusal("open a connection")));
    }

    /** Returns whether {@link #shutdown} was called, so that connections and work are refused. */
    public synchronized boolean isShutDown() {
        return closed;
    }

    /** {@code <Clients 3 open, 1 at work>}. */
    @Override
    public String toString() {
        return "<Clients " + drain + ">";
    }
}
