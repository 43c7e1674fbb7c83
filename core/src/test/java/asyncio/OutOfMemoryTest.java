package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import asyncio.internal.loop.LoopCore;
import asyncio.internal.loop.Memory;
import asyncio.internal.loop.Ring;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

/**
 * Memory runs out for a moment, at each of the places where the loop must allocate while it holds an object that other
 * code waits for: the program continues, or ends with the error.
 */
@Timeout(300)
class OutOfMemoryTest {
    private static final long LIMIT_SECONDS = 60;

    @AfterEach
    void giveBack() {
        Memory.setFault(null);
    }

    /** A program with each operation that hands the loop over. */
    private static int program() throws Exception {
        List<Mono<Integer>> bodies = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            int number = i;
            bodies.add(async(() -> {
                await(sleep(Duration.ofNanos(number % 3)));
                await(sleep(Duration.ZERO));
                return 1;
            }));
        }
        Task<Integer> eager = EventLoop.getRunningLoop()
                .createTask(
                        async(() -> {
                            await(sleep(Duration.ofMillis(1)));
                            return 1;
                        }),
                        TaskOptions.DEFAULTS.withEager(true));
        Task<Integer> failing = createTask(async(() -> {
            await(sleep(Duration.ofNanos(1)));
            throw new IllegalStateException("as it should");
        }));
        int sum = await(eager);
        for (int one : await(gather(bodies))) {
            sum += one;
        }
        for (int i = 0; i < 5; i++) {
            sum += await(toThread(() -> 1));
        }
        try {
            await(failing);
        } catch (IllegalStateException e) {
            sum++;
        }
        Task<Void> cancelled = createTask(async(() -> await(sleep(Duration.ofHours(1)))));
        await(sleep(Duration.ZERO));
        cancelled.cancel();
        try {
            await(cancelled);
        } catch (CancelledException e) {
            sum++;
        }
        return sum;
    }

    /** Runs the program without memory at the n-th place it passes; returns the number of places it passed. */
    private static int runWithoutMemoryAt(int n, int times) throws Exception {
        AtomicInteger places = new AtomicInteger();
        AtomicReference<@Nullable Object> outcome = new AtomicReference<>();
        Memory.setFault(() -> {
            int place = places.getAndIncrement();
            if (place >= n && place < n + times) {
                throw new OutOfMemoryError("place " + place);
            }
        });
        CountDownLatch over = new CountDownLatch(1);
        Thread thread = new Thread(() -> {
            try {
                outcome.set(Asyncio.run(OutOfMemoryTest::program));
            } catch (Throwable e) {
                outcome.set(e);
            } finally {
                over.countDown();
            }
        });
        thread.setDaemon(true);
        thread.start();
        boolean ended = over.await(LIMIT_SECONDS, TimeUnit.SECONDS);
        Memory.setFault(null);
        assertThat(ended)
                .as("the end, without memory at place " + n + ", " + times + " times")
                .isTrue();
        Object result = outcome.get();
        if (!Integer.valueOf(28).equals(result)) {
            assertThat(result).as("place " + n).isInstanceOf(Throwable.class);
            assertThat(isOutOfMemory((Throwable) result))
                    .as("place " + n + ": " + result)
                    .isTrue();
        }
        return places.get();
    }

    private static boolean isOutOfMemory(Throwable e) {
        return e instanceof OutOfMemoryError || String.valueOf(e.getMessage()).contains("OutOfMemoryError");
    }

    @Test
    void aProgramGoesOnOrEndsWithTheErrorWhereverMemoryIsOutOnce() throws Exception {
        try (LogCapture log = new LogCapture()) {
            int places = runWithoutMemoryAt(Integer.MAX_VALUE / 2, 1);
            assertThat(places).isGreaterThan(20);
            for (int n = 0; n <= places; n++) {
                runWithoutMemoryAt(n, 1);
            }
        }
    }

    @Test
    void orSomeTimesInARow() throws Exception {
        try (LogCapture log = new LogCapture()) {
            int places = runWithoutMemoryAt(Integer.MAX_VALUE / 2, 1);
            for (int n = 0; n <= places; n += 3) {
                runWithoutMemoryAt(n, 5);
            }
        }
    }

    // ---- the parts

    @Test
    void aQueueThatCannotGrowLosesNothing() {
        Ring<Runnable> queue = new Ring<>(4);
        List<Runnable> entries = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Runnable entry = () -> {};
            entries.add(entry);
            queue.add(entry);
        }
        Memory.setFault(() -> {
            throw new OutOfMemoryError("of a test");
        });
        assertThatThrownBy(() -> queue.add(() -> {})).isInstanceOf(OutOfMemoryError.class);
        Memory.setFault(null);
        assertThat(queue).containsExactlyElementsOf(entries);
    }

    @Test
    void aQueueKeepsTheOrderWhenItGrows() {
        Ring<Runnable> queue = new Ring<>(4);
        List<Runnable> expected = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            for (int j = 0; j < 3; j++) {
                Runnable entry = new Runnable() {
                    @Override
                    public void run() {}
                };
                expected.add(entry);
                queue.add(entry);
            }
            assertThat(queue.poll()).isSameAs(expected.remove(0));
        }
        assertThat(queue).containsExactlyElementsOf(expected);
        assertThat(queue.size()).isEqualTo(200);
    }

    @Test
    void anEntryThatIsToComeNextIsRefusedWhereThereIsNoMemoryAndTakesTheUsualWay() throws Exception {
        Asyncio.run(() -> {
            LoopCore core = EventLoop.getRunningLoop().core;
            AtomicInteger ran = new AtomicInteger();
            int queued = 0;
            Memory.setFault(() -> {
                throw new OutOfMemoryError("of a test");
            });
            try {
                while (core.enqueueNext((Runnable) ran::incrementAndGet)) {
                    queued++;
                }
            } finally {
                Memory.setFault(null);
            }
            await(sleep(Duration.ZERO));
            assertThat(ran).hasValue(queued);
        });
    }

    @Test
    void aWaiterThatIsToldFromAnotherThreadResumesThoughThereIsNoMemoryToQueueIt() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> future = EventLoop.getRunningLoop().createFuture();
            Task<Integer> waiting = createTask(async(() -> await(future)));
            await(sleep(Duration.ZERO));
            Thread other = new Thread(() -> {
                Thread me = Thread.currentThread();
                Memory.setFault(() -> {
                    if (Thread.currentThread() == me) {
                        throw new OutOfMemoryError("of a test");
                    }
                });
                future.setResult(1);
            });
            other.start();
            assertThat(await(waiting)).isEqualTo(1);
            other.join();
        });
    }

    private static boolean startsABody() {
        return StackWalker.getInstance()
                .walk(frames -> frames.skip(1)
                        .anyMatch(frame -> List.of("handToVirtual", "handToPlatform", "handToCarried")
                                .contains(frame.getMethodName())));
    }

    @Test
    void aBodyForWhichThereIsNoThreadFailsAndTheOthersGoOn() throws Exception {
        Asyncio.run(() -> {
            AtomicInteger calls = new AtomicInteger();
            Memory.setFault(() -> {
                if (startsABody() && calls.getAndIncrement() == 1) {
                    throw new OutOfMemoryError("of a test");
                }
            });
            List<Task<Integer>> tasks = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                tasks.add(createTask(async(() -> 1)));
            }
            int failed = 0;
            for (Task<Integer> task : tasks) {
                Throwable e = catchThrowable(() -> await(task));
                if (e != null) {
                    assertThat(isOutOfMemory(e)).isTrue();
                    failed++;
                }
            }
            assertThat(failed).isEqualTo(1);
        });
    }
}
