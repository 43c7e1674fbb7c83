package asyncio.streams.internal;

import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads for reads and writes that block. As many as there are of those, since each may wait for a peer; daemons,
 * which keep no program from its end; platform threads, since a read of a pipe would keep the carrier of a virtual one.
 * None after some seconds without work.
 */
public final class PipeThreads {
    private static final AtomicInteger COUNT = new AtomicInteger();

    /** Takes a job at once, in whichever thread there is or in a new one. */
    public static final ThreadPoolExecutor POOL = new ThreadPoolExecutor(
            0, Integer.MAX_VALUE, 5, TimeUnit.SECONDS, new SynchronousQueue<>(), PipeThreads::newThread);

    private PipeThreads() {}

    private static Thread newThread(Runnable job) {
        Thread thread = new Thread(null, job, "asyncio-pipe-" + COUNT.incrementAndGet(), 0, false);
        thread.setDaemon(true);
        thread.setContextClassLoader(ClassLoader.getSystemClassLoader()); // not of whoever came first
        return thread;
    }
}
