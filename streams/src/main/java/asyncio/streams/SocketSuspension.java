package asyncio.streams;

import asyncio.EventLoop;
import asyncio.Suspension;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;

/**
 * A waiter for a channel to become ready. A read resumes and then tries ({@link #take}), when it can no longer be
 * cancelled; a write is done on the loop while it waits.
 *
 * <p>The monitor guards the watch and the claim; settling the outcome ends both.
 */
final class SocketSuspension<T> extends Suspension<T> {
    private final SocketAttempt<T> attempt;
    private final boolean reads;
    private final EventLoop watcher;
    private boolean watched;
    private @Nullable Disposable withLoop;

    SocketSuspension(SocketAttempt<T> attempt, CoreSubscriber<? super T> actual, @Nullable EventLoop loop) {
        super(actual, null, loop);
        this.attempt = attempt;
        this.reads = attempt.kind == SocketAttempt.Kind.READS;
        this.watcher = loop == null ? EventLoop.runningOrShared() : loop;
    }

    /** Returns whether it was settled at once. */
    @Override
    protected synchronized boolean begin() {
        if (!isWaiting()) {
            return false;
        }
        claim();
        try {
            if (!reads && attempt.tryNow()) {
                forget();
                return grant(attempt.result());
            }
            watch();
            return false;
        } catch (IOException e) {
            forget();
            return fail(e);
        } catch (Throwable e) {
            forget();
            throw e;
        }
    }

    private void claim() {
        if (!attempt.hasClaim()) {
            SocketClaims.take(attempt);
        }
    }

    private void watch() throws IOException {
        if (!attempt.channel.isOpen()) {
            throw new ClosedChannelException();
        }
        watched = true;
        if (reads) {
            watcher.addReader(attempt.channel, this::ready);
        } else {
            watcher.addWriter(attempt.channel, this::ready);
        }
        withLoop = watcher.onClose(this::loopHasClosed);
    }

    /** Under the monitor, or from within {@link #begin}. */
    private void forget() {
        if (!attempt.hasClaim()) {
            SocketClaims.release(attempt);
        }
        if (watched) {
            watched = false;
            if (reads) {
                watcher.removeReader(attempt.channel);
            } else {
                watcher.removeWriter(attempt.channel);
            }
        }
        if (withLoop != null) {
            withLoop.dispose();
            withLoop = null;
        }
    }

    /** On the loop. */
    private void ready() {
        boolean settled;
        synchronized (this) {
            if (!watched) {
                return; // cancelled in this tick
            }
            try {
                if (!reads && !attempt.tryNow()) {
                    return;
                }
                settled = grant(reads ? null : attempt.result());
            } catch (Throwable e) { // an error of the waiter, not of the loop
                settled = fail(e);
            }
            forget();
        }
        if (settled) {
            deliver();
        }
    }

    private void loopHasClosed() {
        boolean settled;
        synchronized (this) {
            settled = watched && fail(new IOException("Cannot wait any longer in " + attempt + ": the loop is closed"));
            withLoop = null;
            forget();
        }
        if (settled) {
            deliver();
        }
    }

    @Override
    protected synchronized void leave() {
        forget();
    }

    @Override
    public @Nullable T take(@Nullable T value) throws IOException {
        if (!reads) {
            return value;
        }
        SocketClaims.check(attempt);
        if (!attempt.tryNow()) {
            throw new NotReadyException(attempt);
        }
        return attempt.result();
    }

    @Override
    public boolean mayBeSpurious() {
        return reads;
    }

    /** The channel was ready but had nothing when it was tried: a spurious wakeup, or another reader. */
    static final class NotReadyException extends IOException implements Spurious {
        private static final long serialVersionUID = 1L;

        NotReadyException(SocketAttempt<?> attempt) {
            super("Nothing was left for " + attempt + " when its task resumed: the channel has another reader");
        }
    }

    /** A read has taken nothing; a write cannot be undone. */
    @Override
    public void giveBack(@Nullable T value) {}

    @Override
    protected String target() {
        return attempt.toString();
    }
}
