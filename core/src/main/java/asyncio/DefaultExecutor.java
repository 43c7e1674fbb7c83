package asyncio;

import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.util.context.Context;

/**
 * A loop's threads for blocking calls, from any thread. Unless the user sets others: platform threads, since a blocking
 * call on a virtual thread could keep a processor from the loop; at most as many as asyncio's default executor has, and
 * none after a minute without work.
 */
final class DefaultExecutor {
    private final EventLoop loop;
    /** Both guarded by this. */
    private @Nullable ExecutorService service;

    private boolean shutDown;

    DefaultExecutor(EventLoop loop) {
        this.loop = loop;
    }

    /** @throws IllegalStateException if it was shut down */
    synchronized ExecutorService get() {
        if (shutDown) {
            throw Misuse.executorShutDown(loop);
        }
        ExecutorService service = this.service;
        if (service == null) {
            service = newService();
            this.service = service;
        }
        return service;
    }

    synchronized void set(ExecutorService service) {
        if (shutDown) {
            throw Misuse.executorShutDown(loop);
        }
        this.service = service;
    }

    private ExecutorService newService() {
        int threads = Math.min(32, Runtime.getRuntime().availableProcessors() + 4);
        AtomicInteger count = new AtomicInteger();
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                threads,
                threads,
                60,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                job -> {
                    Thread thread = new Thread(null, job, loop.name() + "-thread-" + count.incrementAndGet(), 0, false);
                    thread.setDaemon(true);
                    thread.setContextClassLoader(loop.contextClassLoader);
                    return thread;
                },
                (job, shut) -> {
                    throw new RejectedExecutionException(
                            "The default executor of " + loop + " was shut down meanwhile");
                });
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    /** Takes no more work; what runs, runs to its end. */
    synchronized @Nullable ExecutorService shutDown() {
        shutDown = true;
        ExecutorService service = this.service;
        if (service != null) {
            service.shutdown();
        }
        return service;
    }

    /**
     * As {@link #shutDown}; the Future completes when all threads have ended, or the time is out, with whether they
     * have. A thread of its own waits for them, as in asyncio.
     */
    Future<Boolean> shutDownAndJoin(@Nullable Duration timeout) {
        ExecutorService service = shutDown();
        if (service == null || service.isTerminated()) {
            Future<Boolean> joined = loop.createFuture();
            joined.setResult(true);
            return joined;
        }
        long nanos = timeout == null ? Long.MAX_VALUE : EventLoop.saturatedNanos(timeout);
        return ExecutorJob.submit(
                loop, this::startJoiner, () -> service.awaitTermination(nanos, TimeUnit.NANOSECONDS), Context.empty());
    }

    private void startJoiner(Runnable job) {
        Thread joiner = new Thread(null, job, loop.name() + "-joiner", 0, false);
        joiner.setDaemon(true);
        joiner.start();
    }
}
