package asyncio;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A loop's threads for blocking calls: platform threads, since a blocking call on a virtual thread could keep a
 * processor from the loop. At most as many as asyncio's default executor has, and none after a minute without work.
 */
final class ThreadExecutor {
    private final ThreadPoolExecutor pool;
    private volatile boolean done;
    private volatile Runnable terminated = () -> {};

    ThreadExecutor(EventLoop loop) {
        int threads = Math.min(32, Runtime.getRuntime().availableProcessors() + 4);
        AtomicInteger count = new AtomicInteger();
        pool =
                new ThreadPoolExecutor(threads, threads, 60, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), job -> {
                    Thread thread = new Thread(null, job, loop.name() + "-thread-" + count.incrementAndGet(), 0, false);
                    thread.setDaemon(true);
                    thread.setContextClassLoader(loop.contextClassLoader);
                    return thread;
                }) {
                    @Override
                    protected void terminated() {
                        done = true;
                        terminated.run();
                    }
                };
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

    /** As {@link #close}, and calls back, on some thread, when the last job has ended. */
    void close(Runnable terminated) {
        this.terminated = terminated;
        pool.shutdown();
    }

    /** Whether that has happened. */
    boolean isTerminated() {
        return done;
    }
}
