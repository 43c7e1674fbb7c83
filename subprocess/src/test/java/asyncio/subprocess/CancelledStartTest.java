package asyncio.subprocess;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.race;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static asyncio.subprocess.Stdio.PIPE;
import static org.assertj.core.api.Assertions.fail;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.ExceptionGroup;
import asyncio.Runner;
import asyncio.Task;
import asyncio.TaskGroup;
import asyncio.streams.LeakCheck;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * When the cancellation of a start has ended, no child is left, at any moment and in any way of cancelling.
 * {@code -Dasyncio.test.starts=10000} for a soak.
 */
@ExtendWith(LeakCheck.class)
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class CancelledStartTest {
    private static final int STARTS = Integer.getInteger("asyncio.test.starts", 280);
    private static final int AT_ONCE = 10;
    private static final Command SLEEP = Command.of("sleep", "1000").stdin(PIPE).exitGrace(Duration.ZERO);

    private final long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
    private final Random random = new Random(seed);

    /** The way in which the starts of a batch are cancelled; each returns, or throws, when that has ended. */
    private enum Way {
        GATHER {
            @Override
            void cancel(List<Mono<?>> starts, Duration limit) throws Exception {
                await(waitFor(gather(starts), limit));
            }
        },
        GATHER_OF_BODIES {
            @Override
            void cancel(List<Mono<?>> starts, Duration limit) throws Exception {
                List<Mono<?>> bodies = new ArrayList<>();
                starts.forEach(start -> bodies.add(async(() -> await(start))));
                await(waitFor(gather(bodies), limit));
            }
        },
        GROUP {
            @Override
            void cancel(List<Mono<?>> starts, Duration limit) throws Exception {
                await(TaskGroup.scopeBody(group -> {
                    starts.forEach(group::createTask);
                    await(sleep(limit));
                    throw new IOException("enough");
                }));
            }
        },
        TASKS {
            @Override
            void cancel(List<Mono<?>> starts, Duration limit) throws Exception {
                List<Task<?>> tasks = new ArrayList<>();
                starts.forEach(start -> tasks.add(createTask(start)));
                await(sleep(limit));
                for (Task<?> task : tasks) {
                    await(task.cancelAndJoin());
                }
            }
        },
        RACE {
            @Override
            void cancel(List<Mono<?>> starts, Duration limit) throws Exception {
                List<Mono<?>> racers = new ArrayList<>(starts);
                racers.replaceAll(start -> start.then(Mono.never()));
                racers.add(sleep(limit));
                await(race(racers));
            }
        },
        ZIP_WITH_TIMEOUT {
            @Override
            void cancel(List<Mono<?>> starts, Duration limit) throws Exception {
                await(Mono.when(starts)
                        .then(Mono.never())
                        .timeout(limit, EventLoop.getRunningLoop().scheduler()));
            }
        },
        OF_ANOTHER_LOOP {
            @Override
            void cancel(List<Mono<?>> starts, Duration limit) throws Exception {
                List<Mono<?>> elsewhere = new ArrayList<>(starts);
                elsewhere.replaceAll(start ->
                        start.subscribeOn(EventLoop.shared().next().scheduler()).then(Mono.never()));
                await(Mono.when(elsewhere).timeout(limit));
            }
        };

        abstract void cancel(List<Mono<?>> starts, Duration limit) throws Exception;

        /** Whether it waits. As in CPython a gather does not; the finally block of {@code useBody} kills the child. */
        boolean waitsForFinallyBlocks() {
            return this != GATHER && this != GATHER_OF_BODIES;
        }
    }

    /** The start; its value has no child that a caller could be left with. */
    private Mono<?> start() {
        return start(5);
    }

    private Mono<?> start(int forms) {
        return switch (random.nextInt(forms)) {
            case 0 -> Subprocess.run(SLEEP);
            case 1 -> Subprocess.run(SLEEP).map(output -> output);
            case 2 -> Subprocess.use(SLEEP, Subprocess::waitFor);
            case 3 ->
                Subprocess.useFlux(SLEEP, child -> Flux.from(child.waitFor())).then();
            default -> Subprocess.useBody(SLEEP, child -> await(child.waitFor()));
        };
    }

    /** The running descendants of this process, without zombies. */
    private static List<ProcessHandle> children() {
        return ProcessHandle.current()
                .descendants()
                .filter(ProcessTree::isRunning)
                .toList();
    }

    private void assertNoneIsLeft(Object way) {
        List<ProcessHandle> left = children();
        if (!left.isEmpty()) {
            fail(left.size() + " left after " + way + ", seed " + seed + ": "
                    + left.stream().map(ProcessHandle::info).toList());
        }
    }

    private Duration someTime() {
        return Duration.ofNanos((long) (random.nextDouble() * AT_ONCE * 6_000_000));
    }

    @ParameterizedTest
    @EnumSource
    void noChildIsLeftWhenTheCancellationHasEnded(Way way) throws Exception {
        Asyncio.run(() -> {
            for (int i = 0; i < STARTS / Way.values().length; i += AT_ONCE) {
                List<Mono<?>> starts = new ArrayList<>();
                for (int n = 0; n < AT_ONCE; n++) {
                    starts.add(start(way.waitsForFinallyBlocks() ? 5 : 4));
                }
                try {
                    way.cancel(starts, someTime());
                } catch (TimeoutException | ExceptionGroup | CancelledException e) {
                    // expected
                }
                assertNoneIsLeft(way);
            }
        });
    }

    @Test
    void noChildIsLeftSomeTimeAfterALoopIsClosed() throws Exception {
        for (int i = 0; i < STARTS / 20; i += AT_ONCE) {
            EventLoop loop = EventLoop.newEventLoop();
            loop.callSoon(() -> {
                for (int n = 0; n < AT_ONCE; n++) {
                    start().subscribe(value -> {}, error -> {});
                }
            });
            loop.callLater(someTime(), loop::stop);
            loop.runForever();
            loop.close();
            assertNoneIsLeftBeforeLong("close");
        }
    }

    @Test
    void noChildIsLeftWhenAProgramEnds() throws Exception {
        for (int i = 0; i < STARTS / 20; i += AT_ONCE) {
            try (Runner runner = new Runner()) {
                runner.run(async(() -> {
                    for (int n = 0; n < AT_ONCE; n++) {
                        createTask(start());
                    }
                    await(sleep(someTime()));
                }));
            }
            assertNoneIsLeft("the end of a program");
        }
    }

    /** A start that Reactor disposes of is not waited for: it ends some time later. */
    @Test
    void noChildIsLeftSomeTimeAfterASubscriptionIsDisposedOf() throws Exception {
        for (int i = 0; i < STARTS / 20; i++) {
            Disposable start = start().subscribe(value -> {}, error -> {});
            LockSupport.parkNanos(someTime().toNanos() / AT_ONCE);
            start.dispose();
        }
        assertNoneIsLeftBeforeLong("dispose");
    }

    private void assertNoneIsLeftBeforeLong(Object way) throws Exception {
        awaitStarters();
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (!children().isEmpty() && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(5_000_000);
        }
        assertNoneIsLeft(way);
    }

    /** Returns when every start passed to a thread before has ended: each thread is then in a job of this method. */
    private static void awaitStarters() throws Exception {
        CyclicBarrier all = new CyclicBarrier(Workers.STARTERS.getCorePoolSize() + 1);
        for (int i = 1; i < all.getParties(); i++) {
            Workers.STARTERS.submit(() -> all.await(20, TimeUnit.SECONDS));
        }
        all.await(20, TimeUnit.SECONDS);
    }
}
