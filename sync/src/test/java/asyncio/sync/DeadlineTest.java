package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.sync.Style.errorOf;
import static asyncio.sync.Style.tick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Task;
import asyncio.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** Deadlines: on loops with virtual time, and off every loop. */
@Timeout(60)
class DeadlineTest {
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration LONGEST = Duration.ofSeconds(Long.MAX_VALUE, 999_999_999);

    /** A held primitive, on which others can wait with a deadline. */
    record Case(String name, Function<Duration, Mono<?>> begin, Runnable grant, Runnable giveBack, Object state) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static Case lockable(String name, Lockable lock) {
        assertThat(lock.tryAcquire()).isTrue();
        return new Case(name, lock::acquire, lock::release, lock::release, lock);
    }

    static Stream<Case> cases() {
        Semaphore semaphore = new Semaphore(0);
        Semaphore three = new Semaphore(2);
        Event event = new Event();
        Barrier barrier = new Barrier(2);
        Condition condition = new Condition();
        condition.lock().tryAcquire();
        return Stream.of(
                lockable("Lock", new Lock()),
                lockable("write lock", new ReadWriteLock().writeLock()),
                lockable("KeyedLock", new KeyedLock<>().lock("key")),
                new Case(
                        "Semaphore",
                        semaphore::acquire,
                        semaphore::release,
                        () -> {
                            assertThat(semaphore.tryAcquire()).isTrue();
                            semaphore.release();
                        },
                        semaphore),
                new Case(
                        "3 permits",
                        limit -> three.acquire(3, limit),
                        three::release,
                        () -> {
                            assertThat(three.tryAcquire(3)).isTrue();
                            three.release(3);
                        },
                        three),
                new Case("Event", event::await, event::set, () -> {}, event),
                new Case("Barrier", barrier::await, () -> barrier.await().subscribe(), () -> {}, barrier),
                new Case(
                        "Condition",
                        condition::await,
                        () -> {
                            condition.lock().tryAcquire();
                            condition.signal();
                            condition.release();
                        },
                        condition::release,
                        condition));
    }

    @ParameterizedTest
    @MethodSource("cases")
    @DisplayName("on a loop the deadline is the loop's, to the nanosecond, and the message says what was waited for")
    void onLoop(Case what) throws Exception {
        VirtualTime.run(() -> {
            for (Style style : Style.values()) {
                Duration start = EventLoop.getRunningLoop().time();
                Task<?> task = createTask(style.of(what.begin.apply(SECOND)));
                assertThat(errorOf(task))
                        .isInstanceOf(TimeoutException.class)
                        .hasMessageContaining("PT1S")
                        .hasMessageContaining(what.state instanceof Condition ? "Condition" : "<");
                assertThat(EventLoop.getRunningLoop().time().minus(start)).isEqualTo(SECOND);
                assertThat(what.state.toString()).doesNotContain("waiters:1");
                if (what.state instanceof Condition condition) {
                    assertThat(condition.locked()).isTrue();
                }
            }
        });
    }

    @ParameterizedTest
    @MethodSource("cases")
    @DisplayName("who is granted in time is not timed out later")
    void inTime(Case what) throws Exception {
        VirtualTime.run(() -> {
            for (Style style : Style.values()) {
                if (what.state instanceof Event event) {
                    event.clear();
                }
                Duration start = EventLoop.getRunningLoop().time();
                Task<?> task = createTask(style.of(what.begin.apply(SECOND)));
                await(sleep(SECOND.minusNanos(1)));
                what.grant.run();
                assertThat(errorOf(task)).isNull();
                assertThat(EventLoop.getRunningLoop().time().minus(start)).isEqualTo(SECOND.minusNanos(1));
                await(sleep(SECOND));
                if (what.state instanceof Semaphore semaphore) {
                    // the granted ones stay with the task
                    assertThat(semaphore.permits()).isZero();
                    semaphore.tryAcquire();
                    if (what.name.startsWith("3")) {
                        semaphore.release(2);
                    }
                }
            }
        });
    }

    @ParameterizedTest
    @MethodSource("cases")
    @DisplayName("off every loop the clock is that of Schedulers.parallel()")
    void offLoop(Case what) {
        StepVerifier.withVirtualTime(() -> what.begin.apply(SECOND))
                .expectSubscription()
                .expectNoEvent(SECOND.minusMillis(1))
                .thenAwait(Duration.ofMillis(1))
                .verifyErrorMatches(
                        e -> e instanceof TimeoutException && e.getMessage().contains("PT1S"));
        assertThat(what.state.toString()).doesNotContain("waiters:1");
    }

