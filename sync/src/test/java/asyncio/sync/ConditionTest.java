package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.waitFor;
import static asyncio.sync.Style.cancelSoon;
import static asyncio.sync.Style.errorOf;
import static asyncio.sync.Style.tick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Task;
import asyncio.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;

/** The rows of the catalogue. */
@Timeout(60)
class ConditionTest {
    private final Condition condition = new Condition();
    private final List<Integer> result = new ArrayList<>();
    private int state;

    /** Acquires, waits, logs, and keeps the lock or not; not if it is cancelled, since the others need it to end. */
    private Mono<Void> waits(int n, boolean releases) {
        return async(() -> {
            Permit permit = await(condition.acquire());
            try {
                await(condition.await());
            } catch (CancelledException e) {
                permit.release();
                throw e;
            }
            assertThat(permit.isReleased()).isFalse();
            result.add(n);
            if (releases) {
                permit.release();
            }
        });
    }

    private List<Task<Void>> waiting(int n, boolean release) throws Exception {
        List<Task<Void>> tasks = IntStream.rangeClosed(1, n)
                .mapToObj(i -> createTask(waits(i, release)))
                .toList();
        tick();
        assertThat(condition.waiters()).isEqualTo(n);
        assertThat(condition.locked()).isFalse();
        return tasks;
    }

