package asyncio.sync;

import asyncio.EventLoop;
import asyncio.Suspension;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/** A waiter for permits of a rate limiter. */
final class RateAcquisition extends Suspension<Void> {
    private final RateLimiter limiter;
    private final int permits;
    /** The bucket of its key, if the limiter has several; set before it joins the line. */
    private volatile @Nullable TokenBucket bucket;
    /**
     * Whether it was granted from the line, and counts as waking until it resumes; written before the grant, and after
     * it.
     */
    private boolean waking;

    RateAcquisition(RateLimiter limiter, CoreSubscriber<? super Void> actual, int permits, @Nullable Duration limit) {
        super(actual, limit);
        this.limiter = limiter;
        this.permits = permits;
    }

    @Override
    protected boolean begin() {
        if (!limiter.enter(this)) {
            TokenBucket bucket = this.bucket;
            if (bucket != null) {
                bucket.advance();
            }
            return false;
        }
        if (grant(null)) {
            return true;
        }
        giveBack(null); // cancelled in the meantime
        return false;
    }

    /** True if it has its permits. */
    boolean enter(TokenBucket bucket) {
        this.bucket = bucket;
        return bucket.enter(this);
    }

    boolean waits() {
        return isWaiting();
    }

    int wanted() {
        return permits;
    }

    /** Makes the loop visible to {@link TokenBucket}, in this package. */
    @Nullable EventLoop resumingLoop() {
        return loop();
    }

    /** Grants its permits from the line, under the monitor; false if it has left that. */
    boolean wake() {
        waking = true;
        return grant(null);
    }

    /** Notes that it resumes, or is cancelled before that. */
    private void awake() {
        TokenBucket bucket = this.bucket;
        if (waking && bucket != null) {
            waking = false;
            bucket.awake(this);
        }
    }

    @Override
    protected void leave() {
        TokenBucket bucket = this.bucket;
        if (bucket != null) { // else it was cancelled before it joined
            bucket.leave(this);
        }
    }

    @Override
    public @Nullable Void take(@Nullable Void value) {
        awake();
        return null;
    }

    @Override
    public void giveBack(@Nullable Void value) {
        awake();
        TokenBucket bucket = this.bucket;
        if (bucket != null) {
            bucket.giveBack(permits);
        }
    }

    @Override
    protected String target() {
        return (permits == 1 ? "a permit of " : permits + " permits of ") + limiter;
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.PARENT) {
            TokenBucket bucket = this.bucket;
            return bucket == null ? null : bucket.foreignTimer(loop());
        }
        return super.scanUnsafe(key);
    }
}
