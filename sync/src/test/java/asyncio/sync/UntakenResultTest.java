package asyncio.sync;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/** A permit that is the result of abandoned work is found like one that an operator drops. */
@Timeout(60)
class UntakenResultTest {
    private static final Duration LIMIT = Duration.ofHours(1);

    /** Whether the subscription is cancelled before the grant, with it, or in one of the ticks until it arrives. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void ofWorkWhoseSubscriptionIsCancelledOnItsWay(boolean gathered) throws Exception {
        Asyncio.run(() -> {
            for (int ticks = 0; ticks < 6; ticks++) {
                Lock lock = new Lock().reclaimDropped();
                Permit held = await(lock.acquire());
                List<Object> taken = new ArrayList<>();
                Mono<?> work = gathered ? gather(lock.acquire()) : waitFor(lock.acquire(), LIMIT);
                Disposable subscription = work.subscribe(taken::add);
                while (lock.waiters() == 0) {
                    await(sleep(Duration.ZERO));
                }
                held.release();
                for (int i = 0; i < ticks; i++) {
                    await(sleep(Duration.ZERO));
                }
                subscription.dispose();
                for (int i = 0; i < 6; i++) {
                    await(sleep(Duration.ZERO));
                }
                long patience = System.nanoTime() + 20_000_000_000L;
                while (taken.isEmpty() && lock.locked() && System.nanoTime() < patience) {
                    System.gc();
                    await(sleep(Duration.ofMillis(1)));
                }
                assertThat(lock.locked()).as("after %d ticks", ticks).isEqualTo(!taken.isEmpty());
            }
        });
    }

    @Test
    void aLockSideIsOnePermit() {
        ReadWriteLock lock = new ReadWriteLock();
        Permit write = lock.writeLock().acquire().block();
        assertThat(write.permits()).isEqualTo(1);
        assertThat(lock.writeLock().statistics()).isEqualTo(new Statistics(0, 0));
        write.release();
        assertThat(lock.writeLock().statistics()).isEqualTo(new Statistics(1, 0));
    }

    @Test
    void aBoundedSemaphoreWithoutPermitsHasNoneToWaitFor() {
        BoundedSemaphore none = new BoundedSemaphore(0);
        assertThatThrownBy(none::acquire)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("1 permits: this semaphore never has more than 0");
        assertThatThrownBy(none::release).isInstanceOf(IllegalStateException.class);
        assertThat(none.statistics()).isEqualTo(new Statistics(0, 0));
    }
}
