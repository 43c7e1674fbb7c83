package asyncio;

import asyncio.internal.loop.ContextLoader;
import asyncio.internal.loop.DaemonThreads;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A loop's threads for blocking calls. Unless the user sets another executor, they are platform threads, since a
 * blocking call on a virtual thread could keep a processor from the loop; at most as many as in asyncio's default
 * executor, and none after a minute without work. Thread-safe.
 */
final class DefaultExecutor {
    private final String name;
    private final ContextLoader contextLoader;
    /** Both guarded by this. */
    private @Nullable ExecutorService service;

    private boolean shutDown;

    /** Functions that wait for a thread of any executor, and those that run. */
    private final AtomicInteger queued = new AtomicInteger();

    private final AtomicInteger active = new AtomicInteger();

    /**
     * Creates an executor without threads.
     *
     * @param name the loop's name, a prefix of the names of the threads
     * @param contextLoader the context class loader of the threads
     */
    DefaultExecutor(String name, ContextLoader contextLoader) {
        this.name = name;
        this.contextLoader = contextLoader;
    }

    /** A function was passed to an executor; {@link #taken} follows. */
    void handedOver() {
        queued.incrementAndGet();
    }

    /** A function that was passed on begins, and {@link #ended} follows; or it will never begin. */
    void taken(boolean begins) {
        queued.decrementAndGet();
        if (begins) {
            active.incrementAndGet();
        }
    }

    void ended() {
        active.decrementAndGet();
    }

    int queued() {
        return queued.get();
    }

    int active() {
        return active.get();
    }

    /** @throws IllegalStateException if it was shut down */
    synchronized ExecutorService get() {
        if (shutDown) {
            throw Misuse.executorShutDown(name);
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
            throw Misuse.executorShutDown(name);
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
                    Thread thread = DaemonThreads.newThread(job, name + "-thread-" + count.incrementAndGet(), 0);
                    contextLoader.giveTo(thread);
                    return thread;
                },
                (job, shut) -> {
                    throw new RejectedExecutionException(
                            "The default executor of " + name + " was shut down meanwhile");
                });
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    /** Accepts no more work; functions already accepted run to their end. */
    synchronized @Nullable ExecutorService shutDown() {
        shutDown = true;
        ExecutorService service = this.service;
        if (service != null) {
            service.shutdown();
        }
        return service;
    }

    /** Runs a job that waits for the threads to end, in its own thread, as asyncio does. */
    void runJoiner(Runnable job) {
        DaemonThreads.newThread(job, name + "-joiner", 0).start();
    }
}
