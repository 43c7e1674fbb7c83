package asyncio.sync;

import asyncio.Flight;
import asyncio.Log;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Stands for a permit that went to an operator or became the result of a task, and may be dropped there: then the
 * collector finds the permit unreachable while this, which its source holds, is not. Permits of bodies and of scopes
 * are not watched: nobody can drop them.
 */
final class PermitWatch extends WeakReference<Permit> {
    private static final ReferenceQueue<Permit> DROPPED = new ReferenceQueue<>();
    private static final AtomicReference<@Nullable Thread> WATCHER = new AtomicReference<>();
    /** The time that the thread which waits for the collector's findings stays when no permit is taken or wanted. */
    private static final long IDLE_MILLIS = 600_000;
    /** Whether a permit was taken or wanted since the thread last looked. */
    private static volatile boolean wanted;
    /** There has been one of these: else there is nothing to find, and no thread is needed. */
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

    /** Sees to it that dropped permits are found; called whenever somebody might wait for one. */
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
            } catch (Throwable e) { // no thread to be had: the next one who wants a permit tries again
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
                idle = true; // somebody wants the thread to go; the next permit starts another one
            } catch (Throwable e) { // of a toString, or of a logger; nobody would look for permits any more
                reportFailed(e);
            }
        }
        WATCHER.set(null);
        if (wanted) {
            startWatcher(); // by one who saw this thread in its place
        }
    }

    private static void reportFailed(Throwable e) {
        try {
            Log.error("Cannot report a permit that was dropped", e);
        } catch (Throwable again) {
            // no memory even to say so: there may be some for the next permit
            Thread.onSpinWait();
        }
    }

    /** Unless it has been released by hand meanwhile. */
    private void report() {
        if (!source.holds(this)) {
            return;
        }
        String what = "Permit lost: " + source.target(permits)
                + " was dropped without being released: an operator after acquire() has let go of it (timeout, zip, "
                + "firstWithSignal ...). Use withLock(...) or withPermit(...), which lose none, and acquire(Duration) for a "
                + "deadline";
        if (source.reclaims()) {
            source.reclaim(this); // first: others wait for it
            warn(what + ". It is released now");
        } else if (!source.releasedByHand()) {
            warn(what);
        }
    }

    private void warn(String what) {
        Flight.permitDropped(what);
        Log.warn(origin == null ? what + ". Debug mode tells where it was acquired" : what, origin);
    }
}
