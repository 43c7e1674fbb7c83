package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static asyncio.sync.Style.cancelSoon;
import static asyncio.sync.Style.errorOf;
import static asyncio.sync.Style.tick;
import static asyncio.sync.Style.ticks;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.Task;
import asyncio.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Mono;

/** The rows of the catalogue. */
@Timeout(60)
class SemaphoreTest {
    private final List<Object> result = new ArrayList<>();

    /** Acquires, logs and keeps it. */
    private Mono<Void> takes(Semaphore semaphore, int n) {
        return async(() -> {
            await(semaphore.acquire());
            result.add(n);
        });
    }

    private static List<Task<Permit>> acquiring(Semaphore semaphore, Style style, int n) {
        return Stream.generate(() -> createTask(style.of(semaphore.acquire())))
                .limit(n)
                .toList();
    }

    @Test
    @DisplayName("SEM-01 one without permits is locked")
    void initialValueZero() {
        assertThat(new Semaphore(0).locked()).isTrue();
        assertThat(new Semaphore(0)).hasToString("<Semaphore [locked]>");
        assertThat(new BoundedSemaphore(2)).hasToString("<BoundedSemaphore [unlocked, value:2]>");
    }

    @Test
    @DisplayName("SEM-02 fewer permits than none are an error")
    void negativeValue() {
        for (int permits : new int[] {-1, Integer.MIN_VALUE}) {
            assertThatThrownBy(() -> new Semaphore(permits))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(String.valueOf(permits));
            assertThatThrownBy(() -> new BoundedSemaphore(permits)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    @DisplayName("SEM-03 permits that are released are those of the waiters at once")
    void acquire() throws Exception {
        Semaphore semaphore = new Semaphore(3);
        Asyncio.run(() -> {
            await(semaphore.acquire());
            await(semaphore.acquire());
            assertThat(semaphore.locked()).isFalse();
            Task<Void> t1 = createTask(takes(semaphore, 1));
            List<Task<Void>> others = new ArrayList<>();
            others.add(createTask(takes(semaphore, 2)));
            others.add(createTask(takes(semaphore, 3)));
            tick();
            assertThat(result).containsExactly(1);
            assertThat(semaphore.locked()).isTrue();
            assertThat(semaphore.waiters()).isEqualTo(2);
            assertThat(semaphore.permits()).isZero();
            assertThat(semaphore).hasToString("<Semaphore [locked, waiters:2]>");
            others.add(createTask(takes(semaphore, 4)));
            semaphore.release();
            semaphore.release();
            assertThat(semaphore.permits()).isZero();
            tick();
            assertThat(semaphore.permits()).isZero();
            assertThat(result).hasSize(3);
            assertThat(semaphore.locked()).isTrue();
            assertThat(semaphore.waiters()).isEqualTo(1);
            assertThat(t1.done()).isTrue();
            assertThat(others.stream().filter(Task::done)).hasSize(2);
            semaphore.release();
            await(gather(others));
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("SEM-04 a cancelled acquire leaves nobody waiting")
    void acquireCancel(Style style) throws Exception {
        Semaphore semaphore = new Semaphore(1);
        Asyncio.run(() -> {
            await(semaphore.acquire());
            Task<Permit> task = createTask(style.of(semaphore.acquire()));
            cancelSoon(task);
            assertThat(errorOf(task)).isInstanceOf(CancelledException.class);
            assertThat(semaphore.waiters()).isZero();
            semaphore.release();
            assertThat(semaphore.permits()).isEqualTo(1);
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("SEM-05 a release skips those cancelled in the same tick")
    void cancelBeforeAwoken(Style style) throws Exception {
        Semaphore semaphore = new Semaphore(0);
        Asyncio.run(() -> {
            List<Task<Permit>> t = acquiring(semaphore, style, 4);
            tick();
            t.get(0).cancel();
            t.get(1).cancel();
            semaphore.release();
            ticks(2);
            assertThat(t.get(2).done()).isTrue();
            assertThat(t.get(3).done()).isFalse();
            assertThat(semaphore.waiters()).isEqualTo(1);
            t.get(3).cancel();
            ticks(1);
            assertThat(semaphore.waiters()).isZero();
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("SEM-06 the one after a cancelled waiter gets the permit")
    void acquireHang(Style style) throws Exception {
        Semaphore semaphore = new Semaphore(0);
        Asyncio.run(() -> {
            List<Task<Permit>> t = acquiring(semaphore, style, 2);
            tick();
            t.get(0).cancel();
            semaphore.release();
            ticks(2);
            assertThat(semaphore.locked()).isTrue();
            assertThat(t.get(1).done()).isTrue();
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("SEM-06 (13c) permits granted to tasks that are cancelled before they resume go on, or come back")
    void grantedAndCancelled(Style style) throws Exception {
        Semaphore semaphore = new Semaphore(0);
        Asyncio.run(() -> {
            List<Task<Permit>> t = acquiring(semaphore, style, 3);
            tick();
            semaphore.release(2);
            assertThat(semaphore.locked()).isTrue();
            t.get(0).cancel();
            t.get(1).cancel();
            ticks(2);
            assertThat(t.get(0).cancelled() && t.get(1).cancelled()).isTrue();
            assertThat(await(t.get(2)).isReleased()).isFalse();
            assertThat(semaphore.permits()).isEqualTo(1);
            assertThat(semaphore.locked()).isFalse();
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("SEM-07 the permit of one who was woken and cancelled by its waker is back")
    void acquireNoHang(Style style) throws Exception {
        Semaphore semaphore = new Semaphore(1);
        Asyncio.run(() -> {
            List<Task<?>> t2 = new ArrayList<>();
            Task<Void> t1 = createTask(async(() -> {
                try (Permit permit = await(semaphore.acquire())) {
                    tick();
                }
                t2.get(0).cancel();
            }));
            t2.add(createTask(style.of(semaphore.withPermit(Mono.error(new AssertionError("not reached"))))));
            await(t1);
            assertThat(errorOf(t2.get(0))).isInstanceOf(CancelledException.class);
            await(waitFor(semaphore.acquire(), Duration.ofSeconds(10)));
        });
    }

    @Test
    @DisplayName("SEM-08 a bounded one refuses what exceeds its bound, says so, and stays as it is")
    void releaseNotAcquired() {
        BoundedSemaphore semaphore = new BoundedSemaphore(1);
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(semaphore::release)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("too many times");
            assertThat(semaphore.permits()).isEqualTo(1);
        }
        Permit permit = semaphore.acquire().block();
        assertThat(semaphore.permits()).isZero();
        semaphore.release();
        assertThatThrownBy(permit::release).isInstanceOf(IllegalStateException.class);
        assertThat(semaphore.permits()).isEqualTo(1);
    }

    @Test
    @DisplayName("SEM-09 one who releases and acquires again does not get ahead of the waiters")
    void fifoOrder() throws Exception {
        Semaphore semaphore = new Semaphore(1);
        VirtualTime.run(() -> {
            List<Task<Void>> tasks = Stream.of("c1", "c2", "c3")
                    .map(tag -> createTask(async(() -> {
                        for (int i = 1; i <= 2; i++) {
                            await(semaphore.acquire());
                            result.add(tag + "_" + i);
                            await(sleep(Duration.ofMillis(10)));
                            semaphore.release();
                        }
                    })))
                    .toList();
            await(gather(tasks));
        });
        assertThat(result).containsExactly("c1_1", "c2_1", "c3_1", "c1_2", "c2_2", "c3_2");
    }

    @Test
    @DisplayName("SEM-10 two permits at once: first those who wait, then who comes again")
    void fifoOrder2() throws Exception {
        Semaphore semaphore = new Semaphore(1);
        Asyncio.run(() -> {
            Task<Void> t1 = createTask(takes(semaphore, 1));
            Task<Void> t2 = createTask(async(() -> {
                await(semaphore.acquire());
                result.add(2);
                semaphore.release();
                await(semaphore.acquire());
                result.add(4);
            }));
            Task<Void> t3 = createTask(takes(semaphore, 3));
            tick();
            semaphore.release();
            semaphore.release();
            await(gather(List.of(t1, t2, t3)));
        });
        assertThat(result).containsExactly(1, 2, 3, 4);
    }

    @Test
    @DisplayName("SEM-11 a cancelled waiter does not disturb the order of the others")
    void fifoOrder3() throws Exception {
        Semaphore semaphore = new Semaphore(0);
        Asyncio.run(() -> {
            List<Task<Void>> tasks =
                    Stream.of(1, 2, 3).map(n -> createTask(takes(semaphore, n))).toList();
            tick();
            tasks.get(0).cancel();
            tick();
            semaphore.release();
            semaphore.release();
            await(gather(tasks, true));
        });
        assertThat(result).containsExactly(2, 3);
    }

    @Test
    @DisplayName("SEM-12 permits beside a waiter that has not woken are locked, and those who come queue up behind it")
    void fifoOrder4() throws Exception {
        Semaphore semaphore = new Semaphore(0);
        Asyncio.run(() -> {
            List<Task<?>> tasks = new ArrayList<>();
            tasks.add(createTask(async(() -> {
                assertThat(semaphore.permits()).isZero();
                await(semaphore.acquire());
                assertThat(semaphore.permits()).isZero();
                tasks.add(createTask(async(() -> result.add(4))));
                result.add(1);
            })));
            tasks.add(createTask(async(() -> {
                for (int i = 0; i < 3; i++) {
                    semaphore.release();
                }
                assertThat(semaphore.permits()).isEqualTo(2);
                assertThat(semaphore.locked()).isTrue();
                await(semaphore.acquire());
                result.add(2);
            })));
            tasks.add(createTask(async(() -> {
                await(semaphore.acquire());
                assertThat(semaphore.locked()).isTrue();
                result.add(3);
            })));
            tick();
            assertThat(semaphore.permits()).isEqualTo(2);
            // the first has its permit, and no longer counts as waiting; in CPython it does until it runs
            assertThat(semaphore.waiters()).isEqualTo(2);
            tick();
            await(gather(tasks, true));
            for (Task<?> task : List.copyOf(tasks)) {
                await(task);
            }
        });
        assertThat(result).containsExactly(1, 2, 3, 4);
    }
}
