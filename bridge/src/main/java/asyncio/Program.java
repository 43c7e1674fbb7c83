package asyncio;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A program from its first step to its last: {@link Asyncio#run}. At the end left-over tasks are cancelled and waited
 * for, then the threads, then the loop is closed.
 */
final class Program {
    private static final long THREAD_JOIN_SECONDS = 300;
    /** A clean-up may take its time; after this the user wonders. */
    private static final Duration REMIND_AFTER = Duration.ofSeconds(3);

    private Program() {}

    static <T> @Nullable T run(Mono<? extends T> main) throws Exception {
        EventLoop loop = EventLoop.newEventLoop();
        try {
            return loop.runUntilComplete(main);
        } finally {
            shutdown(loop);
        }
    }

    static <T> @Nullable T runOnPlatformThread(Mono<? extends T> main) throws Exception {
        // told as a call that returns or throws it: join() would take a CompletionException of the body's apart
        CompletableFuture<Callable<@Nullable T>> outcome = new CompletableFuture<>();
        Thread thread = new Thread(
                () -> {
                    try {
                        T value = run(main);
                        outcome.complete(() -> value);
                    } catch (Throwable e) {
                        outcome.complete(() -> {
                            throw Misuse.sneaky(e);
                        });
                    }
                },
                "asyncio-run");
        thread.setContextClassLoader(Thread.currentThread().getContextClassLoader());
        thread.start();
        return outcome.join().call();
    }

    static void shutdown(EventLoop loop) {
        try {
            cancelAllTasks(loop);
            joinThreads(loop);
            LeakDetector.reportAtEndOf(loop);
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
        TimerHandle reminder = loop.callLater(REMIND_AFTER, () -> remind(left));
        loop.runForever();
        reminder.cancel();
        for (Task<?> task : left) {
            if (task.done() && !task.cancelled() && task.exception() != null) {
                loop.callExceptionHandler(new ExceptionContext(
                        "Unhandled exception during Asyncio.run() shutdown", task.exception(), task, null));
            }
        }
    }

    private static void remind(Set<Task<?>> cancelled) {
        List<Task<?>> left = cancelled.stream().filter(task -> !task.done()).toList();
        Log.warn(
                "Asyncio.run has ended, but waits for " + left.size() + " tasks that were cancelled and go on: " + left
                        + ". A catch (Exception e) around an await must rethrow CancelledException",
                null);
    }

    private static void joinThreads(EventLoop loop) {
        ThreadExecutor threads = loop.threadsOrNull();
        if (threads == null) {
            return;
        }
        // the loop runs meanwhile: a function may be waiting for it
        TimerHandle limit = loop.callLater(Duration.ofSeconds(THREAD_JOIN_SECONDS), loop::stop);
        threads.close(() -> stopIfOpen(loop));
        if (!threads.isTerminated()) {
            loop.runForever();
        }
        limit.cancel();
        if (!threads.isTerminated()) {
            Log.warn(
                    "Functions given to toThread still run after " + THREAD_JOIN_SECONDS
                            + " s; Asyncio.run returns without them",
                    null);
        }
    }

    /** On a thread of the pool, whose last one may end long after the loop. */
    private static void stopIfOpen(EventLoop loop) {
        if (!loop.isClosed()) {
            loop.stop();
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
