package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.sync.Style.cancelSoon;
import static asyncio.sync.Style.errorOf;
import static asyncio.sync.Style.tick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.Disposable;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

@Timeout(60)
class LockTest {
    private final Lock lock = new Lock();

    private Permit held() {
        assertThat(lock.locked()).isFalse();
        return lock.acquire().block();
    }

    // ---- rows

    @Test
    @DisplayName("LCK-01 the text says whether it is locked, and how many wait")
    void text() {
        assertThat(lock).hasToString("<Lock [unlocked]>");
        Permit permit = held();
        assertThat(lock).hasToString("<Lock [locked]>");
        Disposable first = lock.acquire().subscribe();
        assertThat(lock).hasToString("<Lock [locked, waiters:1]>");
        Disposable second = lock.acquire().subscribe();
        assertThat(lock).hasToString("<Lock [locked, waiters:2]>");
        assertThat(lock.inners()).hasSize(2);
        assertThat(Scannable.from(lock).scan(Scannable.Attr.BUFFERED)).isEqualTo(2);
        first.dispose();
        second.dispose();
        assertThat(lock).hasToString("<Lock [locked]>");
        permit.release();
        assertThat(lock).hasToString("<Lock [unlocked]>");
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("LCK-02 strictly first in, first out; each release lets one in, a tick later")
    void acquire(Style style) throws Exception {
        List<Integer> result = new ArrayList<>();
        Asyncio.run(() -> {
            assertThat(await(lock.acquire())).isNotNull();
            Task<Permit> t1 = createTask(style.of(lock.acquire()));
            Task<Permit> t2 = createTask(style.of(lock.acquire()));
            t1.addDoneCallback(t -> result.add(1));
            t2.addDoneCallback(t -> result.add(2));
            tick();
            assertThat(lock.waiters()).isEqualTo(2);
            assertThat(t1.done() || t2.done()).isFalse();
            lock.release();
            assertThat(t1.done()).as("not before the next tick").isFalse();
            tick();
            assertThat(t1.done()).isTrue();
            assertThat(t2.done()).isFalse();
            tick();
            assertThat(t2.done()).isFalse();
            assertThat(lock.waiters()).isEqualTo(1);
            Task<Permit> t3 = createTask(style.of(lock.acquire()));
            t3.addDoneCallback(t -> result.add(3));
            lock.release();
            tick();
            assertThat(t2.done()).isTrue();
            assertThat(t3.done()).isFalse();
            lock.release();
            tick();
            assertThat(t3.done()).isTrue();
            assertThat(await(t3).isReleased()).isFalse();
            assertThat(await(t1).isReleased()).as("by lock.release()").isTrue();
            tick();
            lock.release();
        });
        assertThat(result).containsExactly(1, 2, 3);
        assertThat(lock.locked()).isFalse();
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("LCK-03 a cancelled acquire leaves nobody waiting")
    void acquireCancel(Style style) throws Exception {
        Asyncio.run(() -> {
            Permit mine = await(lock.acquire());
            Task<Permit> task = createTask(style.of(lock.acquire()));
            cancelSoon(task);
            assertThat(errorOf(task)).isInstanceOf(CancelledException.class);
            assertThat(lock.waiters()).isZero();
            assertThat(lock.locked()).isTrue();
            mine.release();
            assertThat(lock.locked()).isFalse();
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("LCK-04 release skips a waiter that was cancelled in the same tick")
    void cancelRace(Style style) throws Exception {
        Asyncio.run(() -> {
            Future<Void> fa = EventLoop.getRunningLoop().createFuture();
            Task<Void> ta = createTask(style.of(lock.withLock(fa)));
            tick();
            assertThat(lock.locked()).isTrue();
            Task<Integer> tb = createTask(style.of(lock.withLock(Mono.just(1))));
            tick();
            Task<Integer> tc = createTask(style.of(lock.withLock(Mono.just(2))));
            tick();
            assertThat(lock.waiters()).isEqualTo(2);
            fa.setResult(null);
            tb.cancel();
            await(ta);
            assertThat(await(tc)).isEqualTo(2);
            assertThat(errorOf(tb)).isInstanceOf(CancelledException.class);
            assertThat(lock.locked()).isFalse();
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("LCK-05 cancelling the first waiter and releasing in one callback lets exactly one other in")
    void cancelReleaseRace(Style style) throws Exception {
        Asyncio.run(() -> {
            await(lock.acquire());
            Task<Permit> t1 = createTask(style.of(lock.acquire()));
            Task<Permit> t2 = createTask(style.of(lock.acquire()));
            Task<Permit> t3 = createTask(style.of(lock.acquire()));
            tick();
            EventLoop.getRunningLoop().callSoon(() -> {
                t1.cancel();
                lock.release();
            });
            assertThat(errorOf(t1)).isInstanceOf(CancelledException.class);
            assertThat(t1.cancelled()).isTrue();
            assertThat(t2.done()).isTrue();
            assertThat(t3.done()).isFalse();
            assertThat(lock.waiters()).isEqualTo(1);
            t3.cancel();
            tick();
            assertThat(t3.cancelled()).isTrue();
            assertThat(lock.waiters()).isZero();
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("LCK-06 a waiter that is cancelled in the tick of the release hands the lock on")
    void finishedWaiterCancelled(Style style) throws Exception {
        Asyncio.run(() -> {
            await(lock.acquire());
            Task<Permit> tb = createTask(style.of(lock.acquire()));
            tick();
            assertThat(lock.waiters()).isEqualTo(1);
            Task<Permit> tc = createTask(style.of(lock.acquire()));
            tb.cancel();
            lock.release();
            tick();
            assertThat(lock.locked()).isTrue();
            assertThat(tb.cancelled()).isTrue();
            assertThat(await(tc).isReleased()).isFalse();
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("LCK-06 (13c) one that was granted the lock and is cancelled before it resumes hands it on")
    void grantedWaiterCancelled(Style style) throws Exception {
        Asyncio.run(() -> {
            Permit mine = await(lock.acquire());
            Task<Permit> tb = createTask(style.of(lock.acquire()));
            Task<Permit> tc = createTask(style.of(lock.acquire()));
            tick();
            mine.release();
            assertThat(lock.waiters()).as("tb has been granted it").isEqualTo(1);
            tb.cancel();
            assertThat(errorOf(tb)).isInstanceOf(CancelledException.class);
            assertThat(await(tc).isReleased()).isFalse();
            assertThat(lock).hasToString("<Lock [locked]>");
            await(tc).release();
            assertThat(lock.locked()).isFalse();
        });
    }

    @Test
    @DisplayName("LCK-07 releasing a free lock is an error that says so, and changes nothing")
    void releaseNotAcquired() {
        assertThatThrownBy(lock::release)
                .isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContaining("<Lock [unlocked]>");
        assertThat(lock.tryAcquire()).isTrue();
        lock.release();
        assertThatThrownBy(lock::release).isInstanceOf(IllegalMonitorStateException.class);
        assertThat(lock.locked()).isFalse();
    }

    @Test
    @DisplayName("LCK-08 it is locked inside of a scope, also across a suspension, and free afterwards")
    void scopes() throws Exception {
        Asyncio.run(() -> {
            try (Permit permit = await(lock.acquire())) {
                assertThat(lock.locked()).isTrue();
                tick();
                assertThat(lock.locked()).isTrue();
                assertThat(permit.isReleased()).isFalse();
                assertThat(permit.permits()).isEqualTo(1);
            }
            assertThat(lock.locked()).isFalse();
            assertThat(await(lock.withLock(sleep(Duration.ofMillis(1)).then(Mono.fromCallable(lock::locked)))))
                    .isTrue();
            assertThat(lock.locked()).isFalse();
            assertThatThrownBy(() -> await(lock.withLock(async(() -> {
                        tick();
                        throw new IllegalStateException("locked: " + lock.locked());
                    }))))
                    .hasMessage("locked: true");
            assertThat(lock.locked()).isFalse();
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("LCK-10 nobody overtakes one who has been granted the lock and has not gone on")
    void noBarging(Style style) throws Exception {
        Asyncio.run(() -> {
            Permit mine = await(lock.acquire());
            Task<Permit> waiting = createTask(style.of(lock.acquire()));
            tick();
            mine.release();
            assertThat(waiting.done()).isFalse();
            assertThat(lock.tryAcquire()).isFalse();
            Task<Permit> late = createTask(style.of(lock.acquire()));
            Permit granted = await(waiting);
            tick();
            assertThat(late.done()).isFalse();
            granted.release();
            await(late).release();
        });
        assertThat(lock.locked()).isFalse();
    }

    // ---- permits

    @Test
    @DisplayName("releasing a permit twice, or after lock.release(), does nothing to its successor")
    void staleRelease() {
        Permit first = held();
        first.release();
        Permit second = held();
        first.release();
        first.close();
        assertThat(first.isReleased()).isTrue();
        assertThat(second.isReleased()).isFalse();
        lock.release();
        assertThat(second.isReleased()).isTrue();
        Permit third = held();
        second.release();
        assertThat(third.isReleased()).isFalse();
        Disposable waiting = lock.acquire().subscribe();
        first.release();
        second.release();
        assertThat(lock).hasToString("<Lock [locked, waiters:1]>");
        assertThat(third.isReleased()).as("with a waiter").isFalse();
        waiting.dispose();
        third.release();
        assertThat(lock.locked()).isFalse();
    }

    @Test
    @DisplayName("each subscription to acquire() acquires anew, and nothing happens before")
    void cold() {
        Mono<Permit> acquire = lock.acquire();
        assertThat(lock.locked()).isFalse();
        StepVerifier.create(acquire, 0)
                .expectSubscription()
                .then(() -> assertThat(lock.locked()).as("no request").isFalse())
                .thenRequest(1)
                .assertNext(permit -> {
                    assertThat(lock.locked()).isTrue();
                    permit.release();
                })
                .verifyComplete();
        acquire.block().release();
        assertThat(lock.locked()).isFalse();
    }

    @Test
    @DisplayName("tryAcquire takes a free lock only, and passes on through release()")
    void tryAcquire() {
        assertThat(lock.tryAcquire()).isTrue();
        assertThat(lock.tryAcquire()).isFalse();
        List<Permit> got = new ArrayList<>();
        lock.acquire().subscribe(got::add);
        assertThat(got).isEmpty();
        lock.release();
        assertThat(got).hasSize(1);
        assertThat(lock.tryAcquire()).isFalse();
        got.get(0).release();
        assertThat(lock.locked()).isFalse();
    }

    @Test
    @DisplayName("a task cancelled before it began, or before its body came to acquire, does not join the line")
    void cancelledEarly() throws Exception {
        Asyncio.run(() -> {
            Permit mine = await(lock.acquire());
            for (Style style : Style.values()) {
                Task<Permit> task = createTask(style.of(lock.acquire()));
                task.cancel();
                assertThat(errorOf(task)).isInstanceOf(CancelledException.class);
                assertThat(lock.waiters()).isZero();
            }
            mine.release();
            for (Style style : Style.values()) {
                Task<Permit> task = createTask(style.of(lock.acquire()));
                task.cancel();
                assertThat(errorOf(task)).isInstanceOf(CancelledException.class);
                assertThat(lock.locked()).as("%s took a free lock", style).isFalse();
            }
        });
    }

    @Test
    void nullArguments() {
        assertThatThrownBy(() -> lock.acquire(null))
                .isInstanceOf(NullPointerException.class)
                .hasMessage("limit");
        assertThatThrownBy(() -> lock.withLock((Mono<?>) null)).hasMessage("work");
        assertThatThrownBy(() -> lock.withLock((reactor.core.publisher.Flux<?>) null))
                .hasMessage("work");
        assertThat(lock.locked()).isFalse();
    }
}