    @Test
    @DisplayName("CND-01 signalled waiters go on one after the other, each holding the lock")
    void await3() throws Exception {
        Asyncio.run(() -> {
            List<Task<Void>> tasks = waiting(3, false);
            await(condition.acquire());
            condition.signal();
            tick();
            assertThat(result).isEmpty();
            assertThat(condition.locked()).isTrue();
            condition.release();
            tick();
            assertThat(result).containsExactly(1);
            assertThat(condition.locked()).isTrue();
            condition.signal(2);
            tick();
            assertThat(result).containsExactly(1);
            assertThat(condition.locked()).isTrue();
            condition.release();
            tick();
            assertThat(result).containsExactly(1, 2);
            assertThat(condition.locked()).isTrue();
            condition.release();
            tick();
            assertThat(result).containsExactly(1, 2, 3);
            assertThat(condition.locked()).isTrue();
            assertThat(tasks).allMatch(Task::done);
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("CND-02 a cancelled await ends when it has the lock again")
    void awaitCancel(Style style) throws Exception {
        Asyncio.run(() -> {
            Permit permit = await(condition.acquire());
            Task<Void> waiting = createTask(style.of(condition.await()));
            cancelSoon(waiting);
            assertThat(errorOf(waiting)).isInstanceOf(CancelledException.class);
            assertThat(condition.waiters()).isZero();
            assertThat(condition.locked()).isTrue();
            assertThat(permit.isReleased()).isFalse();
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("CND-03 when a contested await has ended, the lock is the waiter's, whatever the outcome")
    void awaitCancelContested(Style style) throws Exception {
        Asyncio.run(() -> {
            Permit permit = await(condition.acquire());
            Task<Void> waiting = createTask(style.of(condition.await()));
            tick();
            assertThat(condition.locked()).isFalse();
            Permit mine = await(condition.acquire());
            condition.signal();
            cancelSoon(waiting);
            EventLoop.getRunningLoop().callSoon(condition::release);
            errorOf(waiting);
            assertThat(condition.locked()).isTrue();
            assertThat(permit.isReleased()).isFalse();
            assertThat(mine.isReleased()).isTrue();
        });
    }

    @Test
    @DisplayName("CND-04 a cancellation while the lock is re-acquired is not swallowed")
    void awaitCancelAfterSignal() throws Exception {
        Asyncio.run(() -> {
            List<Task<Void>> tasks = waiting(1, true);
            Permit mine = await(condition.acquire());
            condition.signal();
            tick();
            tasks.get(0).cancel();
            tick();
            assertThat(tasks.get(0).done()).as("it needs the lock first").isFalse();
            mine.release();
            tick();
            assertThat(tasks.get(0).cancelled()).isTrue();
        });
    }

    @Test
    @DisplayName("CND-05 await and signal without the lock are errors that say what to do; nothing has changed")
    void unacquired() throws Exception {
        Asyncio.run(() -> {
            for (Style style : Style.values()) {
                assertThat(errorOf(createTask(style.of(condition.await()))))
                        .isInstanceOf(IllegalMonitorStateException.class)
                        .hasMessageContaining("await()")
                        .hasMessageContaining("<Condition [unlocked]>")
                        .hasMessageContaining("withLock");
            }
        });
        assertThatThrownBy(() -> condition.await().block()).isInstanceOf(IllegalMonitorStateException.class);
        assertThatThrownBy(condition::signal)
                .isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContaining("signal()");
        assertThatThrownBy(condition::signalAll).isInstanceOf(IllegalMonitorStateException.class);
        assertThatThrownBy(condition::release).isInstanceOf(IllegalMonitorStateException.class);
        assertThatThrownBy(() -> condition.signal(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("-1");
        assertThat(condition.waiters()).isZero();
        assertThat(condition.locked()).isFalse();
        assertThatThrownBy(() -> new Condition(null)).hasMessage("lock");
        assertThatThrownBy(() -> condition.await(null)).hasMessage("limit");
        assertThatThrownBy(() -> condition.awaitUntil(null)).hasMessage("predicate");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("CND-06 awaitUntil waits on while the predicate is false")
    void awaitUntil(boolean inBody) throws Exception {
        Mono<Void> until = condition.awaitUntil(() -> {
            assertThat(condition.locked()).isTrue();
            return state == 1;
        });
        Asyncio.run(() -> {
            Task<Void> task = createTask(
                    inBody
                            ? async(() -> {
                                try (Permit permit = await(condition.acquire())) {
                                    await(until);
                                    assertThat(permit.isReleased()).isFalse();
                                    result.add(1);
                                }
                            })
                            : condition.lock().withLock(until.doOnSuccess(x -> result.add(1))));
            tick();
            assertThat(condition.waiters()).isEqualTo(1);
            await(condition.lock().withLock(Mono.fromRunnable(condition::signal)));
            Style.ticks(4);
            assertThat(result).isEmpty();
            assertThat(condition.waiters()).as("it waits again").isEqualTo(1);
            state = 1;
            await(condition.lock().withLock(Mono.fromRunnable(condition::signal)));
            await(task);
            assertThat(result).containsExactly(1);
            assertThat(condition.locked()).isFalse();
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("CND-07 awaitUntil without the lock: at once if the predicate is true, else an error")
    void awaitUntilUnacquired(Style style) throws Exception {
        Asyncio.run(() -> {
            await(style.of(condition.awaitUntil(() -> true)));
            assertThat(errorOf(createTask(style.of(condition.awaitUntil(() -> false)))))
                    .isInstanceOf(IllegalMonitorStateException.class);
        });
    }

    @Test
    @DisplayName("CND-08 signal(n) wakes the n who waited longest; more than there are is fine")
    void signal() throws Exception {
        Asyncio.run(() -> {
            List<Task<Void>> tasks = waiting(3, true);
            try (Permit permit = await(condition.acquire())) {
                condition.signal(0);
                condition.signal(1);
            }
            tick();
            assertThat(result).containsExactly(1);
            try (Permit permit = await(condition.acquire())) {
                condition.signal(1);
                condition.signal(2048);
            }
            tick();
            tick();
            assertThat(result).containsExactly(1, 2, 3);
            assertThat(tasks).allMatch(Task::done);
        });
    }

    @Test
    @DisplayName("CND-09 signalAll wakes all, in order")
    void signalAll() throws Exception {
        Asyncio.run(() -> {
            List<Task<Void>> tasks = waiting(2, true);
            try (Permit permit = await(condition.acquire())) {
                condition.signalAll();
            }
            await(tasks.get(0));
            await(tasks.get(1));
            assertThat(result).containsExactly(1, 2);
        });
        assertThat(condition.locked()).isFalse();
    }

    @Test
    @DisplayName("CND-11 a condition of a lock shares it, also with other conditions")
    void explicitLock() {
        Lock lock = new Lock();
        Condition first = new Condition(lock);
        Condition second = new Condition(lock);
        assertThat(first.lock()).isSameAs(lock);
        Permit permit = first.acquire().block();
        assertThat(List.of(lock.locked(), first.locked(), second.locked())).containsOnly(true);
        permit.release();
        assertThat(List.of(lock.locked(), first.locked(), second.locked())).containsOnly(false);
        permit = lock.acquire().block();
        assertThat(List.of(lock.locked(), first.locked(), second.locked())).containsOnly(true);
        first.await().subscribe(x -> {}, e -> {}, () -> result.add(1));
        Permit other = lock.acquire().block();
        second.signalAll();
        other.release();
        assertThat(result).as("signalled another condition").isEmpty();
        other = lock.acquire().block();
        first.signalAll();
        other.release();
        assertThat(result).containsExactly(1);
        assertThat(permit.isReleased()).isFalse();
        permit.release();
        assertThat(lock.locked()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    @DisplayName("CND-13 waitFor(await) in the held condition times out with the lock re-acquired")
    void timeoutInBlock(int kind) throws Exception {
        VirtualTime.run(() -> {
            try (Permit permit = await(condition.acquire())) {
                Duration half = Duration.ofMillis(500);
                Mono<Void> waiting = switch (kind) {
                    case 0 -> waitFor(condition.await(), half);
                    case 1 -> condition.await(half);
                    default -> waitFor(condition.awaitUntil(() -> false), half);
                };
                assertThatThrownBy(() -> await(waiting)).isInstanceOf(TimeoutException.class);
                assertThat(condition.locked()).isTrue();
                assertThat(permit.isReleased()).isFalse();
            }
            assertThat(condition.locked()).isFalse();
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    @DisplayName("CND-15 a task cancelled while it waits, or re-acquires the lock, ends with that very exception")
    void cancelledError(boolean signalled) throws Exception {
        @Nullable Throwable[] raised = new @Nullable Throwable[1];
        Asyncio.run(() -> {
            Task<Void> task = createTask(async(() -> {
                try (Permit permit = await(condition.acquire())) {
                    await(condition.awaitUntil(() -> state == 1));
                } catch (CancelledException e) {
                    raised[0] = e;
                    throw e;
                }
            }));
            tick();
            Permit mine = await(condition.acquire());
            if (signalled) {
                state = 1;
                condition.signal();
                tick();
            }
            task.cancel("foo");
            mine.release();
            assertThat(errorOf(task)).hasMessage("foo").isSameAs(raised[0]);
            assertThat(condition.locked()).isFalse();
        });
    }

    private Mono<Void> consumer() {
        return async(() -> {
            try (Permit permit = await(condition.acquire())) {
                while (true) {
                    await(condition.awaitUntil(() -> state != 0));
                    if (state < 0) {
                        return;
                    }
                    state--;
                }
            }
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    @DisplayName("CND-16 CND-17 a signal to one who is cancelled before, or while, it re-acquires the lock goes on")
    void cancelledWakeup(int ticks) throws Exception {
        VirtualTime.run(() -> {
            List<Task<Void>> consumers = List.of(createTask(consumer()), createTask(consumer()));
            tick();
            try (Permit permit = await(condition.acquire())) {
                state++;
                condition.signal();
                Style.ticks(ticks);
                consumers.get(0).cancel();
                try {
                    await(waitFor(condition.awaitUntil(() -> state == 0), Duration.ofMillis(10)));
                } catch (TimeoutException e) {
                    // as in CPython's test: this one is not notified
                }
                assertThat(state).isZero();
                assertThat(permit.isReleased()).isFalse();
                state = -1;
                condition.signalAll();
            }
            await(consumers.get(1));
            assertThat(errorOf(consumers.get(0))).isInstanceOf(CancelledException.class);
        });
        assertThat(condition.locked()).isFalse();
    }
}
