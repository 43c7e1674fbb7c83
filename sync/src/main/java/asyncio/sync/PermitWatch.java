package asyncio.sync;

import asyncio.Flight;
import asyncio.Log;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Represents a permit that went to an operator or became the result of a task, and may be dropped there: the garbage
 * collector then finds the permit unreachable while this watch, which its source holds, is reachable. Permits of bodies
 * and of scopes are not watched: they cannot be dropped.
 */
final class PermitWatch extends WeakReference<Permit> {
    private static final ReferenceQueue<Permit> DROPPED = new ReferenceQueue<>();
    private static final AtomicReference<@Nullable Thread> WATCHER = new AtomicReference<>();
    /** The time for which the watching thread stays alive while no permit is taken or requested. */
    private static final long IDLE_MILLIS = 600_000;
    /** Whether a permit was taken or requested since the thread last looked. */
    private static volatile boolean wanted;
    /** Whether there has ever been a watch; without one no thread is needed. */
    private static volatile boolean used;

    private final PermitSource source;
    final int permits;
    private final @Nullable Throwable origin;

    PermitWatch(Permit permit, PermitSource source, int permits, @Nullable Throwable origin) {
        super(permit, DROPPED);
        this.source = source;
        this.permits = permits;
        this.origin = origin;
        beginWatching();
    }

    private static void beginWatching() {
        if (!used) {
            used = true;
        }
        ensureWatching();
    }

    /** Makes sure that dropped permits are found; called whenever there may be a waiter for one. */
    static void ensureWatching() {
        if (!used) {
            return;
        }
        if (!wanted) {
            wanted = true;
        }
        if (WATCHER.get() == null) {
            startWatcher();
        }
    }

    private static void startWatcher() {
        Thread watcher = new Thread(null, PermitWatch::watch, "asyncio-permits", 0, false);
        watcher.setDaemon(true);
        watcher.setContextClassLoader(null);
        if (WATCHER.compareAndSet(null, watcher)) {
            try {
                watcher.start();
            } catch (Throwable e) { // no thread available: the next acquisition tries again
                WATCHER.set(null);
                throw e;
            }
        }
    }

    private static void watch() {
        boolean idle = false;
        while (!idle) {
            try {
                wanted = false;
                Reference<? extends Permit> dropped = DROPPED.remove(IDLE_MILLIS);
                idle = dropped == null && !wanted;
                if (dropped instanceof PermitWatch watch) {
                    watch.report();
                }
            } catch (InterruptedException e) {
                idle = true; // the thread is asked to end; the next permit starts another one
            } catch (
                    Throwable
                            e) { // from a toString or a logger; without this no thread would look for permits any more
                reportFailed(e);
            }
        }
        WATCHER.set(null);
        if (wanted) {
            startWatcher(); // set by a thread that saw this one still running
        }
    }

    private static void reportFailed(Throwable e) {
        try {
            Log.error("Cannot report a dropped permit", e);
        } catch (Throwable again) {
            // no memory even for the log entry: there may be some for the next permit
            Thread.onSpinWait();
        }
    }

    /** Reports the permit, unless it has been released by hand in the meantime. */
    private void report() {
        if (!source.holds(this)) {
            return;
        }
        String what = "Permit lost: " + source.target(permits)
                + " was dropped without being released: an operator after acquire() has let go of it (timeout, zip, "
                + "firstWithSignal ...). Use withLock(...) or withPermit(...), which lose none, and acquire(Duration) for a "
                + "deadline";
        if (source.reclaims()) {
            source.reclaim(this); // first, since others wait for it
            warn(what + ". It is released now");
        } else if (!source.releasedByHand()) {
            warn(what);
        }
    }

    private void warn(String what) {
        Flight.permitDropped(what);
        Log.warn(origin == null ? what + ". Debug mode shows where it was acquired" : what, origin);
    }
}
