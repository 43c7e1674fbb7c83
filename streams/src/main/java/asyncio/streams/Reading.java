package asyncio.streams;

import asyncio.AwaitedSubscription;
import asyncio.CancelledException;
import java.io.IOException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;

/**
 * One read under way. Bytes leave the reader's buffer only after the state has moved from {@link #WAITING} to
 * {@link #ENDED}, which either the reader or a cancellation does: so a cancelled read has consumed nothing.
 */
final class Reading implements AwaitedSubscription<byte[]>, Scannable {
    private static final AtomicIntegerFieldUpdater<Reading> STATE =
            AtomicIntegerFieldUpdater.newUpdater(Reading.class, "state");
    private static final int SUBSCRIBED = 0;
    private static final int WAITING = 1;
    private static final int ENDED = 2;

    final Read read;
    private final CoreSubscriber<? super byte[]> actual;
    private volatile int state;

    Reading(Read read, CoreSubscriber<? super byte[]> actual) {
        this.read = read;
        this.actual = actual;
    }

    // ---- the reader's side, on its loop

    boolean isWaiting() {
        return state == WAITING;
    }

    /** Claims the right to end the read; whoever gets it must signal. */
    boolean end() {
        return STATE.compareAndSet(this, WAITING, ENDED);
    }

    void succeed(byte[] bytes) {
        actual.onNext(bytes);
        actual.onComplete();
    }

    void succeedEmpty() {
        actual.onComplete();
    }

    void fail(Throwable error) {
        actual.onError(error);
    }

    // ---- the subscriber's side, any thread

    @Override
    public void request(long n) {
        if (!Operators.validate(n) || !STATE.compareAndSet(this, SUBSCRIBED, WAITING)) {
            return;
        }
        try {
            read.reader.onLoop(() -> read.reader.start(this));
        } catch (RejectedExecutionException e) {
            if (end()) {
                fail(new IOException("Cannot read: the event loop of the connection is closed", e));
            }
        }
    }

    @Override
    public void cancel() {
        state = ENDED;
    }

    @Override
    public boolean requestCancel(@Nullable String message) {
        if (STATE.getAndSet(this, ENDED) == ENDED) {
            return false;
        }
        actual.onError(new CancelledException(message));
        return true;
    }

    @Override
    public void giveBack(byte @Nullable [] value) {
        if (value == null) {
            return; // the end of the stream stays
        }
        try {
            read.reader.onLoop(() -> read.reader.putBack(value));
        } catch (RejectedExecutionException e) {
            Operators.onDiscard(value, actual.currentContext()); // the connection and its loop are gone
        }
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.PARENT) {
            return read;
        }
        if (key == Attr.ACTUAL) {
            return actual;
        }
        if (key == Attr.TERMINATED) {
            return state == ENDED;
        }
        if (key == Attr.RUN_STYLE) {
            return Attr.RunStyle.ASYNC;
        }
        return null;
    }
}
