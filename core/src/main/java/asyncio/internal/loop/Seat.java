package asyncio.internal.loop;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A thread that can hold a loop, and the signal that hands the loop to it. */
public class Seat {
    /**
     * Turns of waiting before a platform thread parks: a loop that comes back at once then costs no system call. Waits
     * that were worth it raise the number, others lower it; the least is what a hand-over to another body and back
     * takes.
     */
    private static final int LEAST_SPINS = Runtime.getRuntime().availableProcessors() > 1 ? 250 : 0;

    private static final int MOST_SPINS = LEAST_SPINS * 8;

    /** Zero for a virtual thread, which parks at less cost than it spins. */
    private int spins;
    /** Of a thread that drives the loop: the entry it runs has handed the loop to a body. Used by that thread only. */
    boolean handedOver;

    /**
     * The seat that waits for the first step of the body here to end, since that is eager. Used by the loop's owner.
     */
    private @Nullable Seat eagerCaller;
    /** When the step that the body here is taking began, by the system's clock, if that is wanted. */
    long stepStart;

    volatile @Nullable Thread thread;
    /** Set by {@link Baton} when the loop is handed over, taken by the thread. */
    volatile boolean granted;

    Seat(boolean virtual) {
        this.spins = virtual ? 0 : LEAST_SPINS;
    }

    /** The thread; null before it is made. */
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

    /** Wakes the thread, which has been given the loop and may be asleep. */
    void wake() {
        LockSupport.unpark(thread);
    }

    /** Lets a thread go that waits for a loop it will not get. */
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
                Thread.onSpinWait(); // a virtual thread's stack did not fit: the loop will come all the same
            }
            interrupted |= Thread.interrupted();
        }
        granted = false;
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
