package asyncio.subprocess;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads for starting and ending children, which blocks. There are as many as needed, since any of them may be
 * waiting for a child. They are platform threads: a waiting virtual thread would pin its carrier, and some dozens of
 * children would occupy all carriers. They end after some seconds without work.
 */
final class Workers {
    private static final AtomicInteger COUNT = new AtomicInteger();

    /** For jobs that wait for children. */
    static final ThreadPoolExecutor POOL = new ThreadPoolExecutor(
            0, Integer.MAX_VALUE, 5, TimeUnit.SECONDS, new SynchronousQueue<>(), Workers::newThread);

    /** For starting children, which keeps a processor busy: a few at a time, the others queue. No job waits here. */
    static final ThreadPoolExecutor STARTERS =
            starters(Math.max(8, 2 * Runtime.getRuntime().availableProcessors()));

    /** For the one job that looks at living children. */
    static final ThreadPoolExecutor EXITS = new ThreadPoolExecutor(
            0, Integer.MAX_VALUE, 5, TimeUnit.SECONDS, new SynchronousQueue<>(), job -> named("exits-", job));

    private Workers() {}

    private static ThreadPoolExecutor starters(int count) {
        ThreadPoolExecutor starters = new ThreadPoolExecutor(
                count, count, 5, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), Workers::newThread);
        starters.allowCoreThreadTimeOut(true);
        return starters;
    }

    private static Thread newThread(Runnable job) {
        return named("subprocess-", job);
    }

    private static Thread named(String name, Runnable job) {
        Thread thread = new Thread(null, job, "asyncio-" + name + COUNT.incrementAndGet(), 0, false);
        thread.setDaemon(true);
        thread.setContextClassLoader(ClassLoader.getSystemClassLoader()); // not that of the first caller
        return thread;
    }
}