    @ParameterizedTest
    @MethodSource("cases")
    @DisplayName("zero and negative deadlines end at once; what is free they get")
    void notPositive(Case what) throws Exception {
        for (Duration limit : List.of(Duration.ZERO, Duration.ofNanos(-1), LONGEST.negated())) {
            assertThatThrownBy(() -> what.begin.apply(limit).toFuture().getNow(null))
                    .hasCauseInstanceOf(TimeoutException.class)
                    .hasMessageContaining(limit.toString());
            VirtualTime.run(() -> {
                for (Style style : Style.values()) {
                    Duration start = EventLoop.getRunningLoop().time();
                    assertThat(errorOf(createTask(style.of(what.begin.apply(limit)))))
                            .isInstanceOf(TimeoutException.class);
                    assertThat(EventLoop.getRunningLoop().time()).isEqualTo(start);
                }
            });
            assertThat(what.state.toString()).doesNotContain("waiters:1");
        }
        if (what.state instanceof Lockable lock) {
            lock.release();
            assertThat(what.begin.apply(Duration.ofSeconds(-1)).toFuture()).isCompleted();
            assertThat(lock.locked()).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    @DisplayName("the longest Duration waits for as long as it takes")
    void longest(Case what) throws Exception {
        Runnable disposed = what.begin.apply(LONGEST).subscribe()::dispose;
        disposed.run();
        if (what.state instanceof Condition condition) {
            assertThat(condition.lock().tryAcquire())
                    .as("a subscription that is disposed of has no lock")
                    .isTrue();
        }
        VirtualTime.run(() -> {
            Task<?> task = createTask(what.begin.apply(LONGEST));
            await(sleep(Duration.ofDays(10_000)));
            assertThat(task.done()).isFalse();
            task.cancel();
            assertThat(errorOf(task)).isInstanceOf(CancelledException.class);
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("a release and a deadline at the same instant have one winner, in the order of the timers")
    void sameInstant(boolean releaseFirst) throws Exception {
        for (Style style : Style.values()) {
            Lock lock = new Lock();
            VirtualTime.run(() -> {
                EventLoop loop = EventLoop.getRunningLoop();
                Permit mine = await(lock.acquire());
                if (releaseFirst) {
                    loop.callAt(loop.time().plus(SECOND), mine::release);
                }
                Duration at = loop.time().plus(SECOND);
                Task<Permit> task = createTask(style.of(lock.acquire(SECOND)));
                tick();
                if (!releaseFirst) {
                    loop.callAt(at, mine::release);
                }
                Throwable error = errorOf(task);
                assertThat(loop.time()).isEqualTo(at);
                tick();
                if (releaseFirst) {
                    assertThat(error).isNull();
                    assertThat(await(task).isReleased()).isFalse();
                    await(task).release();
                } else {
                    assertThat(error).isInstanceOf(TimeoutException.class);
                }
                assertThat(lock).hasToString("<Lock [unlocked]>");
            });
        }
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("a task that is cancelled when its deadline or its permit has come leaks nothing")
    void cancelledAtTheDeadline(Style style) throws Exception {
        Semaphore semaphore = new Semaphore(0);
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            for (int order = 0; order < 6; order++) {
                Task<Permit> task = createTask(style.of(semaphore.acquire(SECOND)));
                List<Runnable> what = new ArrayList<>(List.of(semaphore::release, () -> task.cancel()));
                if (order % 2 == 1) {
                    Collections.reverse(what);
                }
                Duration at = loop.time().plus(SECOND);
                if (order < 4) {
                    loop.callAt(at, what.get(0));
                }
                tick();
                if (order >= 4) {
                    loop.callAt(at, what.get(0));
                }
                loop.callAt(at, what.get(1));
                assertThat(errorOf(task)).isNotNull();
                await(sleep(SECOND));
                assertThat(semaphore).as("order %d", order).hasToString("<Semaphore [unlocked, value:1]>");
                assertThat(semaphore.tryAcquire()).isTrue();
            }
        });
    }

    // ---- Condition

    @Test
    @DisplayName("a condition's deadline passes a signal that came too late for it on")
    void signalIsPassedOn() throws Exception {
        Condition condition = new Condition();
        List<Integer> log = new ArrayList<>();
        VirtualTime.run(() -> {
            Task<Void> first = createTask(async(() -> {
                try (Permit permit = await(condition.acquire())) {
                    await(condition.await(SECOND));
                }
            }));
            Task<Void> second = createTask(async(() -> {
                try (Permit permit = await(condition.acquire())) {
                    await(condition.await());
                    log.add(2);
                }
            }));
            tick();
            Permit mine = await(condition.acquire());
            condition.signal();
            await(sleep(SECOND.multipliedBy(2)));
            assertThat(first.done()).as("it needs the lock").isFalse();
            mine.release();
            assertThat(errorOf(first)).isInstanceOf(TimeoutException.class);
            await(second);
            assertThat(log).containsExactly(2);
            assertThat(condition.locked()).isFalse();
        });
    }

    @Test
    @DisplayName("a cancellation is not replaced by a deadline that passes before the lock is free")
    void cancellationWins() throws Exception {
        Condition condition = new Condition();
        VirtualTime.run(() -> {
            Task<Void> task = createTask(async(() -> {
                try (Permit permit = await(condition.acquire())) {
                    await(condition.await(SECOND));
                }
            }));
            tick();
            Permit mine = await(condition.acquire());
            task.cancel("first");
            await(sleep(SECOND.multipliedBy(2)));
            mine.release();
            assertThat(errorOf(task)).isInstanceOf(CancelledException.class).hasMessage("first");
            assertThat(condition.locked()).isFalse();
        });
    }

    @Test
    @DisplayName("a cancellation that follows a deadline counts, too")
    void cancelledAfterTheDeadline() throws Exception {
        Condition condition = new Condition();
        VirtualTime.run(() -> {
            Task<Void> task = createTask(async(() -> {
                try (Permit permit = await(condition.acquire())) {
                    await(condition.await(SECOND));
                }
            }));
            tick();
            Permit mine = await(condition.acquire());
            await(sleep(SECOND.multipliedBy(2)));
            task.cancel("later");
            mine.release();
            assertThat(errorOf(task)).isInstanceOf(CancelledException.class).hasMessage("later");
            assertThat(condition.locked()).isFalse();
        });
    }
}
