package asyncio.subprocess;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads for starting and ending children, which blocks. As many as there is to do, since any of them may be
 * waiting for a child; platform threads, since one that waits would keep the carrier of a virtual one, and with some
 * dozens of children nobody would be left to run. None after some seconds without work.
 */
final class Workers {
    private static final AtomicInteger COUNT = new AtomicInteger();

    /** For what waits for children. */
    static final ThreadPoolExecutor POOL = new ThreadPoolExecutor(
            0, Integer.MAX_VALUE, 5, TimeUnit.SECONDS, new SynchronousQueue<>(), Workers::newThread);

    /** To start children, which keeps a processor busy: some at a time, the others in line. Nothing waits here. */
    static final ThreadPoolExecutor STARTERS =
            starters(Math.max(8, 2 * Runtime.getRuntime().availableProcessors()));

    /**
     * One for each living child, to wait for its exit: the JDK tells of that on the common pool, all of whose threads a
     * program may keep waiting, for a child even.
     */
    static final ThreadPoolExecutor EXITS = new ThreadPoolExecutor(
            0, Integer.MAX_VALUE, 5, TimeUnit.SECONDS, new SynchronousQueue<>(), job -> named("exit-", job));

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
        thread.setContextClassLoader(ClassLoader.getSystemClassLoader()); // not of whoever came first
        return thread;
    }
}
