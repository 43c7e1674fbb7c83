package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.sync.Style.errorOf;
import static asyncio.sync.Style.tick;
import static asyncio.sync.Style.ticks;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Subscriptions to a Condition that are disposed of in every state, and tasks cancelled with a signal in hand. */
@Timeout(60)
class ConditionDisposeTest {
    private final Condition condition = new Condition();
    private final List<String> log = new ArrayList<>();

    /** Acquires, awaits, logs and releases. */
    private Disposable waits(String name) {
        return condition
                .acquire()
                .flatMap(permit -> condition
                        .await()
                        .doOnSuccess(x -> log.add(name + (permit.isReleased() ? " without" : " with") + " the lock"))
                        .doFinally(end -> permit.release()))
                .subscribe();
    }

    @Test
    @DisplayName("while it waits for a signal: it leaves, and takes no signal with it")
    void waiting() {
        Disposable first = waits("first");
        waits("second");
        assertThat(condition.waiters()).isEqualTo(2);
        first.dispose();
        assertThat(condition.waiters()).isEqualTo(1);
        condition.lock().withLock(Mono.fromRunnable(condition::signal)).block();
        assertThat(log).containsExactly("second with the lock");
        assertThat(condition).hasToString("<Condition [unlocked]>");
    }

    @Test
    @DisplayName("while it waits for the lock, signalled: it leaves the line, and the next gets the signal")
    void signalled() {
        Disposable first = waits("first");
        waits("second");
        Permit mine = condition.acquire().block();
        condition.signal();
        assertThat(condition.waiters()).isEqualTo(1);
        assertThat(condition.lock().waiters()).isEqualTo(1);
        first.dispose();
        assertThat(condition.waiters()).isZero();
        assertThat(condition.lock().waiters()).isEqualTo(1);
        assertThat(log).isEmpty();
        mine.release();
        assertThat(log).containsExactly("second with the lock");
        assertThat(condition).hasToString("<Condition [unlocked]>");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("the same in the middle of the lock's line, where others keep their places")
    void signalledInTheMiddle(boolean byDeadline) {
        VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
        try {
            Permit mine = condition.acquire().block();
            List<Permit> later = new ArrayList<>();
            Disposable[] first = new Disposable[1];
            mine.release();
            first[0] = condition
                    .acquire()
                    .flatMap(permit -> condition
                            .await(Duration.ofSeconds(1))
                            .doOnError(e -> log.add("first " + e.getClass().getSimpleName()))
                            .doFinally(end -> permit.release()))
                    .subscribe(x -> {}, e -> {});
            waits("second");
            Permit holder = condition.acquire().block();
            condition.acquire().subscribe(permit -> {
                log.add("before");
                later.add(permit);
            });
            condition.signal();
            condition.acquire().subscribe(permit -> {
                log.add("after");
                later.add(permit);
            });
            assertThat(condition.lock().waiters()).isEqualTo(3);
            if (byDeadline) {
                time.advanceTimeBy(Duration.ofSeconds(1));
            } else {
                first[0].dispose();
            }
            assertThat(condition.waiters()).isZero();
            assertThat(condition.lock().waiters()).isEqualTo(byDeadline ? 4 : 3);
            holder.release();
            assertThat(log).containsExactly("before");
            later.get(0).release();
            later.get(1).release();
            assertThat(log)
                    .containsExactlyElementsOf(
                            byDeadline
                                    ? List.of("before", "first TimedOutException", "after", "second with the lock")
                                    : List.of("before", "after", "second with the lock"));
            assertThat(condition).hasToString("<Condition [unlocked]>");
        } finally {
            VirtualTimeScheduler.reset();
        }
    }

    @Test
    @DisplayName("on a loop, when it has the lock and has not gone on: the lock is free, and the next gets the signal")
    void granted() throws Exception {
        Asyncio.run(() -> {
            Disposable first = waits("first");
            waits("second");
            ticks(2);
            assertThat(condition.waiters()).isEqualTo(2);
            Permit mine = await(condition.acquire());
            condition.signal();
            mine.release();
            assertThat(condition.locked()).as("by the first").isTrue();
            first.dispose();
            ticks(3);
            assertThat(log).containsExactly("second with the lock");
            assertThat(condition).hasToString("<Condition [unlocked]>");
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("a task that has the lock and is cancelled before it resumes keeps it, and passes the signal on")
    void taskGranted(boolean inScope) throws Exception {
        Asyncio.run(() -> {
            Mono<Void> body = async(() -> {
                if (inScope) {
                    await(condition.lock().withLock(condition.await()));
                } else {
                    try (Permit permit = await(condition.acquire())) {
                        try {
                            await(condition.await());
                        } finally {
                            log.add("first, released: " + permit.isReleased());
                            tick();
                            log.add("first, released: " + permit.isReleased());
                        }
                    }
                }
            });
            Task<Void> first = createTask(body);
            tick();
            waits("second");
            ticks(2);
            Permit mine = await(condition.acquire());
            condition.signal();
            mine.release();
            first.cancel();
            assertThat(errorOf(first)).isInstanceOf(CancelledException.class);
            ticks(3);
            assertThat(log).endsWith("second with the lock");
            if (!inScope) {
                assertThat(log.subList(0, 2)).containsOnly("first, released: false");
            }
            assertThat(condition).hasToString("<Condition [unlocked]>");
        });
    }

    @Test
    @DisplayName("two cancellations while the lock is re-acquired: the latest counts, as in asyncio")
    void cancelledTwice() throws Exception {
        Asyncio.run(() -> {
            Task<Void> task = createTask(async(() -> {
                try (Permit permit = await(condition.acquire())) {
                    await(condition.await());
                }
            }));
            tick();
            Permit mine = await(condition.acquire());
            task.cancel("first");
            tick();
            task.cancel("second");
            mine.release();
            assertThat(errorOf(task)).isInstanceOf(CancelledException.class).hasMessage("second");
            assertThat(condition).hasToString("<Condition [unlocked]>");
        });
    }

    @Test
    @DisplayName("withLock(await) that is disposed of leaves the lock free, whoever has it meanwhile")
    void scopeDisposed() {
        Disposable scope = condition.lock().withLock(condition.await()).subscribe();
        assertThat(condition.locked()).isFalse();
        Permit other = condition.acquire().block();
        scope.dispose();
        assertThat(other.isReleased()).as("the other's").isFalse();
        assertThat(condition.waiters()).isZero();
        other.release();
        assertThat(condition.locked()).isFalse();
    }

    @Test
    @DisplayName("what a predicate throws arrives, the lock being held; at once and after a signal")
    void throwingPredicate() throws Exception {
        RuntimeException error = new IllegalStateException("predicate");
        int[] asked = new int[1];
        Mono<Void> until = condition.awaitUntil(() -> {
            if (asked[0]++ > 0) {
                throw error;
            }
            return false;
        });
        for (int i = 0; i < 2; i++) {
            asked[0] = 1;
            StepVerifier.create(condition.lock().withLock(until)).verifyErrorMatches(e -> e == error);
            assertThat(condition.locked()).isFalse();
            asked[0] = 0;
            StepVerifier.create(condition.lock().withLock(until))
                    .then(() -> condition
                            .lock()
                            .withLock(Mono.fromRunnable(condition::signal))
                            .block())
                    .verifyErrorMatches(e -> e == error);
            assertThat(condition.locked()).isFalse();
            asked[0] = 1;
            Asyncio.run(() -> {
                try (Permit permit = await(condition.acquire())) {
                    assertThatThrownBy(() -> await(until)).isSameAs(error);
                    assertThat(permit.isReleased()).isFalse();
                }
            });
        }
    }

    @Test
    @DisplayName("a lock taken by hand is given up and taken again, too")
    void byHand() {
        assertThat(condition.lock().tryAcquire()).isTrue();
        condition.await().subscribe(x -> {}, e -> {}, () -> log.add("signalled"));
        assertThat(condition.locked()).isFalse();
        condition.lock().withLock(Mono.fromRunnable(condition::signal)).block();
        assertThat(log).containsExactly("signalled");
        assertThat(condition.locked()).isTrue();
        condition.release();
        assertThat(condition.locked()).isFalse();
    }

    @Test
    @DisplayName("a deadline off every loop, while somebody else holds the lock, ends when that is free")
    void deadlineOffLoop() {
        assertThat(condition.lock().tryAcquire()).isTrue();
        StepVerifier.withVirtualTime(() -> condition.await(Duration.ofSeconds(1)))
                .expectSubscription()
                .then(() -> assertThat(condition.lock().tryAcquire()).isTrue())
                .expectNoEvent(Duration.ofSeconds(5))
                .then(condition::release)
                .verifyError(TimeoutException.class);
        assertThat(condition.locked()).as("by the one who waited").isTrue();
        assertThat(condition.waiters()).isZero();
    }
}
