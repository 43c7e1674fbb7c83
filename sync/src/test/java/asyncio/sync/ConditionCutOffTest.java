package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static asyncio.sync.Style.errorOf;
import static asyncio.sync.Style.tick;
import static asyncio.sync.Style.ticks;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.LogCapture;
import asyncio.Task;
import asyncio.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Waits on a Condition that are cut off, with and without operators in between, hold the lock again when they end. */
@Timeout(60)
class ConditionCutOffTest {
    private final Condition condition = new Condition();
    private final List<String> log = new ArrayList<>();

    private static Duration seconds(int seconds) {
        return Duration.ofSeconds(seconds);
    }

    /** A wait that is never signalled. */
    enum Waiting {
        AWAIT(Condition::await),
        UNTIL(condition -> condition.awaitUntil(() -> false)),
        AWAIT_AND_OPERATOR(condition -> condition.await().hide().map(nothing -> nothing)),
        UNTIL_AND_OPERATOR(condition -> condition.awaitUntil(() -> false).then()),
        LONG_AWAIT_AND_OPERATOR(
                condition -> condition.await(Duration.ofHours(1)).then(Mono.empty())),
        IN_A_BODY(
                condition -> async(() -> await(condition.awaitUntil(() -> false).then())));

        private final Function<Condition, Mono<Void>> on;

        Waiting(Function<Condition, Mono<Void>> on) {
            this.on = on;
        }
    }

    /** The way it is cut off after a second; the resulting error is caught. */
    enum CutOff {
        WAIT_FOR {
            @Override
            Mono<Void> after(Mono<Void> waiting) {
                return waitFor(waiting, seconds(1)).onErrorComplete();
            }
        },
        SCOPE {
            @Override
            Mono<Void> after(Mono<Void> waiting) {
                return asyncio.Timeout.scope(seconds(1), timeout -> waiting).onErrorComplete();
            }
        },
        IN_A_BODY {
            @Override
            Mono<Void> after(Mono<Void> waiting) {
                return async(() -> {
                    try {
                        await(waitFor(waiting, seconds(1)));
                    } catch (java.util.concurrent.TimeoutException e) {
                        // expected
                    }
                });
            }
        },
        TASK {
            @Override
            Mono<Void> after(Mono<Void> waiting) {
                return async(() -> {
                    Task<Void> task = createTask(waiting);
                    await(sleep(seconds(1)));
                    await(task.cancelAndJoin());
                });
            }
        },
        /** The operator is the last one in the body's await, which waits for clean-ups. */
        TIMEOUT_IN_A_BODY {
            @Override
            Mono<Void> after(Mono<Void> waiting) {
                return async(() -> {
                    EventLoop loop = EventLoop.getRunningLoop();
                    try {
                        await(waiting.timeout(seconds(1), loop.scheduler()));
                    } catch (java.util.concurrent.TimeoutException e) {
                        // expected
                    }
                });
            }
        };

        abstract Mono<Void> after(Mono<Void> waiting);
    }

    /** Holds the lock from the first second to the third. */
    private Mono<Void> other(Lock lock) {
        return sleep(Duration.ofMillis(500))
                .then(lock.withLock(Mono.<Void>fromRunnable(() -> log.add("the other comes"))
                        .then(sleep(Duration.ofMillis(2500)))
                        .doOnTerminate(() -> log.add("the other leaves"))));
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("inside of withLock there is one at a time, however a wait on the condition is cut off")
    void oneAtATime(Waiting waiting) throws Exception {
        for (CutOff cutOff : CutOff.values()) {
            for (Style style : Style.values()) {
                log.clear();
                try (LogCapture logged = new LogCapture()) {
                    VirtualTime.run(() -> {
                        Mono<Void> waits = Mono.<Void>fromRunnable(() -> log.add("it comes"))
                                .then(cutOff.after(waiting.on.apply(condition)))
                                .then(Mono.<Void>fromRunnable(() -> log.add("it goes on")))
                                .then(sleep(seconds(2)))
                                .doOnTerminate(() -> log.add("it leaves"));
                        Mono<Void> third = sleep(seconds(4))
                                .then(condition.lock().withLock(Mono.fromRunnable(() -> log.add("a third is inside"))));
                        await(gather(
                                style.of(condition.lock().withLock(waits)), other(condition.lock()), style.of(third)));
                    });
                    assertThat(log)
                            .as("%s cut off by %s, in the style %s", waiting, cutOff, style)
                            .containsExactly(
                                    "it comes",
                                    "the other comes",
                                    "the other leaves",
                                    "it goes on",
                                    "it leaves",
                                    "a third is inside");
                    assertThat(logged.messages()).isEmpty();
                }
                assertThat(condition).hasToString("<Condition [unlocked]>");
            }
        }
    }

    /** A body resumes only when it has the lock, but its outcome is no longer reported. */
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "IN_A_BODY")
    @DisplayName("an operator that goes on at once, while another holds the lock, is reported; the lock is not lost")
    void goesOnAtOnce(Waiting waiting) throws Exception {
        try (LogCapture logged = new LogCapture()) {
            VirtualTime.run(() -> {
                EventLoop loop = EventLoop.getRunningLoop();
                Mono<Void> waits = waiting.on
                        .apply(condition)
                        .timeout(seconds(1), loop.scheduler())
                        .onErrorComplete()
                        .then(Mono.fromRunnable(() -> log.add("it goes on")));
                await(gather(condition.lock().withLock(waits), other(condition.lock())));
            });
            assertThat(log).containsExactly("the other comes", "it goes on", "the other leaves");
            assertThat(logged.messages()).singleElement().asString().contains("has cut it off", "await(Duration)");
        }
        assertThat(condition).hasToString("<Condition [unlocked]>");
    }

