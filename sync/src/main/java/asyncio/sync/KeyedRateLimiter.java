package asyncio.sync;

import asyncio.EventLoop;
import asyncio.Log;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A {@link RateLimiter} for each key, all with the same rate: for each host, say, or each customer. A key uses memory
 * from its first permit until its burst is full again; idle keys are dropped as others arrive, so the number of
 * different keys over time is unlimited. Threading, order and cancelling are those of {@link RateLimiter}.
 *
 * <pre>{@code
 * KeyedRateLimiter<String> perHost = KeyedRateLimiter.of(2, Duration.ofSeconds(1), 5);
 *
 * Mono<Page> page = perHost.withPermit(host, client.get(url));      // reactive
 *
 * await(perHost.limiter(host).acquire());                            // straight-line
 * }</pre>
 *
 * <p>asyncio has no equivalent.
 *
 * @param <K> the type of the keys, with {@code equals} and {@code hashCode}
 * @since 0.1.0
 */
public final class KeyedRateLimiter<K> {
    private static final int FEW = 64;

    private final Rate rate;
    private final ConcurrentHashMap<K, TokenBucket> buckets = new ConcurrentHashMap<>();
    /** The number of keys beyond which the next call looks for idle keys; the thread that raises it does the work. */
    private final AtomicInteger sweepAt = new AtomicInteger(FEW);

    private KeyedRateLimiter(Rate rate) {
        this.rate = rate;
    }

    /**
     * Creates a limiter without keys; the parameters are those of {@link RateLimiter#of}.
     *
     * @throws IllegalArgumentException under the conditions of {@link RateLimiter#of}
     */
    public static <K> KeyedRateLimiter<K> of(int permits, Duration per, int burst) {
        return new KeyedRateLimiter<>(Rate.of(permits, per, burst));
    }

    /** Returns the limiter of a key: a view, which keeps no state while its burst is full. */
    public RateLimiter limiter(K key) {
        return new OfKey(Objects.requireNonNull(key, "key"));
    }

    /** Takes a permit of the key; see {@link RateLimiter#acquire()}. */
    public Mono<Void> acquire(K key) {
        return limiter(key).acquire();
    }

    /** Takes a permit of the key if one is available; see {@link RateLimiter#tryAcquire()}. */
    public boolean tryAcquire(K key) {
        return limiter(key).tryAcquire();
    }

    /** Takes a permit of the key, then runs {@code work}; see {@link RateLimiter#withPermit(Mono)}. */
    public <T> Mono<T> withPermit(K key, Mono<T> work) {
        return limiter(key).withPermit(work);
    }

    /** Takes a permit of the key, then runs {@code work}; see {@link RateLimiter#withPermit(Flux)}. */
    public <T> Flux<T> withPermit(K key, Flux<T> work) {
        return limiter(key).withPermit(work);
    }

    /** Returns the number of keys in memory: those in use, and some with a burst that is full again. */
    public int size() {
        return buckets.size();
    }

    /**
     * Uses the key's bucket, to take permits or to join its line, through the map's entry, so that the bucket is not
     * dropped as idle in the meantime.
     */
    private boolean use(K key, Predicate<? super TokenBucket> use) {
        boolean[] result = new boolean[1];
        buckets.compute(key, (k, bucket) -> {
            TokenBucket used = bucket == null ? new TokenBucket(rate) : bucket;
            result[0] = use.test(used);
            return used;
        });
        sweepIfMany();
        return result[0];
    }

    private void sweepIfMany() {
        int limit = sweepAt.get();
        if (buckets.size() > limit && sweepAt.compareAndSet(limit, Integer.MAX_VALUE)) {
            for (K key : buckets.keySet()) {
                buckets.computeIfPresent(key, (k, bucket) -> bucket.isIdle() ? null : bucket);
            }
            // twice the number in use: on average one key is checked for each key that arrives
            sweepAt.set((int) Math.max(FEW, Math.min(2L * buckets.size(), Integer.MAX_VALUE - 1)));
        }
    }

    /** {@code <KeyedRateLimiter [2 per PT1S, burst:5, 3 keys]>}. */
    @Override
    public String toString() {
        return "<KeyedRateLimiter [" + rate + ", " + size() + " keys]>";
    }

    private final class OfKey extends RateLimiter {
        private final K key;

        OfKey(K key) {
            super(KeyedRateLimiter.this.rate);
            this.key = key;
        }

        @Override
        public int permits() {
            TokenBucket bucket = buckets.get(key);
            return bucket == null ? rate.burst() : bucket.permits();
        }

        @Override
        public int waiters() {
            return line().size();
        }

        @Override
        boolean tryTake(int n, @Nullable EventLoop loop) {
            return use(key, bucket -> bucket.tryTake(n, loop));
        }

        @Override
        boolean take(int n, @Nullable EventLoop loop) {
            return use(key, bucket -> bucket.take(n, loop));
        }

        @Override
        boolean enter(RateAcquisition acquisition) {
            return use(key, acquisition::enter);
        }

        @Override
        List<RateAcquisition> line() {
            TokenBucket bucket = buckets.get(key);
            return bucket == null ? List.of() : bucket.line();
        }

        @Override
        public String toString() {
            return "rate limiter of " + Log.text(key) + " in " + KeyedRateLimiter.this;
        }
    }
}
