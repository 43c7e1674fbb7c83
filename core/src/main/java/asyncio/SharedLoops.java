package asyncio;

import asyncio.internal.loop.DaemonThreads;
import io.netty.util.concurrent.GlobalEventExecutor;
import io.netty.util.concurrent.ImmediateEventExecutor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Schedulers;

/**
 * The loops for Monos that are subscribed where no loop runs: one per processor (unless {@code -Dasyncio.loops.size} is
 * set), each on its own daemon thread. Returned by {@link EventLoop#shared()}; thread-safe.
 *
 * <p>The loops belong to the process. A component that is started and stopped within it, such as an application
 * context, {@link #lease leases} them and releases them at its end, so that the loops stay open for the other
 * components.
 */
public final class SharedLoops implements Iterable<EventLoop> {
    /** The time that a stopped loop has to finish its tick. */
    private static final long STOP_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Guarded by this class, as is the number of leases. */
    private static @Nullable SharedLoops current;

    private final List<EventLoop> loops;
    private final List<Thread> threads = new ArrayList<>();
    /** The loops that {@link #close} has stopped permanently. */
    private final Set<EventLoop> stopped = ConcurrentHashMap.newKeySet();

    private final AtomicInteger turn = new AtomicInteger();
    private int leases;

    private SharedLoops(int count) {
        loops = newLoops(count);
        for (EventLoop loop : loops) {
            CompletableFuture<Void> started = new CompletableFuture<>();
            loop.callSoon(() -> started.complete(null));
            Thread thread = DaemonThreads.newThread(() -> runForever(loop), loop.getName() + "-shared", 0);
            loop.contextLoader.giveTo(thread);
            threads.add(thread);
            thread.start();
            started.join();
        }
    }

    /**
     * Makes the loops on a new thread. Netty's classes keep exceptions that are made when the classes are initialized,
     * and the stacks of these keep the class loaders of all callers: here only those of the JDK, Netty and this
     * library.
     */
    private static List<EventLoop> newLoops(int count) {
        CompletableFuture<List<EventLoop>> made = new CompletableFuture<>();
        Thread maker = DaemonThreads.newThread(
                () -> {
                    try {
                        ImmediateEventExecutor.INSTANCE.terminationFuture();
                        GlobalEventExecutor.INSTANCE.terminationFuture();
                        List<EventLoop> loops = new ArrayList<>();
                        for (int i = 0; i < count; i++) {
                            loops.add(EventLoop.newEventLoop());
                        }
                        made.complete(List.copyOf(loops));
                    } catch (Throwable e) { // for the caller that asks for the loops
                        made.completeExceptionally(e);
                    }
                },
                "asyncio-shared-loops",
                0);
        maker.setContextClassLoader(Thread.currentThread().getContextClassLoader());
        maker.start();
        try {
            return made.join();
        } catch (CompletionException e) {
            throw Misuse.<RuntimeException>sneaky(Objects.requireNonNull(e.getCause()));
        }
    }

    /**
     * Runs a loop until it is closed. An Error of a callback or a stop() ends a run, and no other code would run these
     * loops again.
     */
    private void runForever(EventLoop loop) {
        do {
            try {
                loop.runForever();
                if (!stopped.contains(loop)) {
                    Log.warn(
                            "stop() was called on shared loop " + loop + ", which keeps running: others use it too",
                            null);
                }
            } catch (Throwable e) {
                goOnAfter(e, loop);
            }
        } while (!stopped.contains(loop)); // also during shutdown: other tasks still clean up
    }

    private static void goOnAfter(Throwable e, EventLoop loop) {
        try {
            Log.error("An error stopped shared loop " + loop + ", which resumes", e);
        } catch (Throwable again) {
            // no memory even to log it: the loop needs its thread all the same
            Thread.onSpinWait();
        }
    }

    static synchronized SharedLoops get() {
        SharedLoops shared = current;
        if (shared == null) {
            shared = new SharedLoops(configuredSize());
            current = shared;
        }
        return shared;
    }

    private static int configuredSize() {
        int size = Integer.getInteger("asyncio.loops.size", Runtime.getRuntime().availableProcessors());
        if (size < 1) {
            throw new IllegalArgumentException("asyncio.loops.size must be at least 1, not " + size);
        }
        return size;
    }

    /**
     * Leases the shared loops, starting them if there are none: they run at least until this lease is released. The
     * release of the last lease cancels the remaining tasks and closes the loops, and a later use starts new ones; an
     * earlier release leaves the loops, and all work on them, to the other tenants. For components that are started and
     * stopped within a process: application contexts, plug-ins, test suites. From any thread.
     *
     * <p>Only {@link EventLoop#shutdownShared} ends the loops while there are leases, which then become void.
     *
     * <pre>{@code
     * try (SharedLoops.Lease lease = SharedLoops.lease()) {
     *     lease.loops().forEach(loop -> System.out.println(loop.dumpTasks()));
     * }
     * }</pre>
     *
     * @since 0.1
     */
    public static synchronized Lease lease() {
        SharedLoops shared = get();
        shared.leases++;
        return new Lease(shared);
    }

    /** Returns whether these loops are to be closed now; the next caller that asks for loops then gets new ones. */
    private static synchronized boolean isLastReleaseOf(SharedLoops loops) {
        loops.leases--;
        if (loops.leases > 0 || current != loops) {
            return false; // in use, or shut down for all
        }
        current = null;
        return true;
    }

