package asyncio.redis;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RCountDownLatch;
import org.redisson.api.RedissonClient;
import reactor.core.publisher.Mono;

/**
 * A countdown shared by several machines: Redisson's {@code RCountDownLatch}. Waiters wait until the count is zero. For
 * a flag that can be cleared there is {@link RedisEvent}.
 *
 * <p>A countdown without a count is at zero, also on a server that has lost its data: set the count before anything
 * waits for it. It can be set again once it is at zero.
 *
 * <p><b>Cancelling.</b> A cancelled waiter leaves; its subscription on the server ends at most five seconds later.
 *
 * <p><b>Threading.</b> As for {@link RedisLock}.
 *
 * <pre>{@code
 * RedisCountdown imported = RedisCountdown.of(redisson, "imported:2026-11-30");
 * await(imported.setCount(8));                                  // before the eight workers are started
 *
 * await(imported.await(Duration.ofHours(1)));                   // here and elsewhere
 * }</pre>
 *
 * <p>asyncio has no equivalent; nor has {@code asyncio.sync}, since in one process a task awaits a group of others.
 *
 * @since 0.1
 */
public final class RedisCountdown {
    /** The longest wait requested from Redisson: it continues there after a waiter is cancelled. */
    private static final Duration ONE_WAIT = Duration.ofSeconds(5);

    private final RCountDownLatch latch;

    private RedisCountdown(RCountDownLatch latch) {
        this.latch = latch;
    }

    /** Returns the countdown of this name, without contacting the server. */
    public static RedisCountdown of(RedissonClient redisson, String name) {
        return new RedisCountdown(redisson.getCountDownLatch(Objects.requireNonNull(name, "name")));
    }

    /**
     * Sets the count, unless it is counting down from an earlier one.
     *
     * @return whether this call set it
     */
    public Mono<Boolean> setCount(long count) {
        if (count < 1) {
            throw new IllegalArgumentException("A count must be positive, but is " + count);
        }
        return Mono.fromCompletionStage(() -> latch.trySetCountAsync(count));
    }

    /** Counts down by one, and completes empty when the server has done so; at zero it does nothing. */
    public Mono<Void> countDown() {
        return Mono.fromFuture(() -> latch.countDownAsync().toCompletableFuture(), true);
    }

    /** Returns the count. */
    public Mono<Long> count() {
        return Mono.fromCompletionStage(latch::getCountAsync);
    }

    /** Completes empty when the count is zero. Nothing happens until subscription. */
    public Mono<Void> await() {
        return waitForZero(null);
    }

    /**
     * Like {@link #await()}, for at most {@code limit}; then fails with a
     * {@link java.util.concurrent.TimeoutException}.
     */
    public Mono<Void> await(Duration limit) {
        return waitForZero(Objects.requireNonNull(limit, "limit"));
    }

    private Mono<Void> waitForZero(@Nullable Duration limit) {
        return Mono.defer(() -> {
            Deadline deadline = new Deadline(limit);
            return deadline.repeat(ONE_WAIT, this::request)
                    .flatMap(isZero -> isZero ? Mono.empty() : Mono.error(deadline.timedOut(toString())));
        });
    }

    /** Asks for the count first: Redisson waits for its subscription even if the count is zero. */
    private Mono<Boolean> request(Duration wait) {
        return count().flatMap(count -> count == 0
                ? Mono.just(true)
                : Mono.fromFuture(
                        () -> latch.awaitAsync(wait.toMillis(), TimeUnit.MILLISECONDS)
                                .toCompletableFuture(),
                        true));
    }

    /** {@code <RedisCountdown imported>}. */
    @Override
    public String toString() {
        return "<RedisCountdown " + latch.getName() + ">";
    }
}
