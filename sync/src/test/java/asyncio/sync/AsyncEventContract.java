package asyncio.sync;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

/** The contract of {@link AsyncEvent}; each implementation has a subclass. */
@Timeout(120)
public abstract class AsyncEventContract {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final Duration SHORT = Duration.ofMillis(50);

    /** Creates an event that is not set. */
    protected abstract AsyncEvent newEvent();

    /** Returns the number of waiters that a {@link AsyncEvent#set} will resume. */
    protected abstract int waiters(AsyncEvent event);

    /** Creates tasks that wait, and returns when all of them do. */
    private List<Task<Void>> startWaiters(AsyncEvent event) throws Exception {
        List<Task<Void>> waiters = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            waiters.add(createTask(i % 2 == 0 ? event.await() : event.await(LONG)));
        }
        while (waiters(event) < waiters.size()) {
            await(sleep(Duration.ofMillis(1)));
        }
        assertThat(waiters).noneMatch(Task::done);
        return waiters;
    }

    private static void assertResumed(List<Task<Void>> waiters) throws Exception {
        for (Task<Void> waiter : waiters) {
            await(waitFor(waiter, LONG));
        }
    }

    @Test
    void nothingHappensBeforeSubscription() throws Exception {
        Asyncio.run(() -> {
            AsyncEvent event = newEvent();
            Mono<Void> set = event.set();
            Mono<Boolean> isSet = event.isSet();
            Mono<Void> clear = event.clear();
            assertThat(await(isSet)).isFalse();
            await(set);
            assertThat(await(isSet)).isTrue();
            await(clear);
            assertThat(await(isSet)).isFalse();
        });
    }

    @Test
    void allWaitersResumeWhenItIsSet() throws Exception {
        Asyncio.run(() -> {
            AsyncEvent event = newEvent();
            List<Task<Void>> waiters = startWaiters(event);
            await(event.set());
            assertResumed(waiters);
            await(event.await());
            await(event.await(Duration.ZERO));
            await(event.await(Duration.ofSeconds(-1)));
        });
    }

    @Test
    void waitersResumeAlthoughItIsClearedImmediately() throws Exception {
        Asyncio.run(() -> {
            AsyncEvent event = newEvent();
            for (int i = 0; i < 3; i++) {
                List<Task<Void>> waiters = startWaiters(event);
                await(event.set());
                await(event.clear());
                assertResumed(waiters);
                assertThatThrownBy(() -> await(event.await(Duration.ZERO))).isInstanceOf(TimeoutException.class);
            }
        });
    }

    @Test
    void settingAndClearingTwiceIsTheSameAsOnce() throws Exception {
        Asyncio.run(() -> {
            AsyncEvent event = newEvent();
            await(event.clear());
            await(event.set());
            await(event.set());
            assertThat(await(event.isSet())).isTrue();
            await(event.clear());
            await(event.clear());
            assertThat(await(event.isSet())).isFalse();
            List<Task<Void>> waiters = startWaiters(event);
            await(event.set());
            assertResumed(waiters);
        });
    }

    @Test
    void aWaiterHasADeadlineAndMayLeave() throws Exception {
        Asyncio.run(() -> {
            AsyncEvent event = newEvent();
            for (Duration limit : List.of(Duration.ZERO, Duration.ofNanos(1), SHORT)) {
                assertThatThrownBy(() -> await(event.await(limit)))
                        .isInstanceOf(TimeoutException.class)
                        .hasMessageStartingWith("Timed out");
            }
            assertThatThrownBy(() -> event.await(null)).isInstanceOf(NullPointerException.class);
            assertThatThrownBy(() -> await(event.await(Duration.ofSeconds(Long.MIN_VALUE))))
                    .isInstanceOf(TimeoutException.class);
            Task<Void> patient = createTask(event.await(Duration.ofSeconds(Long.MAX_VALUE)));
            while (waiters(event) < 1) {
                await(sleep(Duration.ofMillis(1)));
            }
            await(patient.cancelAndJoin());
            List<Task<Void>> waiters = startWaiters(event);
            await(waiters.remove(0).cancelAndJoin());
            await(event.set());
            assertResumed(waiters);
        });
    }

    /** A waiter that comes at the moment of a set, however that falls, does not miss it. */
    @Test
    void aSetAtAnyMomentIsNotMissed() throws Exception {
        Asyncio.run(() -> {
            for (int i = 0; i < 40; i++) {
                AsyncEvent event = newEvent();
                Task<Void> waiter = createTask(event.await());
                await(sleep(Duration.ofNanos(i * 100_000L)));
                await(event.set());
                await(waitFor(waiter, LONG));
            }
        });
    }
}
