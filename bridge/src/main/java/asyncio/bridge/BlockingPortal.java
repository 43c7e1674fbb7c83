package asyncio.bridge;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Suppressed;
import asyncio.Task;
import asyncio.ThreadLocals;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * Runs Monos and bodies from plain threads: as tasks on a loop, while the thread waits or continues. The tasks see the
 * {@link Asyncio#currentContext()} of the calling thread, and its ThreadLocals if
 * {@code io.micrometer:context-propagation} is on the class path.
 *
 * <pre>{@code
 * try (BlockingPortal portal = BlockingPortal.start()) {
 *     Page page = portal.call(() -> await(fetch(url)));           // waits
 *     CompletableFuture<Page> other = portal.submit(fetch(url2)); // does not; cancel reaches the task
 * }
 * }</pre>
 *
 * <p>Thread-safe. anyio: {@code BlockingPortal}, {@code start_blocking_portal}.
 */
public final class BlockingPortal implements AutoCloseable {
    private static final AtomicInteger COUNTER = new AtomicInteger();

    private final EventLoop loop;
    private final Set<Task<?>> tasks = ConcurrentHashMap.newKeySet();
    /**
     * Completing it ends the portal's own program; this and the thread are null if the loop is not the portal's own.
     */
    private final @Nullable Future<Void> program;

    private final @Nullable Thread thread;
    /** Guarded by this. */
    private boolean closed;

    private BlockingPortal(EventLoop loop, @Nullable Future<Void> program, @Nullable Thread thread) {
        this.loop = loop;
        this.program = program;
        this.thread = thread;
    }

    /** Starts a portal to a new loop, which a daemon thread runs until {@link #close}. */
    public static BlockingPortal start() {
        CompletableFuture<BlockingPortal> started = new CompletableFuture<>();
        Thread thread = new Thread(() -> run(started), "asyncio-portal-" + COUNTER.incrementAndGet());
        thread.setDaemon(true);
        thread.start();
        return started.join();
    }

    private static void run(CompletableFuture<BlockingPortal> started) {
        Thread thread = Thread.currentThread();
        try {
            Asyncio.run(() -> {
                Future<Void> program = new Future<>();
                started.complete(new BlockingPortal(EventLoop.getRunningLoop(), program, thread));
                Asyncio.await(program);
            });
        } catch (Throwable e) {
            if (!started.completeExceptionally(e)) {
                Thread.UncaughtExceptionHandler handler = thread.getUncaughtExceptionHandler();
                handler.uncaughtException(thread, e);
            }
        }
    }

    /** Returns a portal to an existing loop, for example {@link EventLoop#getRunningLoop} of a program. */
    public static BlockingPortal to(EventLoop loop) {
        return new BlockingPortal(Objects.requireNonNull(loop, "loop"), null, null);
    }

    /**
     * Runs a Mono as a task and waits for its result, which is null for an empty Mono. If this thread is interrupted,
     * it cancels the task and waits for it to end.
     *
     * @throws InterruptedException if this thread was interrupted; the task's error, if any, is added as suppressed
     * @throws IllegalStateException on a thread that must not block, such as the loop's; or if the portal is closed
     * @throws Exception the error of the Mono, unchanged
     */
    public <T> @Nullable T call(Mono<? extends T> mono) throws Exception {
        checkMayWait("call");
        Task<T> task = launch(mono);
        InterruptedException interruption = join(task);
        if (interruption == null) {
            return task.result();
        }
        if (!task.cancelled()) {
            Throwable error = task.exception();
            if (error != null) {
                Suppressed.add(interruption, error);
            }
        }
        throw interruption;
    }

    /** Like {@link #call(Mono)}, for a body, which may await. */
    public <T> @Nullable T call(Callable<? extends T> body) throws Exception {
        return call(Asyncio.async(body));
    }

    /**
     * Starts a Mono as a task. Ending the result early, by {@code cancel} or {@code orTimeout}, cancels the task.
     *
     * @throws IllegalStateException if the portal is closed
     */
    public <T> CompletableFuture<@Nullable T> submit(Mono<? extends T> mono) {
        return Futures.toCompletableFuture(this.<T>launch(mono), Cancellation.PROPAGATE);
    }

    /** Like {@link #submit(Mono)}, for a body, which may await. */
    public <T> CompletableFuture<@Nullable T> submit(Callable<? extends T> body) {
        return submit(Asyncio.async(body));
    }

    /** Cancels all tasks of this portal that have not ended. */
    public void cancel() {
        Future.cancelAll(tasks, null);
    }

    /**
     * Accepts no more calls, waits until the tasks of this portal have ended, then ends the loop if it is the portal's
     * own. If this thread is interrupted, it cancels the tasks but still waits for them; its interrupt status is then
     * set again.
     *
     * @throws IllegalStateException on a thread that must not block, such as the loop's
     */
    @Override
    public void close() {
        checkMayWait("close");
        synchronized (this) {
            closed = true;
        }
        boolean interrupted = false;
        for (Task<?> task : tasks) {
            if (join(task) != null) {
                interrupted = true;
                cancel();
            }
        }
        if (program != null && thread != null) {
            program.trySetResult(null);
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private <T> Task<T> launch(Mono<? extends T> mono) {
        Objects.requireNonNull(mono, "mono");
        Task<T> task;
        synchronized (this) {
            if (closed) {
                throw new IllegalStateException("The portal to " + loop + " is closed: start another");
            }
            task = loop.createTask(mono, null, ThreadLocals.capture());
            tasks.add(task);
        }
        task.addDoneCallback(tasks::remove);
        return task;
    }

    /** Waits until the task has ended; an interrupt cancels the task, and is returned. */
    private static @Nullable InterruptedException join(Task<?> task) {
        CountDownLatch done = new CountDownLatch(1);
        task.addDoneCallback(ended -> done.countDown());
        InterruptedException interruption = null;
        for (; ; ) {
            try {
                done.await();
                return interruption;
            } catch (InterruptedException e) {
                interruption = e;
                task.cancel("The waiting thread was interrupted");
            }
        }
    }

    private void checkMayWait(String what) {
        if (Schedulers.isInNonBlockingThread()) {
            throw new IllegalStateException(
                    what + " would block " + Thread.currentThread().getName()
                            + ", which must not block, and may be the thread of " + loop
                            + ": await the Mono there, or use submit");
        }
    }

    @Override
    public String toString() {
        return "<BlockingPortal to " + loop + ">";
    }
}
