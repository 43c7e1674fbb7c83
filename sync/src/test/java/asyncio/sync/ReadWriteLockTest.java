package asyncio.sync;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.sync.Style.tick;
import static asyncio.sync.Style.ticks;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.Task;
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

@Timeout(60)
class ReadWriteLockTest {
    private final ReadWriteLock lock = new ReadWriteLock();
    private final Lockable read = lock.readLock();
    private final Lockable write = lock.writeLock();
    private final List<String> log = new ArrayList<>();
    private final List<Permit> got = new ArrayList<>();

    private Disposable wants(String name, Lockable side) {
        return side.acquire().subscribe(permit -> {
            log.add(name);
            got.add(permit);
        });
    }

    @Test
    @DisplayName("readers share it, a writer is alone")
    void sharing() {
        wants("r1", read);
        wants("r2", read);
        assertThat(log).containsExactly("r1", "r2");
        assertThat(lock).hasToString("<ReadWriteLock [2 readers]>");
        assertThat(read.locked()).isTrue();
        assertThat(write.locked()).isFalse();
        assertThat(write.tryAcquire()).isFalse();
        assertThat(read.tryAcquire()).isTrue();
        read.release();
        wants("w", write);
        assertThat(lock).hasToString("<ReadWriteLock [2 readers, waiters:1]>");
        assertThat(write.waiters()).isEqualTo(1);
        assertThat(read.waiters()).isZero();
        got.get(0).release();
        assertThat(log).doesNotContain("w");
        got.get(1).release();
        assertThat(log).containsExactly("r1", "r2", "w");
        assertThat(lock).hasToString("<ReadWriteLock [writer]>");
        assertThat(read.tryAcquire() || write.tryAcquire()).isFalse();
        assertThat(write.locked()).isTrue();
        assertThat(read.locked()).isFalse();
        got.get(2).release();
        assertThat(lock).hasToString("<ReadWriteLock [unlocked]>");
    }

    @Test
    @DisplayName("in the order they came: readers behind a writer wait for it, and then go on together")
    void fair() {
        wants("r1", read);
        wants("w1", write);
        wants("r2", read);
        wants("r3", read);
        wants("w2", write);
        wants("r4", read);
        assertThat(read.tryAcquire()).as("a writer is before it").isFalse();
        assertThat(log).containsExactly("r1");
        got.get(0).release();
        assertThat(log).containsExactly("r1", "w1");
        got.get(1).release();
        assertThat(log).containsExactly("r1", "w1", "r2", "r3");
        got.get(2).release();
        assertThat(log).hasSize(4);
        got.get(3).release();
        assertThat(log).hasSize(5).endsWith("w2");
        got.get(4).release();
        assertThat(log).hasSize(6).endsWith("r4");
        got.get(5).release();
        assertThat(lock).hasToString("<ReadWriteLock [unlocked]>");
    }

    @Test
    @DisplayName("a writer that leaves the line lets the readers behind it in")
    void writerLeaves() {
        wants("r1", read);
        Disposable writer = wants("w", write);
        wants("r2", read);
        wants("r3", read);
        assertThat(log).containsExactly("r1");
        writer.dispose();
        assertThat(log).containsExactly("r1", "r2", "r3");
        got.forEach(Permit::release);
        assertThat(write.tryAcquire()).isTrue();
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("the same on a loop, where readers that are let in together go on in the next tick")
    void onALoop(Style style) throws Exception {
        Asyncio.run(() -> {
            Permit writing = await(write.acquire());
            List<Task<Permit>> readers = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                readers.add(createTask(style.of(read.acquire())));
            }
            Task<Permit> writer = createTask(style.of(write.acquire()));
            Task<Permit> late = createTask(style.of(read.acquire()));
            tick();
            assertThat(read.waiters()).isEqualTo(4);
            writing.release();
            tick();
            assertThat(readers).allMatch(Task::done);
            readers.get(1).cancel();
            writer.cancel();
            ticks(2);
            assertThat(await(late).isReleased()).isFalse();
            await(late).release();
            for (Task<Permit> reader : readers) {
                await(reader).release();
            }
        });
        assertThat(lock).hasToString("<ReadWriteLock [unlocked]>");
    }

    @Test
    @DisplayName("releasing a side that is not held is an error that names it; nothing has changed")
    void misuse() {
        assertThatThrownBy(read::release)
                .isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContaining("read lock of <ReadWriteLock [unlocked]>");
        assertThatThrownBy(write::release)
                .isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContaining("write lock of <ReadWriteLock [unlocked]>");
        assertThat(read.tryAcquire()).isTrue();
        assertThatThrownBy(write::release).isInstanceOf(IllegalMonitorStateException.class);
        assertThat(read.locked()).isTrue();
        read.release();
        assertThat(write.tryAcquire()).isTrue();
        assertThatThrownBy(read::release).isInstanceOf(IllegalMonitorStateException.class);
        assertThat(write.locked()).isTrue();
        write.release();
        assertThat(lock).hasToString("<ReadWriteLock [unlocked]>");
    }

    @Test
    @DisplayName("its permits and messages speak of the lock, not of what it is made of")
    void permits() {
        for (Lockable side : List.of(read, write)) {
            Permit permit = side.acquire().block();
            assertThat(permit.toString()).contains(side.toString());
            assertThat(permit.isReleased()).isFalse();
            permit.release();
            permit.release();
            assertThat(permit.isReleased()).isTrue();
            assertThat(lock).hasToString("<ReadWriteLock [unlocked]>");
        }
        assertThat(write.tryAcquire()).isTrue();
        for (Lockable side : List.of(read, write)) {
            assertThatThrownBy(() -> side.acquire(Duration.ZERO).block())
                    .hasCauseInstanceOf(TimeoutException.class)
                    .hasMessageContaining((side == read ? "read" : "write") + " lock of <ReadWriteLock [writer")
                    .hasMessageNotContaining("Semaphore");
        }
    }
}
