package asyncio.sync;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** Several permits at once, and misuse; off every loop. */
@Timeout(60)
class SemaphorePermitsTest {
    private final Semaphore semaphore = new Semaphore(5);
    private final List<String> log = new ArrayList<>();

    private Disposable wants(String name, int n, List<Permit> got) {
        return semaphore.acquire(n).subscribe(permit -> {
            log.add(name);
            got.add(permit);
        });
    }

    @Test
    @DisplayName("one who wants many is not overtaken by those who want few")
    void many() {
        Permit four = semaphore.acquire(4).block();
        assertThat(four.permits()).isEqualTo(4);
        List<Permit> got = new ArrayList<>();
        wants("three", 3, got);
        wants("one", 1, got);
        assertThat(log).isEmpty();
        assertThat(semaphore.permits()).isEqualTo(1);
        assertThat(semaphore.locked()).isTrue();
        assertThat(semaphore.tryAcquire()).isFalse();
        semaphore.release();
        assertThat(log).isEmpty();
        semaphore.release();
        assertThat(log).containsExactly("three");
        four.release();
        assertThat(log).containsExactly("three", "one");
        assertThat(semaphore.permits()).isEqualTo(5 + 2 - 4);
        got.forEach(Permit::release);
        assertThat(semaphore.permits()).isEqualTo(7);
    }

    @Test
    @DisplayName("when one who wants many leaves, those behind it who can have theirs get them")
    void theBigOneLeaves() {
        Permit three = semaphore.acquire(3).block();
        List<Permit> got = new ArrayList<>();
        Disposable big = wants("big", 5, got);
        wants("a", 1, got);
        wants("b", 1, got);
        wants("c", 1, got);
        assertThat(log).isEmpty();
        big.dispose();
        assertThat(log).containsExactly("a", "b");
        assertThat(semaphore.waiters()).isEqualTo(1);
        three.release();
        assertThat(log).containsExactly("a", "b", "c");
        got.forEach(Permit::release);
        assertThat(semaphore.permits()).isEqualTo(5);
    }

    @Test
    @DisplayName("the same when its time is out")
    void theBigOneTimesOut() {
        List<Permit> got = new ArrayList<>();
        assertThat(semaphore.tryAcquire(3)).isTrue();
        StepVerifier.withVirtualTime(() -> semaphore.acquire(5, Duration.ofSeconds(1)))
                .expectSubscription()
                .then(() -> {
                    wants("a", 2, got);
                    assertThat(log).isEmpty();
                })
                .thenAwait(Duration.ofSeconds(1))
                .verifyErrorMatches(e -> e instanceof TimeoutException
                        && e.getMessage().contains("PT1S")
                        && e.getMessage().contains("5 permits of <Semaphore"));
        assertThat(log).containsExactly("a");
    }

    @Test
    @DisplayName("a permit of several is given back whole, once")
    void givenBackOnce() {
        Permit permit = semaphore.acquire(3).block();
        assertThat(semaphore.permits()).isEqualTo(2);
        permit.release();
        permit.release();
        permit.close();
        assertThat(permit.isReleased()).isTrue();
        assertThat(permit.permits()).isEqualTo(3);
        assertThat(semaphore.permits()).isEqualTo(5);
    }

    @Test
    void tryAcquire() {
        assertThat(semaphore.tryAcquire(5)).isTrue();
        assertThat(semaphore.tryAcquire()).isFalse();
        semaphore.release(5);
        assertThat(semaphore.tryAcquire(6)).isFalse();
        assertThat(semaphore.permits()).isEqualTo(5);
        // also while it is contended and permits are free
        Disposable big = semaphore.acquire(6).subscribe();
        assertThat(semaphore.tryAcquire()).as("somebody waits").isFalse();
        big.dispose();
        assertThat(semaphore.tryAcquire()).isTrue();
        assertThat(semaphore.permits()).isEqualTo(4);
    }

    @Test
    @DisplayName("zero and negative numbers are errors at once, with the number, and change nothing")
    void badNumbers() {
        for (int n : new int[] {0, -1, Integer.MIN_VALUE}) {
            List<Runnable> calls = List.of(
                    () -> semaphore.acquire(n),
                    () -> semaphore.acquire(n, Duration.ZERO),
                    () -> semaphore.tryAcquire(n),
                    () -> semaphore.release(n),
                    () -> semaphore.withPermits(n, Mono.empty()),
                    () -> semaphore.withPermits(n, Flux.empty()));
            for (Runnable call : calls) {
                assertThatThrownBy(call::run)
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("not " + n);
            }
        }
        assertThat(semaphore.permits()).isEqualTo(5);
        assertThat(semaphore.waiters()).isZero();
    }

    @Test
    @DisplayName("more permits than a bounded one was made with are an error; an unbounded one may get them")
    void moreThanExist() {
        BoundedSemaphore bounded = new BoundedSemaphore(5);
        List<Runnable> calls = List.of(
                () -> bounded.acquire(6),
                () -> bounded.acquire(6, Duration.ZERO),
                () -> bounded.tryAcquire(6),
                () -> bounded.withPermits(6, Mono.empty()));
        for (Runnable call : calls) {
            assertThatThrownBy(call::run)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("6 permits: this semaphore never has more than 5");
        }
        assertThatThrownBy(() -> bounded.release(2)).isInstanceOf(IllegalStateException.class);
        assertThat(bounded.permits()).isEqualTo(5);
        List<Permit> got = new ArrayList<>();
        wants("six", 6, got);
        semaphore.release();
        assertThat(log).containsExactly("six");
        got.get(0).release();
        assertThat(semaphore.permits()).isEqualTo(6);
    }

    @Test
    @DisplayName("a bounded one counts right while it is contended")
    void boundedAndContended() {
        BoundedSemaphore bounded = new BoundedSemaphore(3);
        Permit one = bounded.acquire().block();
        Disposable waiting = bounded.acquire(3).subscribe();
        assertThatThrownBy(() -> bounded.release(2)).isInstanceOf(IllegalStateException.class);
        assertThat(bounded.permits()).isEqualTo(2);
        assertThat(bounded.waiters()).isEqualTo(1);
        waiting.dispose();
        one.release();
        assertThat(bounded.permits()).isEqualTo(3);
        assertThatThrownBy(bounded::release).isInstanceOf(IllegalStateException.class);
    }

    @Test
    @DisplayName("the number of permits does not overflow")
    void overflow() {
        semaphore.release(Integer.MAX_VALUE - 5);
        assertThatThrownBy(semaphore::release)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(String.valueOf(Integer.MAX_VALUE));
        assertThat(semaphore.permits()).isEqualTo(Integer.MAX_VALUE);
        assertThat(semaphore.tryAcquire(Integer.MAX_VALUE)).isTrue();
        assertThat(semaphore.permits()).isZero();
        assertThat(semaphore.locked()).isTrue();
    }

    @Test
    void nullArguments() {
        assertThatThrownBy(() -> semaphore.acquire(null)).hasMessage("limit");
        assertThatThrownBy(() -> semaphore.acquire(1, null)).hasMessage("limit");
        assertThatThrownBy(() -> semaphore.withPermit((Mono<?>) null)).hasMessage("work");
        assertThatThrownBy(() -> semaphore.withPermits(2, (Flux<?>) null)).hasMessage("work");
        assertThat(semaphore.permits()).isEqualTo(5);
    }
}