    private static void check(String method, Duration timeout) {
        if (timeout.isNegative()) {
            throw new IllegalArgumentException("The timeout must not be negative: " + timeout);
        }
        if (Schedulers.isInNonBlockingThread()) {
            throw new IllegalStateException(method + " blocks, which thread "
                    + Thread.currentThread().getName()
                    + " must not: call it from the thread that ends the application");
        }
    }

    static boolean shutdown(Duration timeout) {
        check("shutdownShared", timeout);
        SharedLoops ending;
        synchronized (SharedLoops.class) {
            ending = current;
            current = null;
        }
        return ending == null || ending.close(timeout);
    }

    private boolean close(Duration timeout) {
        long deadline = System.nanoTime() + Math.min(EventLoop.saturatedNanos(timeout), Long.MAX_VALUE / 2);
        boolean interrupted = Thread.interrupted();
        List<CompletableFuture<Void>> ends = new ArrayList<>();
        for (EventLoop loop : loops) {
            CompletableFuture<Void> end = new CompletableFuture<>();
            ends.add(end);
            loop.callSoonThreadsafe(() -> cancelAll(loop, end));
        }
        boolean inTime = true;
        for (int i = 0; i < loops.size(); i++) {
            EventLoop loop = loops.get(i);
            interrupted |= awaitUntil(deadline, ends.get(i));
            inTime &= ends.get(i).isDone();
            stopped.add(loop);
            loop.stop();
            interrupted |= joinUntil(Math.max(deadline, System.nanoTime() + STOP_NANOS), threads.get(i));
            if (threads.get(i).isAlive()) {
                Log.warn("Shared loop " + loop + " is stuck in a callback or a body and was not closed", null);
                inTime = false;
            } else {
                loop.close();
            }
        }
        threads.clear(); // which keep their context class loader
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return inTime;
    }

    /** On the loop: cancels until no task is left, new ones included, then waits for pending closings. */
    private static void cancelAll(EventLoop loop, CompletableFuture<Void> end) {
        Set<Task<?>> tasks = loop.allTasks();
        if (tasks.isEmpty()) {
            awaitClosings(loop, end);
            return;
        }
        if (tasks.stream().allMatch(Task::isGenerator)) {
            Task.closeGenerators(tasks);
        } else {
            tasks.removeIf(Task::isGenerator); // which the others may use until they end
            Future.cancelAll(tasks, "The shared event loops are shut down");
        }
        AtomicInteger left = new AtomicInteger(tasks.size());
        for (Task<?> task : tasks) {
            task.addDoneCallback(done -> {
                if (left.decrementAndGet() == 0) {
                    cancelAll(loop, end);
                }
            });
        }
    }

    /** On the loop: waits for pending closings, and for the closings that these start. */
    private static void awaitClosings(EventLoop loop, CompletableFuture<Void> end) {
        Future<?> one = loop.closings.stream().findAny().orElse(null);
        if (one == null) {
            end.complete(null);
        } else {
            one.addDoneCallback(done -> awaitClosings(loop, end));
        }
    }

    /** Waits; returns true if the thread was interrupted, which ends the wait. */
    private static boolean awaitUntil(long deadline, CompletableFuture<Void> end) {
        try {
            end.get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
            return false;
        } catch (InterruptedException e) {
            return true;
        } catch (ExecutionException | TimeoutException e) {
            return false; // out of time
        }
    }

    /**
     * Waits; returns true if the thread was interrupted, which does not end the wait: a loop must not be closed while
     * it runs.
     */
    private static boolean joinUntil(long deadline, Thread thread) {
        boolean interrupted = false;
        for (long left; thread.isAlive() && (left = deadline - System.nanoTime()) > 0; ) {
            try {
                thread.join(Math.max(1, TimeUnit.NANOSECONDS.toMillis(left)));
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        return interrupted;
    }

    /** Returns the next loop; the loops take turns. */
    public EventLoop next() {
        return loops.get(Math.floorMod(turn.getAndIncrement(), loops.size()));
    }

    /** Returns the number of loops. */
    public int size() {
        return loops.size();
    }

    @Override
    public Iterator<EventLoop> iterator() {
        return loops.iterator();
    }

    /**
     * The right to use the shared loops until {@link #release}; returned by {@link SharedLoops#lease}. Thread-safe.
     *
     * @since 0.1
     */
    public static final class Lease implements AutoCloseable {
        private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(10);

        private final SharedLoops loops;
        private final AtomicBoolean released = new AtomicBoolean();

        private Lease(SharedLoops loops) {
            this.loops = loops;
        }

        /** Returns the leased loops; also after the release, when they may be closed. */
        public SharedLoops loops() {
            return loops;
        }

        /**
         * Releases the loops. If this is the last lease, cancels all tasks of the loops, waits for them and closes the
         * loops, and blocks until then. Otherwise nothing happens to the loops or their tasks. Releasing again does
         * nothing, and does not wait for a release in progress on another thread.
         *
         * @param timeout the longest time to wait for the tasks; those left after it are destroyed
         * @return false if tasks were waited for and some did not end in time
         * @throws IllegalStateException on a thread that runs a loop
         * @throws IllegalArgumentException if the timeout is negative
         */
        public boolean release(Duration timeout) {
            check("release", timeout);
            return !released.compareAndSet(false, true) || !isLastReleaseOf(loops) || loops.close(timeout);
        }

        /** Like {@link #release}, with a limit of ten seconds. */
        @Override
        public void close() {
            release(CLOSE_TIMEOUT);
        }

        @Override
        public String toString() {
            return "<Lease of " + loops.size() + " shared loops" + (released.get() ? " released>" : ">");
        }
    }
}
