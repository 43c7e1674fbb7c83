package asyncio;

import asyncio.internal.loop.LoopCore;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.util.context.ContextView;

/**
 * Returned by {@link Asyncio#runThreadsafe}: the outcome of a task, for use by other threads; cancelling it cancels the
 * task.
 */
final class ThreadsafeRun<T> extends CompletableFuture<@Nullable T> {
    private final EventLoop loop;
    /** Null until the task has been made. */
    private volatile @Nullable Task<T> task;

    private ThreadsafeRun(EventLoop loop) {
        this.loop = loop;
    }

    static <T> ThreadsafeRun<T> start(Mono<? extends T> coroutine, EventLoop loop) {
        ColdMono.adopt(Objects.requireNonNull(coroutine, "coroutine"));
        ThreadsafeRun<T> run = new ThreadsafeRun<>(loop);
        if (loop.getTaskFactory() == null) {
            run.begin(coroutine, ThreadLocals.current());
            return run;
        }
        ThreadsafeRun<T>.Beginning beginning = run.new Beginning(coroutine, ThreadLocals.current());
        if (!loop.core.enqueue(beginning)) {
            throw Misuse.loopClosed();
        }
        return run;
    }

    /**
     * Makes the task on the loop, since the task factory belongs to the loop: only there can the task start eagerly.
     */
    private final class Beginning extends Waiter {
        private final Mono<? extends T> coroutine;
        private final ContextView context;

        Beginning(Mono<? extends T> coroutine, ContextView context) {
            this.coroutine = coroutine;
            this.context = context;
        }

        @Override
        public void run() {
            try {
                begin(coroutine, context);
            } catch (RuntimeException | Error e) {
                completeExceptionally(e); // a thread may wait for it
                throw e; // for the exception handler too, as in asyncio; an Error ends the run
            }
        }

        @Override
        protected void loopClosed() {
            completeExceptionally(Misuse.loopClosed());
        }

        @Override
        LoopCore resumesOn() {
            return loop.core;
        }

        @Override
        public String toString() {
            return "runThreadsafe(" + coroutine + ")";
        }
    }

    private void begin(Mono<? extends T> coroutine, ContextView context) {
        if (isCancelled()) {
            return;
        }
        Task<T> task = loop.createTask(coroutine, null, context);
        this.task = task;
        if (isCancelled()) {
            task.cancel(); // cancelled before the task was visible
        }
        Transfer transfer = new Transfer(task);
        if (!task.addWaiter(transfer)) {
            transfer.run();
        }
    }

    /** Transfers the outcome of a thread's future into a Future; does nothing if that is done. */
    static <T> void transfer(@Nullable T result, @Nullable Throwable error, Future<T> target) {
        Throwable cause = error instanceof CompletionException && error.getCause() != null ? error.getCause() : error;
        if (cause == null) {
            target.trySetResult(result);
        } else if (cause instanceof CancellationException) {
            target.cancel(Log.message(cause));
        } else {
            target.trySetException(cause);
        }
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        boolean cancelled = super.cancel(mayInterruptIfRunning);
        Task<T> task = this.task;
        if (cancelled && task != null) {
            task.cancel();
        }
        return cancelled;
    }

    /** Returns a plain future for {@code thenApply} and others, which do not cancel the task. */
    @Override
    public <U> CompletableFuture<U> newIncompleteFuture() {
        return new CompletableFuture<>();
    }

    /** Runs dependent stages of the user on the loop's thread, as a callback. */
    private final class Transfer extends Waiter {
        private final Task<T> task;

        Transfer(Task<T> task) {
            this.task = task;
        }

        @Override
        public void run() {
            try {
                complete(task.result());
            } catch (CancellationException e) {
                ThreadsafeRun.super.cancel(false);
            } catch (Throwable e) {
                completeExceptionally(e);
            }
        }

        @Override
        LoopCore resumesOn() {
            return task.loop.core;
        }
    }
}
