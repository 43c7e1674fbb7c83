package asyncio;

import asyncio.internal.loop.LoopCore;
import asyncio.internal.loop.TimeHolds;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * One call of a function in an executor, for a loop. If it is cancelled before it has begun, it never begins; after
 * that it runs to its end, and its result is discarded or its error dropped. The loop's virtual clock waits for it.
 */
final class ExecutorJob<T> implements Runnable {
    private final EventLoop loop;
    private final Callable<? extends T> function;
    private final ContextView context;
    /** Set by the thread or the cancellation, the first of the two. */
    private final AtomicBoolean taken = new AtomicBoolean();

    private final Result<T> future;
    /** Created before the call: a call that has filled the memory must be reported, too. */
    private final Outcome<T> outcome = new Outcome<>(this);

    private final TimeHolds.@Nullable Hold hold;

    private ExecutorJob(EventLoop loop, Callable<? extends T> function, ContextView context) {
        this.loop = loop;
        this.function = function;
        this.context = context;
        this.future = new Result<>(this);
        this.hold = loop.core.hold("work in another thread", future.origin());
    }

    /**
     * Passes the call to the executor.
     *
     * @throws java.util.concurrent.RejectedExecutionException if the executor rejects it; then the function does not
     *     run
     */
    static <T> Future<T> submit(
            EventLoop loop, Executor executor, Callable<? extends T> function, ContextView context) {
        ExecutorJob<T> job = new ExecutorJob<>(loop, function, context);
        loop.executor.handedOver();
        try {
            executor.execute(job);
        } catch (RuntimeException | Error e) {
            job.giveUp();
            throw e;
        }
        return job.future;
    }

    /** Keeps it from beginning, unless it has begun. */
    private void giveUp() {
        if (taken.compareAndSet(false, true)) {
            loop.executor.taken(false);
            letTimeGo();
        }
    }

    private void letTimeGo() {
        if (hold != null) {
            hold.release();
        }
    }

    private Context context() {
        return Context.of(context);
    }

    @Override
    public void run() {
        if (!taken.compareAndSet(false, true)) {
            return;
        }
        loop.executor.taken(true);
        try {
            T result = Contexts.callWith(context, function);
            if (result instanceof Mono<?> mono) {
                ColdMono.adopt(mono); // one complaint is enough
            }
            Misuse.checkNotPublisherFromThread(result);
            outcome.result = result;
        } catch (Throwable e) {
            outcome.error = e;
        }
        loop.executor.ended();
        if (!loop.core.enqueue(outcome)) {
            outcome.run();
        }
    }

    /** The Future of a job; cancelling it keeps the job from beginning. */
    static final class Result<T> extends Future.Owned<T> {
        private final ExecutorJob<T> job;

        Result(ExecutorJob<T> job) {
            super(job.loop);
            this.job = job;
        }

        @Override
        public boolean cancel(@Nullable String message) {
            boolean cancelled = super.cancel(message);
            if (cancelled) {
                job.giveUp();
            }
            return cancelled;
        }
    }

    /** Brings the outcome to the loop; only there does the loop's virtual clock stop waiting for it. */
    private static final class Outcome<T> extends Waiter {
        private final ExecutorJob<T> job;
        private @Nullable T result;
        private @Nullable Throwable error;

        Outcome(ExecutorJob<T> job) {
            this.job = job;
        }

        @Override
        public void run() {
            job.letTimeGo();
            if (error == null ? !job.future.trySetResult(result) : !job.future.trySetException(error)) {
                // the hooks are the user's, and this may be a body's thread
                EventLoop.runOrHere(job.loop, new Handle(job.loop, this::drop, job.context));
            }
        }

        /** The job was cancelled while it ran. */
        private void drop() {
            if (error == null) {
                Operators.onDiscard(result, job.context());
            } else if (!(error instanceof CancellationException)) {
                Operators.onErrorDropped(error, job.context());
            }
        }

        @Override
        protected boolean isInternal() {
            return true;
        }

        @Override
        LoopCore resumesOn() {
            return job.loop.core;
        }
    }
}
