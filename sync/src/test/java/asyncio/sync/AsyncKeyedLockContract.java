package asyncio.sync;

import static asyncio.Asyncio.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The contract of {@link AsyncKeyedLock}; each implementation has a subclass. */
@Timeout(120)
public abstract class AsyncKeyedLockContract {
    /** Creates locks that are free. */
    protected abstract AsyncKeyedLock<Integer> newLocks();

    @Test
    void workExcludesThatOfTheSameKeyOnly() throws Exception {
        Asyncio.run(() -> {
            AsyncKeyedLock<Integer> locks = newLocks();
            Permit one = await(locks.lock(1).acquire());
            assertThat(await(locks.withLock(2, Mono.just("other")))).isEqualTo("other");
            assertThat(await(locks.withLock(3, Flux.just("other")).single())).isEqualTo("other");
            assertThatThrownBy(() -> await(locks.lock(1).acquire(Duration.ofMillis(50))))
                    .isInstanceOf(TimeoutException.class);
            one.release();
            assertThat(await(locks.withLock(1, Mono.just("same")))).isEqualTo("same");
            await(locks.lock(1).acquire(Duration.ZERO)).release();
        });
    }
}
