package asyncio.sync;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A key that throws in {@code toString}. */
@Timeout(60)
class HostileKeyTest {
    private static final class Key {
        @Override
        public String toString() {
            throw new IllegalStateException("of toString");
        }
    }

    @Test
    void theTimeIsOutForItsLockToo() throws Exception {
        KeyedLock<Key> locks = new KeyedLock<>();
        Lockable lock = locks.lock(new Key());
        Permit held = lock.acquire().block();
        assertThatThrownBy(() -> Asyncio.run(lock.acquire(Duration.ofMillis(1))))
                .isInstanceOf(TimeoutException.class);
        assertThatThrownBy(() -> lock.acquire(Duration.ofMillis(1)).toFuture().get())
                .hasCauseInstanceOf(TimeoutException.class);
        assertThat(lock.acquire().toString()).contains("(whose toString failed");
        held.release();
        assertThat(lock.locked()).isFalse();
    }
}
