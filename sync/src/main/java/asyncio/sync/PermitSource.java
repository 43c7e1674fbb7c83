package asyncio.sync;

import asyncio.Suspension;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;

/** A source of permits. */
abstract class PermitSource implements Scannable {
    /** The number of permits of a source that are all watched; later ones by a sample. */
    private static final int FIRST = 64;

    private static final int SAMPLE = 16;

    private volatile boolean reclaims;
    /** The acquisitions of operators; may miss some. */
    private int acquired;
    /** Whether {@code release()} was called, after which dropped permits are not reported. */
    private volatile boolean releasedByHand;

    /** Takes free permits, unless others wait for them; null if that is not possible. */
    abstract @Nullable HeldPermit take(int permits);

    /**
     * Guesses whether an acquisition would have to wait. If so, it is made a waiter when it is subscribed to, and
     * resumes on the loop that runs then, wherever it is requested.
     */
    boolean looksTaken() {
        return false;
    }

    /** Returns an acquisition, which may have to wait. */
    abstract Suspension<HeldPermit> waiter(
            CoreSubscriber<? super HeldPermit> actual, int permits, @Nullable Duration limit);

    final Mono<Permit> acquireMono(int permits, @Nullable Duration limit) {
        return new MonoAcquire(this, permits, limit);
    }

    /** Describes {@code n} permits, for messages. */
    String target(int n) {
        return (n == 1 ? "a permit of " : n + " permits of ") + this;
    }

    /** Describes the target of a waiter for {@code n} permits. */
    String awaited(int n) {
        return target(n);
    }

    /** Returns whether a watched permit has not been released. */
    abstract boolean holds(PermitWatch watch);

    /** Releases a dropped permit. */
    abstract void reclaim(PermitWatch watch);

    /** Returns whether the next permit that an operator gets without waiting is watched. */
    final boolean watchesNext() {
        if (reclaims()) {
            return true;
        }
        int n = acquired;
        if (n < FIRST) {
            acquired = n + 1;
            return true;
        }
        acquired = n + 1 == FIRST + SAMPLE ? FIRST : n + 1;
        return n == FIRST || Suspension.debugs();
    }

    final void startReclaiming() {
        reclaims = true;
    }

    /** Returns whether dropped permits are released; of a view: by the source of its permits. */
    boolean reclaims() {
        return reclaims;
    }

    final void checkReleaseByHand() {
        if (reclaims) {
            throw new IllegalStateException("release() of " + this
                    + ", which reclaims dropped permits: release the Permit that acquire() returned");
        }
    }

    final void noteReleaseByHand() {
        if (!releasedByHand) {
            releasedByHand = true;
        }
    }

    final boolean releasedByHand() {
        return releasedByHand;
    }

    static Duration checked(Duration limit) {
        return Objects.requireNonNull(limit, "limit");
    }
}