    @Test
    @DisplayName("an operator that goes on when the lock is free has it again")
    void goesOnWithTheLock() throws Exception {
        try (LogCapture logged = new LogCapture()) {
            VirtualTime.run(() -> {
                EventLoop loop = EventLoop.getRunningLoop();
                await(createTask(condition
                        .lock()
                        .withLock(condition
                                .await()
                                .timeout(seconds(1), loop.scheduler())
                                .onErrorComplete()
                                .then(Mono.fromRunnable(() -> log.add("locked: " + condition.locked()))))));
            });
            assertThat(log).containsExactly("locked: true");
            assertThat(logged.messages()).isEmpty();
        }
        assertThat(condition).hasToString("<Condition [unlocked]>");
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("a permit that is released meanwhile needs no lock any more, and nobody takes it for that")
    void releasedMeanwhile(Waiting waiting) throws Exception {
        VirtualTime.run(() -> {
            Mono<Void> waits = Mono.usingWhen(
                    condition.acquire(),
                    permit -> waiting.on.apply(condition),
                    permit -> Mono.fromRunnable(permit::release));
            Task<Void> task = createTask(waits);
            tick();
            Permit other = await(condition.acquire());
            Task<Void> joiner = createTask(task.cancelAndJoin());
            ticks(5);
            assertThat(other.isReleased()).isFalse();
            other.release();
            await(joiner);
            ticks(5);
            assertThat(condition).hasToString("<Condition [unlocked]>");
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName(
            "awaitUntil, cancelled between its signal and its turn: it ends with the lock, the next gets the signal")
    void cancelledBeforeItsTurn(Style style) throws Exception {
        VirtualTime.run(() -> {
            boolean[] second = new boolean[1];
            Permit its = await(condition.acquire());
            Task<Void> cancelled = createTask(style.of(condition.awaitUntil(() -> false)));
            ticks(5);
            Task<Void> next = createTask(condition.lock().withLock(condition.awaitUntil(() -> second[0])));
            ticks(5);
            Permit mine = await(condition.acquire());
            condition.signal();
            second[0] = true;
            mine.release();
            cancelled.cancel("enough");
            assertThat(errorOf(cancelled))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("enough");
            assertThat(its.isReleased()).isFalse();
            its.release();
            await(waitFor(next, seconds(1)));
            assertThat(condition).hasToString("<Condition [unlocked]>");
        });
    }

    @Test
    @DisplayName("many that are cut off by several threads at any moment: never two inside, and no signal hangs")
    void manyThreads() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        Random random = new Random(seed);
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        Runnable enter = () -> most.accumulateAndGet(inside.incrementAndGet(), Math::max);
        List<Mono<Void>> all = new ArrayList<>();
        for (int i = 0; i < 400; i++) {
            Waiting waiting = Waiting.values()[random.nextInt(Waiting.values().length)];
            Duration limit = Duration.ofNanos(random.nextInt(2_000_000));
            boolean body = random.nextBoolean();
            boolean cancelled = random.nextInt(3) == 0;
            Mono<Void> waits = Mono.fromRunnable(enter)
                    .then(Mono.<Void>fromRunnable(inside::decrementAndGet))
                    .then(waitFor(waiting.on.apply(condition), limit).onErrorComplete())
                    .then(Mono.fromRunnable(enter))
                    .then(sleep(Duration.ZERO))
                    .then(Mono.<Void>fromRunnable(inside::decrementAndGet));
            Mono<Void> locked = condition.lock().withLock(waits);
            all.add(body ? async(() -> await(locked)) : locked);
            all.add(condition.lock().withLock(Mono.fromRunnable(condition::signal)));
            if (cancelled) {
                Mono<Void> last = all.get(all.size() - 2);
                all.set(all.size() - 2, Mono.defer(() -> {
                    Task<Void> task = createTask(last);
                    Schedulers.parallel().schedule(task::cancel, random.nextInt(2_000_000), TimeUnit.NANOSECONDS);
                    return task.onErrorComplete();
                }));
            }
        }
        asyncio.Asyncio.run(gather(all));
        assertThat(condition).as("seed %d", seed).hasToString("<Condition [unlocked]>");
        assertThat(most).as("inside at once, seed %d", seed).hasValueLessThanOrEqualTo(1);
    }
}
