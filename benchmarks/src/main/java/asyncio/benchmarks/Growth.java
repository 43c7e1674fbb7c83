package asyncio.benchmarks;

import static asyncio.Asyncio.all;
import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.race;
import static asyncio.Asyncio.sleep;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.ExceptionGroup;
import asyncio.Future;
import asyncio.Task;
import asyncio.TaskGroup;
import asyncio.sync.Semaphore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.Consumer;
import reactor.core.publisher.Mono;

/**
 * Growth of time with the number of tasks or callbacks that are cancelled or removed: 100,000 against 10,000 of them;
 * the ratio should be about ten. In a chain each task waits for the one before.
 */
final class Growth {
    private static final int FEW = 10_000;
    private static final int MANY = 100_000;
    private static final int ROUNDS = 5;
    private static final double NANOS_PER_MILLI = 1e6;
    private static final Duration LONG = Duration.ofHours(1);

    private static long from;

    private Growth() {}

    private interface Row {
        /** Sets {@link #from} when the measured part begins. */
        void run(int n) throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        System.out.printf(Locale.ROOT, "%-28s %12s %12s %8s%n", "row", "10,000 (ms)", "100,000 (ms)", "ratio");
        measure(
                "cancelChainRun",
                n -> Asyncio.run(() -> {
                    chain(n);
                    from = System.nanoTime();
                }));
        measure("cancelChainGroup", Growth::group);
        measure("cancelChainAll", n -> Asyncio.run(() -> cancelled(all(chain(n)))));
        measure("cancelChainGather", n -> Asyncio.run(() -> cancelled(gather(chain(n)))));
        measure("cancelChainRace", n -> Asyncio.run(() -> cancelled(race(chain(n)))));
        measure(
                "cancelChainOfGathers",
                n -> Asyncio.run(() -> {
                    Task<?> last = createTask(sleep(LONG));
                    for (int i = 0; i < n; i++) {
                        last = createTask(gather(List.of(last), false));
                    }
                    ticks(4);
                    from = System.nanoTime();
                }));
        measure("cancelChainShared", n -> {
            async(() -> {
                        chain(n);
                    })
                    .block();
            from = System.nanoTime();
            EventLoop.shutdownShared(Duration.ofMinutes(2));
        });
        measure("removeDoneCallback", n -> removeCallbacks(n, false));
        measure("removeDoneCallbackShuffled", n -> removeCallbacks(n, true));
        measure("semaphoreOtherLoopStuck", Growth::semaphore);
        System.exit(0);
    }

    private static void measure(String name, Row row) throws Exception {
        double few = Double.MAX_VALUE;
        double many = Double.MAX_VALUE;
        for (int i = 0; i < ROUNDS; i++) { // the best of each: the worst depends on the machine
            few = Math.min(few, millis(row, FEW));
            many = Math.min(many, millis(row, MANY));
        }
        System.out.printf(Locale.ROOT, "%-28s %12.1f %12.1f %8.1f%n", name, few, many, many / few);
    }

    private static double millis(Row row, int n) throws Exception {
        System.gc();
        row.run(n);
        return (System.nanoTime() - from) / NANOS_PER_MILLI;
    }

    private static void ticks(int n) throws Exception {
        for (int i = 0; i < n; i++) {
            await(sleep(Duration.ZERO));
        }
    }

    private static List<Task<Void>> chain(int n) throws Exception {
        List<Task<Void>> chain = new ArrayList<>();
        Task<Void> last = createTask(sleep(LONG));
        for (int i = 0; i < n; i++) {
            last = createTask(last);
            chain.add(last);
        }
        ticks(2);
        return chain;
    }

    private static void cancelled(Mono<?> combined) throws Exception {
        Task<?> task = createTask(combined);
        ticks(4);
        from = System.nanoTime();
        task.cancel();
        try {
            await(task);
        } catch (CancelledException e) {
            // expected
        }
    }

    private static void group(int n) throws Exception {
        try {
            Asyncio.run(TaskGroup.scopeBody(group -> {
                Task<Void> last = group.createTask(sleep(LONG));
                for (int i = 0; i < n; i++) {
                    last = group.createTask(last);
                }
                ticks(2);
                from = System.nanoTime();
                throw new IllegalStateException("the end of the group");
            }));
        } catch (ExceptionGroup e) {
            // expected
        }
    }

    private static void removeCallbacks(int n, boolean shuffled) {
        Future<Integer> future = new Future<>();
        List<Consumer<Future<Integer>>> callbacks = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            int own = i;
            callbacks.add(done -> System.out.println(own));
        }
        callbacks.forEach(future::addDoneCallback);
        if (shuffled) {
            Collections.shuffle(callbacks, new Random(1));
        }
        from = System.nanoTime();
        callbacks.forEach(future::removeDoneCallback);
    }

    private static void semaphore(int n) throws Exception {
        Semaphore semaphore = new Semaphore(0);
        EventLoop stuck = EventLoop.newEventLoop();
        try {
            stuck.runUntilComplete(async(() -> {
                for (int i = 0; i < n; i++) {
                    createTask(semaphore.acquire());
                }
                ticks(2);
            }));
            semaphore.release(n + 1); // that loop no longer runs
            Asyncio.run(() -> {
                from = System.nanoTime();
                for (int i = 0; i < n; i++) {
                    await(semaphore.acquire()).release();
                }
            });
        } finally {
            long spent = System.nanoTime() - from;
            stuck.setExceptionHandler((loop, what) -> {}); // its tasks are destroyed while pending
            stuck.close();
            from = System.nanoTime() - spent;
        }
    }
}
