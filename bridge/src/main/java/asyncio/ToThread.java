package asyncio;

import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.util.context.ContextView;

/** What {@link Asyncio#toThread} returns. */
final class ToThread<T> extends ColdMono<T> {
    private final Callable<? extends T> function;

    ToThread(Callable<? extends T> function) {
        super(function);
        this.function = function;
    }

    @Override
    @Nullable T awaitedBy(BodyTask<?> body) throws Exception {
        adopt();
        return body.await(Job.submit(body.loop, function, body.getContext()));
    }

    @Override
    void start(CoreSubscriber<? super T> actual) {
        EventLoop loop = EventLoop.runningOrShared();
        actual.onSubscribe(new OwnerSubscription<>(actual, () -> Job.submit(loop, function, actual.currentContext())));
    }

    /**
     * One call of the function. Cancelled before it has begun it never begins; after that it runs to its end unheard.
     */
    private static final class Job<T> implements Runnable {
        private final EventLoop loop;
        private final Callable<? extends T> function;
        private final ContextView context;
        /** Set by whoever comes first, the thread or the cancellation. */
        private final AtomicBoolean taken = new AtomicBoolean();

        final Future<T> future;

        Job(EventLoop loop, Callable<? extends T> function, ContextView context) {
            this.loop = loop;
            this.function = function;
            this.context = context;
            this.future = new Result<>(this);
        }

        /** Hands the call to a thread; the loop's virtual clock waits from here on. */
        static <T> Future<T> submit(EventLoop loop, Callable<? extends T> function, ContextView context) {
            Job<T> job = new Job<>(loop, function, context);
            loop.core.hold();
            try {
                loop.threads().execute(job);
            } catch (RuntimeException e) {
                loop.core.release();
                throw e;
            }
            return job.future;
        }

        @Override
        public void run() {
            if (!taken.compareAndSet(false, true)) {
                return;
            }
            T result = null;
            Throwable error = null;
            try {
                result = Asyncio.withContext(context, function);
            } catch (Throwable e) {
                error = e;
            }
            Outcome<T> outcome = new Outcome<>(this, result, error);
            if (!loop.core.enqueue(outcome)) {
                outcome.run();
            }
        }
    }

    /** The Future of a job, whose cancellation keeps the job from beginning. */
    static final class Result<T> extends Future<T> {
        private final Job<T> job;

        Result(Job<T> job) {
            super(job.loop);
            this.job = job;
        }

        @Override
        public boolean cancel(@Nullable String message) {
            boolean cancelled = super.cancel(message);
            if (cancelled && job.taken.compareAndSet(false, true)) {
                job.loop.core.release();
            }
            return cancelled;
        }
    }

    /** Brings the outcome to the loop; only there does the loop's virtual clock stop waiting for it. */
    private static final class Outcome<T> extends Waiter {
        private final Job<T> job;
        private final @Nullable T result;
        private final @Nullable Throwable error;

        Outcome(Job<T> job, @Nullable T result, @Nullable Throwable error) {
            this.job = job;
            this.result = result;
            this.error = error;
        }

        @Override
        public void run() {
            job.loop.core.release();
            if (error == null) {
                job.future.trySetResult(result);
            } else {
                job.future.trySetException(error);
            }
        }

        @Override
        boolean isInternal() {
            return true;
        }

        @Override
        EventLoop resumesOn() {
            return job.loop;
        }
    }

    @Override
    public String toString() {
        return "toThread(" + function.getClass().getName() + ")";
    }
}
