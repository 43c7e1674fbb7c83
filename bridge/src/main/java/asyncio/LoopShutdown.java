package asyncio;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import reactor.util.Logger;
import reactor.util.Loggers;

/** How {@link Asyncio#run} ends: left-over tasks are cancelled and waited for, then the threads, then the loop is closed. */
final class LoopShutdown {
    private static final Logger LOG = Loggers.getLogger("asyncio");
    private static final long THREAD_JOIN_SECONDS = 300;

    private LoopShutdown() {}

    static void shutdown(EventLoop loop) {
        try {
            cancelAllTasks(loop);
            joinThreads(loop);
        } finally {
            loop.close();
        }
    }

    private static void cancelAllTasks(EventLoop loop) {
        Set<Task<?>> left = loop.allTasks();
        if (left.isEmpty()) {
            return;
        }
        left.forEach(Task::cancel);
        Countdown countdown = new Countdown(loop, left.size());
        for (Task<?> task : left) {
            Waiter one = countdown.new One();
            if (!task.addWaiter(one)) {
                one.resume();
            }
        }
        loop.runForever();
        for (Task<?> task : left) {
            if (task.done() && !task.cancelled() && task.exception() != null) {
                loop.callExceptionHandler(
                        new ExceptionContext("Unhandled exception during Asyncio.run() shutdown", task.exception(), task, null));
            }
        }
    }

    private static void joinThreads(EventLoop loop) {
        ThreadExecutor threads = loop.threadsOrNull();
        if (threads == null) {
            return;
        }
        try {
            if (!threads.closeAndJoin(THREAD_JOIN_SECONDS)) {
                LOG.warn("Functions given to toThread still run after {} s; Asyncio.run returns without them", THREAD_JOIN_SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Stops the loop when all tasks are done. */
    private static final class Countdown {
        private final EventLoop loop;
        private int left;

        Countdown(EventLoop loop, int left) {
            this.loop = loop;
            this.left = left;
        }

        private final class One extends Waiter {
            @Override
            public void run() {
                if (--left == 0) {
                    loop.stop();
                }
            }

            @Override
            boolean isInternal() {
                return true;
            }

            @Override
            @Nullable EventLoop resumesOn() {
                return loop;
            }
        }
    }
}
