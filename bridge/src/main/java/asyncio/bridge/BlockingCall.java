package asyncio.bridge;

import asyncio.Asyncio;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.Disposable;

/** One blocking call for a callback. Its monitor confines the interrupt to the call, since the thread is shared. */
final class BlockingCall<T> implements Callable<@Nullable T>, Disposable {
    private final Callable<? extends @Nullable T> call;
    private final boolean interrupt;
    private final Callback<T> callback;
    /** Both guarded by this. */
    private @Nullable Thread runner;

    private boolean cancelled;

    private BlockingCall(Callable<? extends @Nullable T> call, boolean interrupt, Callback<T> callback) {
        this.call = call;
        this.interrupt = interrupt;
        this.callback = callback;
    }

    /** Starts a call on one of the threads of {@link Asyncio#toThread}, or of an executor. */
    static <T> void start(
            Callable<? extends @Nullable T> call, boolean interrupt, Callback<T> callback, @Nullable Executor threads) {
        BlockingCall<T> job = new BlockingCall<>(call, interrupt, callback);
        Disposable running = Asyncio.toThread(job, threads)
                .contextWrite(callback.context())
                .subscribe(unused -> {}, callback::failure);
        callback.onCancel(job, running); // before it starts, the job is skipped; later it is interrupted
    }

    /**
     * Runs in the thread. It reports to the callback itself, so that the outcome takes one tick of the loop instead of
     * two.
     */
    @Override
    public @Nullable T call() throws Exception {
        synchronized (this) {
            if (cancelled) {
                return null;
            }
            runner = Thread.currentThread();
        }
        T value = null;
        Throwable error = null;
        try {
            value = call.call();
            if (value instanceof Publisher<?>) {
                value = null;
                throw new IllegalStateException(
                        "The blocking call returned a Publisher, which nothing would subscribe "
                                + "to: did you forget await(...)? Await it without Blocking, or call block() on it inside the call");
            }
        } catch (ExecutionException e) {
            error = Outcomes.unwrap(e);
        } catch (Throwable e) {
            error = e;
        }
        boolean stopped;
        synchronized (this) {
            runner = null;
            stopped = cancelled && interrupt;
        }
        if (stopped) {
            Thread.interrupted(); // the interrupt of dispose(), if it came too late for the call
        }
        if (error == null) {
            callback.success(value);
        } else if (!stopped || !Outcomes.isInterruption(error)) {
            callback.failure(error);
        }
        return null;
    }

    @Override
    public synchronized void dispose() {
        cancelled = true;
        if (interrupt && runner != null) {
            runner.interrupt();
        }
    }
}
