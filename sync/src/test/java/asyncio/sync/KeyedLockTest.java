package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
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
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

@Timeout(60)
class KeyedLockTest {
    private final KeyedLock<String> locks = new KeyedLock<>();
    private final List<String> log = new ArrayList<>();

    @Test
    @DisplayName("the same key one after the other, different keys at the same time")
    void keys() throws Exception {
        VirtualTime.run(() -> {
            Duration start = EventLoop.getRunningLoop().time();
            List<Task<Void>> tasks = new ArrayList<>();
            for (String key : List.of("a", "a", "b", "a")) {
                tasks.add(createTask(locks.withLock(key, async(() -> {
                    await(sleep(Duration.ofSeconds(1)));
                    log.add(key + EventLoop.getRunningLoop().time().minus(start).toSeconds());
                }))));
            }
            tick();
            assertThat(locks.size()).isEqualTo(2);
            assertThat(locks).hasToString("<KeyedLock [2 keys]>");
            assertThat(locks.lock("a").waiters()).isEqualTo(2);
            await(gather(tasks));
        });
        assertThat(log).containsExactlyInAnyOrder("a1", "b1", "a2", "a3");
        assertThat(locks.size()).isZero();
    }

    @Test
    @DisplayName("a key leaves when its lock is free, whichever way that came")
    void nothingIsLeft() {
        Lockable a = locks.lock("a");
        assertThat(locks.size()).as("a view needs nothing").isZero();
        assertThat(a.locked()).isFalse();
        assertThat(a.waiters()).isZero();
        Permit permit = a.acquire().block();
        assertThat(locks.size()).isEqualTo(1);
        assertThat(locks.lock("a").locked()).isTrue();
        permit.release();
        assertThat(permit.isReleased()).isTrue();
        assertThat(locks.size()).isZero();

        assertThat(a.tryAcquire()).isTrue();
        assertThat(locks.lock("a").tryAcquire()).isFalse();
        a.release();
        assertThat(locks.size()).isZero();

        permit = a.acquire().block();
        Disposable waiting = a.acquire().subscribe();
        assertThat(a.waiters()).isEqualTo(1);
        waiting.dispose();
        assertThat(a.waiters()).isZero();
        permit.release();
        assertThat(locks.size()).isZero();

        permit = a.acquire().block();
        assertThatThrownBy(() -> a.acquire(Duration.ZERO).block()).hasCauseInstanceOf(TimeoutException.class);
        permit.release();
        permit.release();
        assertThat(locks.size()).isZero();

        locks.withLock("a", Flux.range(0, 10)).take(2).blockLast();
        locks.withLock("a", Mono.error(new IllegalStateException()))
                .onErrorComplete()
                .block();
        locks.withLock("a", Mono.never()).subscribe().dispose();
        assertThat(locks.size()).isZero();
    }

    @Test
    @DisplayName("a permit of a former holder does nothing to the key's later lock")
    void stale() {
        Lockable a = locks.lock("a");
        Permit old = a.acquire().block();
        old.release();
        Permit now = a.acquire().block();
        old.release();
        old.close();
        assertThat(now.isReleased()).isFalse();
        assertThat(a.locked()).isTrue();
        now.release();
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("waiters are cancelled before and after they are granted it, and nothing is left")
    void cancelling(Style style) throws Exception {
        Lockable a = locks.lock("a");
        Asyncio.run(() -> {
            Permit mine = await(a.acquire());
            Task<Permit> waiting = createTask(style.of(a.acquire()));
            Task<Permit> granted = createTask(style.of(a.acquire()));
            tick();
            waiting.cancel();
            mine.release();
            granted.cancel();
            assertThat(errorOf(waiting)).isInstanceOf(CancelledException.class);
            assertThat(errorOf(granted)).isInstanceOf(CancelledException.class);
            assertThat(locks.size()).isZero();
        });
    }

    @Test
    void misuse() {
        assertThatThrownBy(locks.lock("a")::release)
                .isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContaining("lock of a in <KeyedLock");
        assertThatThrownBy(() -> locks.lock(null)).hasMessage("key");
        assertThatThrownBy(() -> locks.withLock(null, Mono.empty())).hasMessage("key");
        assertThatThrownBy(() -> locks.withLock("a", (Mono<?>) null)).hasMessage("work");
        assertThat(locks.size()).isZero();
    }

    @Test
    @DisplayName("who gives up waiting is told for which key")
    void message() {
        assertThat(locks.lock("a").tryAcquire()).isTrue();
        assertThatThrownBy(() -> locks.lock("a").acquire(Duration.ofMillis(1)).block())
                .hasMessageContaining("lock of a in <KeyedLock");
    }
}
