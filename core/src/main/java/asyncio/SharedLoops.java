package asyncio;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Schedulers;

/**
 * The loops behind Monos that are subscribed where no loop runs: one a processor, each on a daemon thread of its own.
 * From {@link EventLoop#shared()}; thread-safe.
 */
public final class SharedLoops implements Iterable<EventLoop> {
    /** The time that a loop may take to finish its tick when it is stopped. */
    private static final long STOP_NANOS = TimeUnit.SECONDS.toNanos(1);

    private static @Nullable SharedLoops current;

    private final List<EventLoop> loops;
    private final List<Thread> threads = new ArrayList<>();
    /** The loops that {@link #close} has stopped for good. */
    private final Set<EventLoop> stopped = ConcurrentHashMap.newKeySet();

    private final AtomicInteger turn = new AtomicInteger();

    private SharedLoops(int count) {
        List<EventLoop> made = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            made.add(EventLoop.newEventLoop());
        }
        loops = List.copyOf(made);
        for (EventLoop loop : loops) {
            CompletableFuture<Void> started = new CompletableFuture<>();
            loop.callSoon(() -> started.complete(null));
            Thread thread = new Thread(null, () -> runForever(loop), loop.getName() + "-shared", 0, false);
            thread.setDaemon(true);
            threads.add(thread);
            thread.start();
            started.join();
        }
    }

    /** A callback's Error or stop() ends a run; these loops have nobody who could run them again, so they go on. */
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
        } while (!stopped.contains(loop)); // while they are shut down as well: others still clean up
    }

    private static void goOnAfter(Throwable e, EventLoop loop) {
        try {
            Log.error("An error stopped shared loop " + loop + ", which resumes", e);
        } catch (Throwable again) {
            // no memory even to say so: the loop needs its thread all the same
            Thread.onSpinWait();
        }
    }

    static synchronized SharedLoops get() {
        SharedLoops shared = current;
        if (shared == null) {
            shared = new SharedLoops(Runtime.getRuntime().availableProcessors());
            current = shared;
        }
        return shared;
    }

    static boolean shutdown(Duration timeout) {
        if (timeout.isNegative()) {
            throw new IllegalArgumentException("The timeout must not be negative: " + timeout);
        }
        if (Schedulers.isInNonBlockingThread()) {
            throw new IllegalStateException("shutdownShared blocks, which thread "
                    + Thread.currentThread().getName()
                    + " must not: call it from the thread that ends the application");
        }
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
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return inTime;
    }

    /** On the loop: cancels until no task is left, new ones included, and what is being closed is. */
    private static void cancelAll(EventLoop loop, CompletableFuture<Void> end) {
        Set<Task<?>> tasks = loop.allTasks();
        if (tasks.isEmpty()) {
            awaitClosings(loop, end);
            return;
        }
        if (tasks.stream().allMatch(Task::isGenerator)) {
            Task.closeGenerators(tasks);
        } else {
            tasks.removeIf(Task::isGenerator); // which the others may use to the last
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

    /** On the loop: waits for what is being closed, and what that closes in turn. */
    private static void awaitClosings(EventLoop loop, CompletableFuture<Void> end) {
        Future<?> one = loop.closings.stream().findAny().orElse(null);
        if (one == null) {
            end.complete(null);
        } else {
            one.addDoneCallback(done -> awaitClosings(loop, end));
        }
    }

    /** True if the thread was interrupted, which ends the wait. */
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

    /** True if the thread was interrupted, which does not end the wait: a loop must not be closed while it runs. */
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

    /** The loops take turns. */
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
}
