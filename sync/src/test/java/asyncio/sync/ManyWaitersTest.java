package asyncio.sync;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/** A million waiters, which release each other, need no stack. */
@Timeout(120)
class ManyWaitersTest {
    private static final int MILLION = 1_000_000;

    private int ran;

    /** Returns the forms of holding it. */
    private static Stream<Object[]> forms() {
        return Kind.all()
                .flatMap(kind -> Stream.of(
                        new Object[] {kind, false}, // acquire, then release
                        new Object[] {kind, true})); // withLock
    }

    private Mono<?> use(Kind kind, boolean scoped) {
        return scoped
                ? kind.with(Mono.fromRunnable(() -> ran++))
                : kind.acquire().doOnNext(permit -> {
                    ran++;
                    permit.release();
                });
    }

    @ParameterizedTest
    @MethodSource("forms")
    @DisplayName("off every loop")
    void offLoop(Kind kind, boolean scoped) {
        Permit mine = kind.take();
        Mono<?> use = use(kind, scoped);
        for (int i = 0; i < MILLION; i++) {
            use.subscribe();
        }
        assertThat(ran).isZero();
        assertThat(kind.waiters()).isEqualTo(MILLION);
        mine.release();
        assertThat(ran).isEqualTo(MILLION);
        assertThat(kind.free()).isTrue();
    }

    @ParameterizedTest
    @MethodSource("forms")
    @DisplayName("subscribers on a loop")
    void onLoop(Kind kind, boolean scoped) throws Exception {
        Mono<?> use = use(kind, scoped);
        Asyncio.run(() -> {
            Permit mine = await(kind.rival());
            Future<Void> subscribed = new Future<>();
            Future<Void> over = new Future<>();
            EventLoop.getRunningLoop().callSoon(() -> {
                for (int i = 0; i < MILLION / 4; i++) {
                    use.subscribe();
                }
                use.doFinally(end -> over.trySetResult(null)).subscribe();
                subscribed.setResult(null);
            });
            await(subscribed);
            assertThat(ran).isZero();
            mine.release();
            await(over);
            assertThat(ran).isEqualTo(MILLION / 4 + 1);
            await(sleep(Duration.ZERO));
            assertThat(kind.free()).isTrue();
        });
    }

    @Test
    @DisplayName("tasks on a loop, half of them cancelled")
    void tasks() throws Exception {
        Lock lock = new Lock();
        Asyncio.run(() -> {
            Permit mine = await(lock.acquire());
            List<Task<Void>> tasks = new ArrayList<>();
            for (int i = 0; i < MILLION / 10; i++) {
                tasks.add(createTask(lock.withLock(Mono.fromRunnable(() -> ran++))));
            }
            await(sleep(Duration.ZERO));
            assertThat(lock.waiters()).isEqualTo(MILLION / 10);
            for (int i = 0; i < tasks.size(); i += 2) {
                tasks.get(i).cancel();
            }
            mine.release();
            await(tasks.get(tasks.size() - 1));
            assertThat(ran).isEqualTo(MILLION / 20);
        });
        assertThat(lock.locked()).isFalse();
    }

    @Test
    @DisplayName("an Event, a Barrier, a Condition and a semaphore's permits all at once")
    void allAtOnce() throws Exception {
        Event event = new Event();
        Barrier barrier = new Barrier(MILLION + 1);
        Condition condition = new Condition();
        Semaphore semaphore = new Semaphore(0);
        Consumer<Mono<?>> subscribe = mono -> {
            for (int i = 0; i < MILLION; i++) {
                mono.doFinally(end -> ran++).subscribe();
            }
            assertThat(ran).isZero();
        };
        subscribe.accept(event.await());
        event.set();
        assertThat(ran).isEqualTo(MILLION);
        ran = 0;
        subscribe.accept(barrier.await());
        barrier.await().block();
        assertThat(ran).isEqualTo(MILLION);
        ran = 0;
        subscribe.accept(semaphore.acquire());
        semaphore.release(MILLION);
        assertThat(ran).isEqualTo(MILLION);
        assertThat(semaphore.permits()).isZero();
        ran = 0;
        for (int i = 0; i < MILLION; i++) {
            condition
                    .acquire()
                    .flatMap(permit -> condition.await().doFinally(end -> {
                        ran++;
                        permit.release();
                    }))
                    .subscribe();
        }
        assertThat(condition.waiters()).isEqualTo(MILLION);
        condition.lock().withLock(Mono.fromRunnable(condition::signalAll)).block();
        assertThat(ran).isEqualTo(MILLION);
        assertThat(condition.locked()).isFalse();
    }

    @Test
    @DisplayName("a million that leave the line in any order leave nothing behind")
    void leaving() {
        Semaphore semaphore = new Semaphore(0);
        List<Disposable> waiting = new ArrayList<>();
        for (int i = 0; i < MILLION; i++) {
            waiting.add(semaphore.acquire(1 + i % 3).subscribe(permit -> ran++));
        }
        for (int i = 0; i < MILLION; i++) {
            waiting.get((int) ((long) i * 7_368_787 % MILLION)).dispose();
        }
        assertThat(semaphore.waiters()).isZero();
        semaphore.release();
        assertThat(semaphore.tryAcquire()).isTrue();
        assertThat(ran).isZero();
    }
}
