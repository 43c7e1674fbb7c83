package asyncio;

import asyncio.internal.loop.Memory;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * A result that will be available later, as a hot {@link Mono}. Complete it once with {@link #setResult},
 * {@link #setException} or {@link #cancel}; await it, subscribe to it or query it as often as you like.
 * {@code setResult(null)} completes the Mono empty.
 *
 * <p><b>Threading.</b> Every method may be called from any thread. A Future made on a loop notifies its subscribers and
 * callbacks through that loop's ready queue, in order of registration, regardless of the completing thread. A Future
 * made off every loop notifies them on the completing thread; never under a lock, never recursively. Subscribing to a
 * Future that is done emits at once.
 *
 * <p><b>Cancelling.</b> Cancelling a subscription only detaches that subscriber: one client's disconnect does not end a
 * shared result. {@link #cancel} cancels the Future for all subscribers; so does the cancellation of a task that
 * directly awaits it.
 *
 * <p><b>Errors.</b> Exceptions are passed on unchanged, never wrapped. An exception that was never retrieved is logged
 * when the Future is collected.
 *
 * <pre>{@code
 * Future<Reply> reply = EventLoop.getRunningLoop().createFuture();
 * client.send(request, reply::trySetResult, reply::trySetException); // callbacks, from any thread; maybe after a cancel
 * Reply received = await(reply);
 * }</pre>
 *
 * <p>asyncio: {@code Future}, which is not thread-safe.
 *
 * @param <T> the type of the result
 */
public sealed class Future<T> extends Mono<T> implements Scannable permits Task, Future.Owned, Future.Wrapped {
    /** The result {@code null}, which {@link #state} cannot hold directly. */
    private static final Object NULL = new Object();

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Future.class, "state", Object.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final @Nullable EventLoop loop;
    /**
     * Null, a {@link Waiter} or a {@link WaiterList} while pending; then {@link #NULL}, a {@link Failure}, or the
     * result itself.
     */
    private volatile @Nullable Object state;

    private final @Nullable Origin origin;

    /** Creates a pending Future on the running loop; off every loop if none runs on this thread. */
    public Future() {
        this(EventLoop.runningOrNull());
    }

    Future(@Nullable EventLoop loop) {
        this.loop = loop;
        this.origin = EventLoop.origin(loop);
    }

    /** Returns the place where it was made, in debug mode. */
    final @Nullable Origin origin() {
        return origin;
    }

    /** An outcome other than a result. */
    private static final class Failure {
        /** For a Future that must end when there is no memory for its outcome. */
        static final Failure NO_MEMORY = new Failure(
                new OutOfMemoryError("There was no memory for the exception that a Future or task ended with"), false);

        final Throwable exception;
        final boolean cancelled;
        private volatile LeakDetector.@Nullable Leak unretrieved;
        private boolean retrieved;

        Failure(Throwable exception, boolean cancelled) {
            this.exception = exception;
            this.cancelled = cancelled;
        }

        Throwable retrieve() {
            retrieved = true;
            LeakDetector.Leak leak = unretrieved;
            if (leak != null) {
                unretrieved = null;
                leak.close();
            }
            return exception;
        }
    }

    /** A result that would be mistaken for a state, such as a subscription of this library. */
    private record Boxed(Object result) {}

    private static Object box(@Nullable Object result) {
        if (result == null) {
            return NULL;
        }
        return result instanceof Waiter || result instanceof WaiterList ? new Boxed(result) : result;
    }

    private static @Nullable Object unbox(@Nullable Object state) {
        return state == NULL ? null : state instanceof Boxed boxed ? boxed.result : state;
    }

    private static boolean isPending(@Nullable Object state) {
        return state == null || state instanceof Waiter || state instanceof WaiterList;
    }

    // ---- asking

    /** Returns whether there is a result, an exception or a cancellation. */
    public final boolean done() {
        return !isPending(state);
    }

    /** Returns whether it was cancelled. */
    public final boolean cancelled() {
        return state instanceof Failure failure && failure.cancelled;
    }

    /**
     * Returns the result, null for an empty one.
     *
     * @throws InvalidStateException if it is not done
     * @throws CancelledException if it was cancelled
     * @throws Exception the exception that was set, unchanged
     */
    public final @Nullable T result() throws Exception {
        Object state = this.state;
        if (isPending(state)) {
            throw new InvalidStateException("Result is not set: " + this + " is not done; await it");
        }
        try {
            return outcome(state);
        } catch (CancelledException e) {
            throw e.here();
        }
    }

    /**
     * Returns the exception that was set, or null if there is a result.
     *
     * @throws InvalidStateException if it is not done
     * @throws CancelledException if it was cancelled
     */
    public final @Nullable Throwable exception() {
        Object state = this.state;
        if (isPending(state)) {
            throw new InvalidStateException("Exception is not set: " + this + " is not done; await it");
        }
        if (!(state instanceof Failure failure)) {
            return null;
        }
        if (failure.cancelled) {
            throw ((CancelledException) failure.exception).here();
        }
        return failure.retrieve();
    }

    /** Returns the exception that it was cancelled with, if it was. */
    final @Nullable CancelledException cancellation() {
        return state instanceof Failure failure && failure.cancelled ? (CancelledException) failure.exception : null;
    }

    /** Returns the loop it belongs to, or null if it was made off every loop. */
    public final @Nullable EventLoop getLoop() {
        return loop;
    }

    /** Returns the result, or null if there is none. */
    @SuppressWarnings("unchecked")
    final @Nullable T resultOrNull() {
        Object state = this.state;
        return isPending(state) || state instanceof Failure ? null : (T) unbox(state);
    }

    /** Returns the exception or the cancellation that it ended with, or null. This does not count as retrieving it. */
    final @Nullable Throwable failure() {
        return state instanceof Failure failure ? failure.exception : null;
    }

    /** Returns whether its exception was retrieved. */
    final boolean retrieved() {
        return state instanceof Failure failure && failure.retrieved;
    }

    /** Marks its exception as retrieved, since it was passed on or does not matter: it is not reported. */
    final void markRetrieved() {
        if (state instanceof Failure failure) {
            failure.retrieve();
        }
    }

    /** Returns or throws the outcome of a Future that is known to be done. */
    final @Nullable T outcome() throws Exception {
        return outcome(state);
    }

    /**
     * Returns or throws the outcome for a task that was suspended on this Future and has resumed. The Future's own
     * cancellation takes precedence over a later request.
     */
    final @Nullable T outcome(@Nullable CancelledException request) throws Exception {
        if (request != null && !cancelled()) {
            if (state instanceof Failure failure) {
                Suppressed.add(request, failure.retrieve());
            }
            throw request;
        }
        return outcome(state);
    }

    @SuppressWarnings("unchecked")
    private @Nullable T outcome(@Nullable Object state) throws Exception {
        if (state instanceof Failure failure) {
            throw Misuse.sneaky(failure.retrieve());
        }
        return (T) unbox(state);
    }

    // ---- completing

    /**
     * Completes with a result; null completes the Mono empty.
     *
     * @throws InvalidStateException if it is already done
     */
    public void setResult(@Nullable T result) {
        if (!trySetResult(result)) {
            throw alreadyDone("set the result " + Log.text(result));
        }
    }

    /**
     * Completes with an exception, which is thrown to awaiting code and signalled to subscribers unchanged.
     *
     * @throws InvalidStateException if it is already done
     */
    public void setException(Throwable exception) {
        if (!trySetException(exception)) {
            throw alreadyDone("set the exception " + Log.text(exception));
        }
    }

    private InvalidStateException alreadyDone(String what) {
        return new InvalidStateException(
                "Cannot " + what + ": " + this + " is already " + (cancelled() ? "cancelled" : "done")
                        + ". Where other code may complete or cancel it, such as the cancellation of a task that awaits it, use trySetResult or trySetException");
    }

    /** Like {@link #setResult}, but returns false if it is already done. */
    public boolean trySetResult(@Nullable T result) {
        return finish(box(result));
    }

    /** Like {@link #setException}, but returns false if it is already done. */
    public boolean trySetException(Throwable exception) {
        return finishExceptionally(exception);
    }

    /** Cancels it without a message. */
    public final boolean cancel() {
        return cancel(null);
    }

    /**
     * Cancels it: awaiting tasks and subscribers get a {@link CancelledException} with the message.
     *
     * @return false if it was already done
     */
    public boolean cancel(@Nullable String message) {
        return isPending(state) && finishCancelled(CancelledException.of(loop, message));
    }

    /**
     * Cancels several Futures in order, like {@link #cancel(String)}, except that a task that others of them await is
     * asked once, not again by each of these: so cancelling a long chain of tasks takes time proportional to its
     * length. May be called from any thread.
     *
     * @param message the message of the {@link CancelledException}
     * @since 0.1
     */
    public static void cancelAll(Collection<? extends Future<?>> futures, @Nullable String message) {
        cancelEach(List.copyOf(futures), message, null);
    }

    /**
     * Implements {@link #cancelAll}; called by a thread that holds no lock.
     *
     * @param among the larger cancellation that this is part of, if any
     */
    static void cancelEach(List<? extends Future<?>> futures, @Nullable String message, @Nullable CancelAll among) {
        if (futures.size() == 1 && among == null) {
            futures.get(0).cancel(message); // the usual case
            return;
        }
        CancelAll all = among == null ? new CancelAll(message) : among;
        for (Future<?> future : futures) {
            if (!all.hasAsked(future)) {
                future.cancel(all.message, all);
            }
        }
    }

    /** Like {@link #cancel(String)}, as one of several. */
    boolean cancel(@Nullable String message, @Nullable CancelAll among) {
        return cancel(message);
    }

    final boolean finishResult(@Nullable T result) {
        return finish(box(result));
    }

    final boolean finishCancelled(CancelledException exception) {
        Failure failure;
        try {
            Memory.need();
            failure = new Failure(exception, true);
        } catch (OutOfMemoryError e) {
            failure = Failure.NO_MEMORY; // waiters must be told nevertheless
        }
        return finish(failure);
    }

    final boolean finishExceptionally(Throwable exception) {
        Objects.requireNonNull(exception, "exception");
        if (!isPending(state)) {
            return false;
        }
        Failure failure;
        try {
            Memory.need();
            failure = new Failure(exception, false);
            // tracked before it can be retrieved, so that a retrieval always finds the record
            LeakOwner owner = loop == null ? LoopEvents.NO_LOOP : loop.events;
            if (loop == null) {
                LeakDetector.report(); // there may be no running watchdog
            }
            failure.unretrieved =
                    LeakDetector.trackException(this, describeForLog(), exception, origin, owner, contextForLog());
        } catch (OutOfMemoryError e) {
            return finish(Failure.NO_MEMORY); // waiters must be told nevertheless
        }
        if (finish(failure)) {
            return true;
        }
        failure.retrieve();
        return false;
    }

    /** Returns the context in which the loop's exception handler is told of an exception that was never retrieved. */
    ContextView contextForLog() {
        return Context.empty();
    }

    String describeForLog() {
        return "Future exception was never retrieved";
    }

    private boolean finish(Object outcome) {
        for (; ; ) {
            Object before = state;
            if (!isPending(before)) {
                return false;
            }
            if (STATE.compareAndSet(this, before, outcome)) {
                tell(before);
                return true;
            }
        }
    }

    private static void tell(@Nullable Object waiters) {
        if (waiters instanceof Waiter waiter) {
            waiter.resume();
        } else if (waiters instanceof WaiterList list) {
            Error fatal = null;
            for (Waiter waiter = list.close(); waiter != null; ) {
                Waiter next = waiter.next;
                waiter.next = null;
                waiter.previous = null;
                try {
                    waiter.resume();
                } catch (Error e) {
                    fatal = e; // off every loop the waiters run here, and the rest must still be told
                }
                waiter = next;
            }
            if (fatal != null) {
                throw fatal;
            }
        }
    }

    // ---- waiting

    /** Returns a Future of the running loop that is done when this one is; cancelling it does not affect this one. */
    final Future<Void> whenEnded() {
        Future<Void> ended = new Future<>();
        EndedWaiter waiter = new EndedWaiter(
                () -> ended.trySetResult(null), ended, ended.getLoop() != null, EventLoop.coreOf(getLoop()));
        if (!addWaiter(waiter)) {
            waiter.run();
        }
        return ended;
    }

    /** Adds a waiter; returns false if the Future is done, in which case the waiter is not told. */
    final boolean addWaiter(Waiter waiter) {
        for (; ; ) {
            Object before = state;
            if (before == null) {
                if (STATE.compareAndSet(this, null, waiter)) {
                    return true;
                }
            } else if (before instanceof WaiterList list) {
                if (list.add(waiter)) {
                    return true;
                }
            } else if (before instanceof Waiter only) {
                STATE.compareAndSet(this, only, new WaiterList(only)); // look again, even if it failed
            } else {
                return false;
            }
        }
    }

    /** Removes a waiter; returns false if it has been told, or will be. */
    final boolean removeWaiter(Waiter waiter) {
        for (; ; ) {
            Object before = state;
            if (before == waiter) {
                if (STATE.compareAndSet(this, before, null)) {
                    return true;
                }
            } else {
                return before instanceof WaiterList list && list.remove(waiter);
            }
        }
    }

    /** Returns a snapshot of the waiters. */
    final List<Waiter> waiters() {
        Object state = this.state;
        return state instanceof Waiter waiter
                ? List.of(waiter)
                : state instanceof WaiterList list ? list.snapshot() : List.of();
    }

    /**
     * Returns a snapshot of the tasks that wait for it, through combinators and operators as
     * {@link Asyncio#captureCallGraph()} finds them, without the tasks that wait for these. May be called from any
     * thread; concurrent changes may be missed.
     *
     * <p>asyncio: {@code _asyncio_awaited_by}.
     *
     * @since 0.1
     */
    public final Set<Task<?>> awaitedBy() {
        return Awaiters.of(this);
    }

    /**
     * Calls a callback with this Future when it is done: through {@link EventLoop#callSoon} if it belongs to a loop,
     * even if it is already done; in order of registration. An exception of the callback goes to the loop's exception
     * handler.
     */
    public final void addDoneCallback(Consumer<? super Future<T>> callback) {
        addDoneCallback(callback, ThreadLocals.current());
    }

    /**
     * Like {@link #addDoneCallback(Consumer)}, with the context that {@link Asyncio#currentContext()} will return in
     * the callback.
     */
    public final void addDoneCallback(Consumer<? super Future<T>> callback, ContextView context) {
        DoneCallback<T> waiter = new DoneCallback<>(
                this, Objects.requireNonNull(callback, "callback"), Objects.requireNonNull(context, "context"));
        if (!addWaiter(waiter)) {
            waiter.resume();
        }
    }

    /**
     * Removes every registration of a callback equal to this one that has not been scheduled yet, and returns their
     * number. If there are many, the callbacks' {@code hashCode} is used too.
     */
    public final int removeDoneCallback(Consumer<? super Future<T>> callback) {
        Object state = this.state;
        if (state instanceof WaiterList list) {
            return list.removeCallback(callback);
        }
        return state instanceof DoneCallback<?> only && only.callback().equals(callback) && removeWaiter(only) ? 1 : 0;
    }

    // ---- as a Mono

    @Override
    public final void subscribe(CoreSubscriber<? super T> actual) {
        actual.onSubscribe(new FutureSubscription<>(this, actual));
    }

    /** Signals the outcome to a subscriber; the Future is known to be done. */
    @SuppressWarnings("unchecked")
    final void emit(FutureSubscription<T> subscription) {
        Object outcome = state;
        if (outcome instanceof Failure failure) {
            subscription.error(failure.retrieve());
            return;
        }
        T result = (T) unbox(outcome);
        if (result != null) {
            subscription.next(result);
        }
        subscription.complete();
    }

    /** Blocks, unless the thread runs a loop. Prefer {@link Asyncio#await}. */
    @Override
    public @Nullable T block() {
        Misuse.checkMayBlock();
        return super.block();
    }

    /** Blocks for at most {@code timeout}, unless the thread runs a loop. Prefer {@link Asyncio#await}. */
    @Override
    public @Nullable T block(Duration timeout) {
        Misuse.checkMayBlock();
        return super.block(timeout);
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        Object state = this.state;
        if (key == Attr.TERMINATED) {
            return !isPending(state);
        }
        if (key == Attr.CANCELLED) {
            return state instanceof Failure failure && failure.cancelled;
        }
        if (key == Attr.ERROR) {
            return state instanceof Failure failure ? failure.exception : null;
        }
        if (key == Attr.RUN_STYLE) {
            return loop == null ? Attr.RunStyle.SYNC : Attr.RunStyle.ASYNC;
        }
        return null;
    }

    /** Returns the waiting subscribers. */
    @Override
    public java.util.stream.Stream<? extends Scannable> inners() {
        return waiters().stream().filter(Scannable.class::isInstance).map(Scannable.class::cast);
    }

    /** State, outcome and callbacks: {@code <Future finished result=4>}. */
    @Override
    public String toString() {
        return "<" + getClass().getSimpleName() + describe() + Origin.describe(origin) + ">";
    }

    final String describe() {
        Object state = this.state;
        if (state instanceof Failure failure) {
            return failure.cancelled ? " cancelled" : " finished exception=" + Log.text(failure.exception);
        }
        if (!isPending(state)) {
            return " finished result=" + Log.text(unbox(state));
        }
        List<String> callbacks = new java.util.ArrayList<>();
        for (Waiter waiter : waiters()) {
            if (waiter instanceof DoneCallback<?> registration) {
                callbacks.add(Log.text(registration.callback()));
            }
        }
        int more = callbacks.size() - 2;
        return describePending()
                + switch (callbacks.size()) {
                    case 0 -> "";
                    case 1, 2 -> " cb=" + callbacks;
                    default ->
                        " cb=[" + callbacks.get(0) + ", <" + more + " more>, " + callbacks.get(callbacks.size() - 1)
                                + "]";
                };
    }

    String describePending() {
        return " pending";
    }

    /** A Future that is completed by the combinator or job that made it, not by its users. */
    abstract static non-sealed class Owned<T> extends Future<T> {
        Owned(@Nullable EventLoop loop) {
            super(loop);
        }
    }

    /** A Future that represents a future of another kind, which some thread will complete. */
    static final class Wrapped<T> extends Future<T> {}

    /** Returns whether cancelling it means cancelling its {@link #parts}, some of which may end after it. */
    boolean cancelsItsParts() {
        return false;
    }

    /** Returns the Futures that this represents when it is awaited: itself, or the ones that it waits for. */
    Collection<? extends Future<?>> parts() {
        return List.of(this);
    }
}
