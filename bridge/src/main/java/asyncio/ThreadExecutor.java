package asyncio;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A loop's threads for blocking calls: platform threads, since a blocking call on a virtual thread could keep a processor from the loop. At most as
 * many as asyncio's default executor has, and none after a minute without work.
 */
final class ThreadExecutor {
    private final ThreadPoolExecutor pool;

    ThreadExecutor(String loopName) {
        int threads = Math.min(32, Runtime.getRuntime().availableProcessors() + 4);
        AtomicInteger count = new AtomicInteger();
        pool = new ThreadPoolExecutor(threads, threads, 60, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), job -> {
            Thread thread = new Thread(null, job, loopName + "-thread-" + count.incrementAndGet(), 0, false);
            thread.setDaemon(true);
            return thread;
        });
        pool.allowCoreThreadTimeOut(true);
    }

    void execute(Runnable job) {
        try {
            pool.execute(job);
        } catch (RejectedExecutionException e) {
            throw new IllegalStateException("toThread: the event loop is closed, and so are its threads", e);
        }
    }

    /** Takes no more work; what runs, runs to its end. */
    void close() {
        pool.shutdown();
    }

    /** Takes no more work and waits for what is there; false if the time was not enough. */
    boolean closeAndJoin(long seconds) throws InterruptedException {
        pool.shutdown();
        return pool.awaitTermination(seconds, TimeUnit.SECONDS);
    }
}
