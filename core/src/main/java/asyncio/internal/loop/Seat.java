package asyncio.internal.loop;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A thread that can hold a loop, and the signal that hands the loop to it. */
public class Seat {
    /**
     * The number of spins before a platform thread parks, so that a loop that returns at once costs no system call.
     * Successful spins raise the number, others lower it; the minimum covers a hand-over to another body and back.
     */
    private static final int LEAST_SPINS = Runtime.getRuntime().availableProcessors() > 1 ? 250 : 0;

    private static final int MOST_SPINS = LEAST_SPINS * 8;

    /** Zero for a virtual thread, for which parking is cheaper than spinning. */
    private int spins;
    /** Whether the entry that a driving thread runs has handed the loop to a body. Used by that thread only. */
    boolean handedOver;

    /** The seat that waits for the end of this body's first step, which is eager. Used by the loop's owner. */
    private @Nullable Seat eagerCaller;
    /**
     * The start of this body's current step on the clock of {@link System#nanoTime}; zero if steps are not measured.
     */
    long stepStart;

    volatile @Nullable Thread thread;
    /** Set by {@link Baton} when the loop is handed over, cleared by the thread. */
    volatile boolean granted;

    Seat(boolean virtual) {
        this.spins = virtual ? 0 : LEAST_SPINS;
    }

    /** Returns the thread; null before it is made. */
    public @Nullable Thread thread() {
        return thread;
    }

    void setEagerCaller(@Nullable Seat caller) {
        eagerCaller = caller;
    }

    @Nullable Seat takeEagerCaller() {
        Seat caller = eagerCaller;
        eagerCaller = null;
        return caller;
    }

    /** Wakes the thread, which has been granted the loop and may be asleep. */
    void wake() {
        LockSupport.unpark(thread);
    }

    /** Releases a thread that waits for a loop it will not get. */
    void dismiss() {
        granted = true;
        wake();
    }

    private void spin() {
        for (int i = spins; i > 0; i--) {
            if (granted) {
                spins = Math.min(spins * 2, MOST_SPINS);
                return;
            }
            Thread.onSpinWait();
        }
        spins = Math.max(spins / 2, LEAST_SPINS);
    }

    /** Waits for the loop. An interrupt neither ends the wait nor gets lost. */
    void awaitGrant() {
        if (spins > 0 && !granted) {
            spin();
        }
        boolean interrupted = false;
        while (!granted) {
            try {
                LockSupport.park(this);
            } catch (OutOfMemoryError e) {
                Thread.onSpinWait(); // no memory to move the stack of a virtual thread: the loop will still be granted
            }
            interrupted |= Thread.interrupted();
        }
        granted = false;
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
