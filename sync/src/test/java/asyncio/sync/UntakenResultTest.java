package asyncio.sync;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.Task;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/** A permit that is the result of work which nobody waits for any more goes back. */
@Timeout(60)
class UntakenResultTest {
    private static final Duration LIMIT = Duration.ofHours(1);

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void ofWorkWhoseSubscriptionIsCancelledInTheTickOfTheGrant(boolean gathered) throws Exception {
        Lock lock = new Lock();
        Asyncio.run(() -> {
            Permit held = await(lock.acquire());
            Mono<?> work = gathered ? gather(lock.acquire()) : waitFor(lock.acquire(), LIMIT);
            Disposable subscription = work.subscribe();
            while (lock.waiters() == 0) {
                await(sleep(Duration.ZERO));
            }
            held.release();
            for (int ticks = 0; ticks < 3 && lock.locked(); ticks++) {
                subscription.dispose(); // before, or after, the work has ended
                await(sleep(Duration.ZERO));
            }
            assertThat(lock.locked()).isFalse();
        });
    }

    @Test
    void ofATaskThatIsCancelledWhenItsWorkIsDone() throws Exception {
        Lock lock = new Lock();
        Asyncio.run(() -> {
            Task<Permit> task = createTask(Asyncio.async(() -> {
                Permit permit = await(lock.acquire());
                Task<?> self = (Task<?>) asyncio.EventLoop.getRunningLoop().currentTask();
                self.cancel(); // too late for an await, so that the result meets it
                return permit;
            }));
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            assertThat(lock.locked()).isFalse();
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
                .hasMessageContaining("1 permits of 0");
        assertThatThrownBy(none::release).isInstanceOf(IllegalStateException.class);
        assertThat(none.statistics()).isEqualTo(new Statistics(0, 0));
    }
}
