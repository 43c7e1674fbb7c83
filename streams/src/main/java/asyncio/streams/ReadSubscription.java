package asyncio.streams;

import asyncio.AwaitedSubscription;
import asyncio.CancelledException;
import asyncio.KeepingSubscription;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;

/**
 * One read in progress. Bytes leave the reader's buffer only after the state has moved from {@link #WAITING} to
 * {@link #ENDED}, by either the reader or a cancellation: so a cancelled read has consumed nothing.
 */
final class ReadSubscription<T> implements Incoming.Pending, AwaitedSubscription<T>, KeepingSubscription, Scannable {
    @SuppressWarnings("rawtypes")
    private static final AtomicIntegerFieldUpdater<ReadSubscription> STATE =
            AtomicIntegerFieldUpdater.newUpdater(ReadSubscription.class, "state");

    private static final int SUBSCRIBED = 0;
    private static final int WAITING = 1;
    private static final int ENDED = 2;

    private final MonoRead<T> read;
    private final Incoming incoming;
    private final CoreSubscriber<? super T> actual;
    private volatile int state;
    /** The position of its bytes; written before they are signalled. */
    private long position;

    ReadSubscription(MonoRead<T> read, CoreSubscriber<? super T> actual) {
        this.read = read;
        this.incoming = read.reader.incoming();
        this.actual = actual;
    }

    // ---- the reader's side, on its loop

    @Override
    public boolean isWaiting() {
        return state == WAITING;
    }

    /** Claims the right to end the read; the winner must signal. */
    private boolean end() {
        return STATE.compareAndSet(this, WAITING, ENDED);
    }

    @Override
    public boolean proceed() {
        Throwable exception = incoming.exception();
        if (exception != null) {
            fail(exception);
            return true;
        }
        int n;
        try {
            n = read.until.decide(incoming.buffer, incoming.ended(), incoming.limit);
        } catch (Throwable e) { // no memory to join the bytes for the search
            fail(e);
            return true;
        }
        if (n == Until.MORE) {
            return false;
        }
        if (end()) {
            deliver(n);
        }
        return true;
    }

    /**
     * Delivers the bytes. The state has already ended, so this is the only place to signal an error if they do not fit
     * in memory.
     */
    private void deliver(int n) {
        T taken = null;
        Throwable failure = null;
        try {
            if (n == Until.FAILED) {
                failure = incoming.failure(read.until);
            } else if (n != Until.OVER) {
                position = incoming.buffer.position();
                taken = incoming.take(read.form, n);
            }
        } catch (Throwable e) {
            failure = e;
        }
        if (failure != null) {
            actual.onError(failure);
            return;
        }
        if (taken != null) {
            actual.onNext(taken);
        }
        actual.onComplete();
    }

    private void fail(Throwable error) {
        if (end()) {
            actual.onError(error);
        }
    }

    @Override
    public void cutOff(Throwable truncation) {
        fail(truncation);
    }

    @Override
    public void refuse(String method) {
        fail(StreamReader.secondRead(method(), method));
    }

    @Override
    public String method() {
        return read.until.method;
    }

    // ---- the subscriber's side, any thread

    @Override
    public void request(long n) {
        if (!Operators.validate(n) || !STATE.compareAndSet(this, SUBSCRIBED, WAITING)) {
            return;
        }
        try {
            incoming.onLoop(() -> incoming.start(this));
        } catch (RejectedExecutionException e) {
            fail(new IOException("Cannot read: the event loop of the connection is closed", e));
        }
    }

    @Override
    public void withhold(BooleanSupplier cancelled) {
        cancel();
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
        actual.onError(CancelledException.of(null, message));
        return true;
    }

    @Override
    public void giveBack(@Nullable T value) {
        if (value == null) {
            return; // the end of the stream stays known
        }
        ByteBuf bytes = read.form.bytes(value);
        try {
            incoming.onLoop(() -> incoming.putBack(bytes, position));
        } catch (RejectedExecutionException e) { // the connection and its loop are gone
            bytes.release();
            Operators.onDiscard(value, actual.currentContext());
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
