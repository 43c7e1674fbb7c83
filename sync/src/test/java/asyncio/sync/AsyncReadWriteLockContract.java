package asyncio.sync;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.TaskGroup;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

/** The contract of {@link AsyncReadWriteLock}; each implementation has a subclass. */
@Timeout(120)
public abstract class AsyncReadWriteLockContract {
    private static final Duration SHORT = Duration.ofMillis(50);

    /** Creates a lock that is free. */
    protected abstract AsyncReadWriteLock newLock();

    @Test
    void readersAreInsideTogetherAndExcludeAWriter() throws Exception {
        Asyncio.run(() -> {
            AsyncReadWriteLock lock = newLock();
            Permit first = await(lock.readLock().acquire());
            Permit second = await(lock.readLock().acquire());
            assertThatThrownBy(() -> await(lock.writeLock().acquire(SHORT))).isInstanceOf(TimeoutException.class);
            first.release();
            assertThatThrownBy(() -> await(lock.writeLock().acquire(SHORT))).isInstanceOf(TimeoutException.class);
            second.release();
            await(lock.writeLock().acquire()).release();
        });
    }

    @Test
    void aWriterExcludesAll() throws Exception {
        Asyncio.run(() -> {
            AsyncReadWriteLock lock = newLock();
            Permit writer = await(lock.writeLock().acquire());
            assertThatThrownBy(() -> await(lock.readLock().acquire(SHORT))).isInstanceOf(TimeoutException.class);
            assertThatThrownBy(() -> await(lock.writeLock().acquire(SHORT))).isInstanceOf(TimeoutException.class);
            writer.release();
            await(lock.readLock().acquire()).release();
        });
    }

    @Test
    void noReaderSeesAWriter() throws Exception {
        Asyncio.run(() -> {
            AsyncReadWriteLock lock = newLock();
            AtomicInteger readers = new AtomicInteger();
            AtomicInteger writers = new AtomicInteger();
            Mono<Void> read = lock.readLock()
                    .withLock(Mono.fromRunnable(readers::incrementAndGet)
                            .then(sleep(Duration.ofMillis(2)))
                            .then(Mono.fromRunnable(() -> {
                                assertThat(writers).hasValue(0);
                                readers.decrementAndGet();
                            })));
            Mono<Void> write = lock.writeLock()
                    .withLock(Mono.fromRunnable(
                                    () -> assertThat(writers.incrementAndGet()).isOne())
                            .then(sleep(Duration.ofMillis(2)))
                            .then(Mono.fromRunnable(() -> {
                                assertThat(readers).hasValue(0);
                                writers.decrementAndGet();
                            })));
            await(TaskGroup.scopeBody(group -> {
                for (int i = 0; i < 4; i++) {
                    group.createTask(read.repeat(4).then());
                    group.createTask(write.repeat(2).then());
                }
                return null;
            }));
        });
    }
}
