package asyncio.streams.internal;

import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads for blocking reads and writes. There are as many as needed, since each job may wait for a peer. They are
 * daemons, so they do not keep a program running, and platform threads, since reading a pipe would pin the carrier of a
 * virtual one. They end after some seconds without work.
 */
public final class PipeThreads {
    private static final AtomicInteger COUNT = new AtomicInteger();

    /** Runs a job at once, on an idle thread or a new one. */
    public static final ThreadPoolExecutor POOL = new ThreadPoolExecutor(
            0, Integer.MAX_VALUE, 5, TimeUnit.SECONDS, new SynchronousQueue<>(), PipeThreads::newThread);

    private PipeThreads() {}

    private static Thread newThread(Runnable job) {
        Thread thread = new Thread(null, job, "asyncio-pipe-" + COUNT.incrementAndGet(), 0, false);
        thread.setDaemon(true);
        thread.setContextClassLoader(ClassLoader.getSystemClassLoader()); // not that of the first caller
        return thread;
    }
}
