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
 * The way from plain threads to Monos and bodies: they run as tasks on a loop, while the thread waits, or goes on. What
 * is called sees the {@link Asyncio#currentContext()} of the thread that calls, and its ThreadLocals if
 * {@code io.micrometer:context-propagation} is there.
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
    /** Completing it ends the portal's own program; that, and its thread, are null on a loop of others. */
    private final @Nullable Future<Void> program;

    private final @Nullable Thread thread;
    /** Guarded by this. */
    private boolean closed;

    private BlockingPortal(EventLoop loop, @Nullable Future<Void> program, @Nullable Thread thread) {
        this.loop = loop;
        this.program = program;
        this.thread = thread;
    }

    /** A portal to a new loop, which a daemon thread runs until {@link #close}. */
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

    /** A portal to a loop that others run, {@link EventLoop#getRunningLoop} of a program say. */
    public static BlockingPortal to(EventLoop loop) {
        return new BlockingPortal(Objects.requireNonNull(loop, "loop"), null, null);
    }

    /**
     * Runs a Mono as a task and waits for its result, null for an empty one. If this thread is interrupted, the task is
     * cancelled, and waited for.
     *
     * @throws InterruptedException if this thread was interrupted; an error that the task ended with is suppressed
     * @throws IllegalStateException on a thread that must not block, such as the loop's; or if the portal is closed
     * @throws Exception what the Mono fails with, as it is
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

    /** As {@link #call(Mono)}, for a body, which may await. */
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

    /** As {@link #submit(Mono)}, for a body, which may await. */
    public <T> CompletableFuture<@Nullable T> submit(Callable<? extends T> body) {
        return submit(Asyncio.async(body));
    }

    /** Cancels all tasks that were started here and have not ended. */
    public void cancel() {
        Future.cancelAll(tasks, null);
    }

    /**
     * Takes no more calls, waits until the tasks that were started here have ended, then ends the loop if that is the
     * portal's own. If this thread is interrupted, the tasks are cancelled, and waited for all the same; then it is
     * interrupted again.
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

    /** Waits until it has ended; an interruption cancels it, and is returned. */
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
                task.cancel("The thread that waits was interrupted");
            }
        }
    }

    private void checkMayWait(String what) {
        if (Schedulers.isInNonBlockingThread()) {
            throw new IllegalStateException(
                    what + " would block " + Thread.currentThread().getName()
                            + ", which must not block, and may be the one that " + loop
                            + " runs on: await the Mono there, or use submit");
        }
    }

    @Override
    public String toString() {
        return "<BlockingPortal to " + loop + ">";
    }
}
