package asyncio.testkit;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One run of a test's loop, on a separate thread, so that the waiting thread can give up if the loop does not return.
 */
final class LoopPhase<T> {
    private final CountDownLatch ended = new CountDownLatch(1);
    private final Thread thread;
    private @Nullable T result;
    private @Nullable Throwable failure;

    LoopPhase(String name, Callable<? extends @Nullable T> phase) {
        thread = new Thread(null, () -> execute(phase), "asyncio-test " + name, 0, false);
        thread.setDaemon(true);
        thread.setContextClassLoader(Thread.currentThread().getContextClassLoader());
        thread.start();
    }

    private void execute(Callable<? extends @Nullable T> phase) {
        try {
            result = phase.call();
        } catch (Throwable e) {
            failure = e;
        } finally {
            ended.countDown();
        }
    }

    /** Waits for its end; false if it has not ended within the limit. */
    boolean awaitEnd(Duration limit) throws InterruptedException {
        return ended.await(Math.max(0, limit.toNanos()), TimeUnit.NANOSECONDS);
    }

    /** Returns or throws the outcome, after it has ended. */
    @Nullable T result() throws Throwable {
        if (failure != null) {
            throw failure;
        }
        return result;
    }
}
