package asyncio.bridge;

import asyncio.Asyncio;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import reactor.core.publisher.Mono;
import reactor.util.Logger;
import reactor.util.Loggers;

/**
 * Support for blocking calls that a cancellation must end: the reads of a reader, and the close that ends them. The
 * close may itself block, behind a lock that the read holds. So both have their own threads, since those of the loop
 * may all be blocked; a cancellation waits for the close only for a limited time; and no program waits for these
 * threads at its end.
 */
final class BlockingEnd {
    /** Ample for a close that is not blocked; a longer cancellation would look like a hang. */
    static final Duration PATIENCE = Duration.ofSeconds(1);

    private static final Logger LOG = Loggers.getLogger("asyncio");

    private BlockingEnd() {}

    /** Returns an executor with one thread, which exists only while there are calls. */
    static Executor oneThread() {
        ThreadPoolExecutor executor =
                new ThreadPoolExecutor(1, 1, 1, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), BlockingEnd::newThread);
        executor.allowCoreThreadTimeOut(true);
        return executor;
    }

    private static Thread newThread(Runnable job) {
        Thread thread = new Thread(null, job, "asyncio-blocking", 0, false);
        thread.setDaemon(true);
        return thread;
    }

    /**
     * Closes a resource to end a read. Completes when the close has returned or, with a warning, when the time is up.
     */
    static Mono<Void> close(Object what, Callable<Void> close) {
        return Asyncio.<Void>toThread(close, job -> newThread(job).start())
                .timeout(
                        PATIENCE,
                        Mono.fromRunnable(
                                () -> LOG.warn(
                                        "Closing a " + what.getClass().getName()
                                                + " after a cancellation takes longer than " + PATIENCE
                                                + ": it is left behind, with two threads. "
                                                + "The close probably waits for a lock that the blocked read holds, as a BufferedReader's does; "
                                                + "open a resource with a close that ends a read, such as the socket or channel itself")));
    }

    /** Warns of an opening call that has not reacted to its interrupt. */
    static void warnOfOpening(Object call) {
        LOG.warn(call.getClass().getName() + " has not returned within " + PATIENCE + " after it was cancelled and "
                + "interrupted: it is left behind, with its thread, and what it opens will be closed");
    }
}
