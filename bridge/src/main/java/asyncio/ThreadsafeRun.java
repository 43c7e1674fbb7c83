package asyncio;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** What {@link Asyncio#runThreadsafe} returns: the outcome of a task, for threads; cancelling it cancels the task. */
final class ThreadsafeRun<T> extends CompletableFuture<@Nullable T> {
    private final Task<T> task;

    private ThreadsafeRun(Task<T> task) {
        this.task = task;
    }

    static <T> ThreadsafeRun<T> start(Mono<? extends T> coroutine, EventLoop loop) {
        Task<T> task = loop.createTask(coroutine);
        ThreadsafeRun<T> run = new ThreadsafeRun<>(task);
        Waiter transfer = run.new Transfer();
        if (!task.addWaiter(transfer)) {
            transfer.run();
        }
        return run;
    }

    /** The outcome of a thread's future, into one of ours; nothing happens if that is done. */
    static <T> void transfer(@Nullable T result, @Nullable Throwable error, Future<T> target) {
        Throwable cause = error instanceof CompletionException && error.getCause() != null ? error.getCause() : error;
        if (cause == null) {
            target.trySetResult(result);
        } else if (cause instanceof CancellationException) {
            target.cancel(cause.getMessage());
        } else {
            target.trySetException(cause);
        }
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        boolean cancelled = super.cancel(mayInterruptIfRunning);
        if (cancelled) {
            task.cancel();
        }
        return cancelled;
    }

    /** Not what {@code thenApply} and others return: those are plain futures. */
    @Override
    public <U> CompletableFuture<U> newIncompleteFuture() {
        return new CompletableFuture<>();
    }

    /** Runs dependent stages of the user on the loop's thread, as a callback. */
    private final class Transfer extends Waiter {
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
        EventLoop resumesOn() {
            return task.loop;
        }
    }
}
