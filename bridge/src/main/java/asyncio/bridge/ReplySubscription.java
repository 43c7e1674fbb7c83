package asyncio.bridge;

import asyncio.Cleanups;
import asyncio.EventLoop;
import asyncio.Log;
import asyncio.Suspension;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * One subscriber that receives one outcome from outside. It is a reduced {@link Suspension}: it has no deadline, no
 * place in a line of waiters, and its value cannot be given back. It is half as large, and as fast as Reactor's own
 * sinks.
 *
 * <p>{@link #state} holds either the phase or the outcome. The first to take it out of {@link #STARTING} or
 * {@link #WAITING} wins: an outcome, or the cancellation. A cancellation between the outcome and its turn still wins,
 * and discards the outcome.
 */
abstract class ReplySubscription<T> implements Subscription, Runnable, Scannable {
    private static final VarHandle STATE;
    /** {@link #start} is running: a thread that settles now leaves the rest to {@link #request}. */
    private static final Object STARTING = new Mark("starting");

    private static final Object WAITING = new Mark("waiting");
    private static final Object EMPTY = new Mark("empty");
    /** The outcome has gone to the subscriber, or was discarded because the subscriber had left. */
    private static final Object TOLD = new Mark("told");

    private static final Object CANCELLED = new Mark("cancelled");
    /** Cancelled, and an outcome has arrived since. */
    private static final Object HEARD = new Mark("cancelled and heard of");

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(ReplySubscription.class, "state", Object.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private record Mark(String text) {}

    private record Failure(Throwable error) {}

    private final CoreSubscriber<? super T> actual;
    private final @Nullable EventLoop loop = EventLoop.runningOrNull();
    /** Null before the request; a {@link Mark}, a {@link Failure}, or the value. */
    private volatile @Nullable Object state;

    ReplySubscription(CoreSubscriber<? super T> actual) {
        this.actual = actual;
    }

    /** Starts the work that leads to an outcome, possibly immediately. */
    abstract void start() throws Exception;

    /** Called when the first outcome has arrived, before the subscriber is notified; may be called twice. */
    void settled() {}

    /** Called when the subscriber has left before the outcome. */
    abstract void left();

    /** Describes the source of the outcome, for messages. */
    abstract String target();

    // ---- the outcome, from any thread

    final void succeed(@Nullable T value) {
        Object before = settle(value == null ? EMPTY : value);
        if (before == CANCELLED) {
            Operators.onDiscard(value, context());
        } else if (before != null && value != null) {
            Operators.onNextDropped(value, context());
        }
    }

    final void fail(Throwable error) {
        Object before = settle(new Failure(error));
        if (before != null) {
            Outcomes.dropError(error, before == CANCELLED, context());
        }
    }

    /** Settles it; null if this is the first outcome, else the state that prevented it. */
    private @Nullable Object settle(Object outcome) {
        for (; ; ) {
            Object before = state;
            boolean first = before == STARTING || before == WAITING;
            if (!first && before != CANCELLED) {
                return before == null ? TOLD : before;
            }
            if (!STATE.compareAndSet(this, before, first ? outcome : HEARD)) {
                continue;
            }
            if (!first) {
                return before;
            }
            if (before == WAITING) {
                settled();
                if (Suspension.isAwait(actual)) {
                    run(); // the task itself goes to the ready queue
                } else {
                    Suspension.later(loop, this);
                }
            }
            return null;
        }
    }

    // ---- the subscriber's side

    @Override
    public final void request(long n) {
        if (!Operators.validate(n) || !STATE.compareAndSet(this, null, STARTING)) {
            return;
        }
        try {
            start();
        } catch (Throwable e) {
            Exceptions.throwIfFatal(e);
            fail(e);
        }
        if (state == STARTING && STATE.compareAndSet(this, STARTING, WAITING)) {
            return;
        }
        if (!isCancelled()) {
            settled();
            run();
        }
    }

    /** Signals the outcome to the subscriber, in its turn. */
    @Override
    @SuppressWarnings("unchecked")
    public final void run() {
        Object outcome = state;
        if (outcome instanceof Mark && outcome != EMPTY || !STATE.compareAndSet(this, outcome, TOLD)) {
            return;
        }
        if (outcome instanceof Failure failure) {
            actual.onError(failure.error);
            return;
        }
        if (outcome != EMPTY) {
            actual.onNext((T) outcome);
        }
        actual.onComplete();
    }

    @Override
    @SuppressWarnings("unchecked")
    public final void cancel() {
        for (; ; ) {
            Object before = state;
            if (before == TOLD || before == CANCELLED || before == HEARD) {
                return;
            }
            boolean settled = before != null && before != STARTING && before != WAITING;
            if (!STATE.compareAndSet(this, before, settled ? TOLD : CANCELLED)) {
                continue;
            }
            if (settled) {
                settled();
            }
            if (before instanceof Failure failure) {
                Outcomes.dropError(failure.error, true, context());
            } else if (settled && before != EMPTY) {
                Operators.onDiscard((T) before, context());
            } else if (before != null && !settled) {
                left();
            }
            return;
        }
    }

    /** Returns whether the subscriber has left before the outcome. */
    final boolean isCancelled() {
        Object state = this.state;
        return state == CANCELLED || state == HEARD;
    }

    /** Returns whether the outcome has arrived, or the subscriber has left. */
    final boolean isOver() {
        Object state = this.state;
        return state != null && state != STARTING && state != WAITING;
    }

    /** Registers the work done for the subscriber; null if nothing would wait for it. */
    final Cleanups.@Nullable Work work() {
        return Cleanups.work(actual);
    }

    public final Context context() {
        return actual.currentContext();
    }

    // ---- introspection

    @Override
    public final String toString() {
        return "<" + Log.text(actual) + " waiting for " + target() + ">";
    }

    @Override
    @SuppressWarnings("rawtypes")
    public final @Nullable Object scanUnsafe(Attr key) {
        Object state = this.state;
        if (key == Attr.ACTUAL) {
            return actual;
        }
        if (key == Attr.CANCELLED) {
            return isCancelled();
        }
        if (key == Attr.TERMINATED) {
            return state == TOLD;
        }
        if (key == Attr.RUN_STYLE) {
            return loop == null ? Attr.RunStyle.SYNC : Attr.RunStyle.ASYNC;
        }
        return null;
    }
}
