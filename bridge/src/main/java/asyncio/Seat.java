package asyncio;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A thread that can hold a loop, and the signal that hands the loop to it. */
class Seat {
    /** Turns of waiting before a platform thread parks: a hand-over that comes back at once then costs no system call. */
    private static final int SPINS = Runtime.getRuntime().availableProcessors() > 1 ? Integer.getInteger("asyncio.spins", 0) : 0;

    private final boolean spins;
    private volatile @Nullable Thread thread;
    private volatile boolean granted;

    Seat(boolean spins) {
        this.spins = spins;
    }

    @Nullable Thread thread() {
        return thread;
    }

    void thread(Thread thread) {
        this.thread = thread;
    }

    /** Whether the loop has been handed over but not been taken yet, for the watchdog. */
    boolean granted() {
        return granted;
    }

    /** Hands the loop over; the caller must not touch it afterwards. */
    void grant() {
        granted = true;
        LockSupport.unpark(thread);
    }

    /** Waits for the loop. An interrupt neither ends the wait nor gets lost. */
    void awaitGrant() {
        for (int i = spins ? SPINS : 0; i > 0 && !granted; i--) {
            Thread.onSpinWait();
        }
        boolean interrupted = false;
        while (!granted) {
            LockSupport.park(this);
            interrupted |= Thread.interrupted();
        }
        granted = false;
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
