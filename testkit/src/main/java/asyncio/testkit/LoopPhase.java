package asyncio.testkit;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One run of a test's loop, on a thread of its own: whoever waits for it can go away when the loop does not come back.
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

    /** Whether it ends within the limit. */
    boolean awaitEnd(Duration limit) throws InterruptedException {
        return ended.await(Math.max(0, limit.toNanos()), TimeUnit.NANOSECONDS);
    }

    /** The outcome, when it has ended. */
    @Nullable T result() throws Throwable {
        if (failure != null) {
            throw failure;
        }
        return result;
    }
}
