package asyncio.redis;

import asyncio.Asyncio;
import asyncio.ColdMono;
import asyncio.Suspension;
import asyncio.sync.Lock;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Waiting for, dropping and using permits on a server. */
final class RedisPermits {
    private RedisPermits() {}

    /** A subscriber's request for a permit. */
    interface Candidate {
        /**
         * Asks the server.
         *
         * @param millis the maximum time to wait
         * @return the acquired object, or null if the time was up
         */
        CompletionStage<?> acquire(long millis);

        /** Creates the permit for the acquired object. */
        RedisPermit permit(Object acquired);

        /** Releases what a request that failed may have acquired: its reply may be lost, or replicas may be missing. */
        void failed();
    }

    /**
     * The longest wait requested from Redisson. A wait that is cancelled there may still take the permit, and keep it;
     * so nothing is cancelled there: a subscriber that leaves lets its current wait end, and releases a permit that
     * arrives.
     */
    private static final Duration ONE_WAIT = Duration.ofSeconds(5);

    /** The Mono of {@code acquire}. */
    static final class MonoAcquire extends ColdMono<RedisPermit> {
        private final Supplier<? extends Candidate> candidate;
        private final @Nullable Duration limit;
        private final Object of;

        /**
         * @param candidate creates the request of each subscription
         * @param limit the time limit, or null for none
         * @param of the source of the permit, for messages
         */
        MonoAcquire(Supplier<? extends Candidate> candidate, @Nullable Duration limit, Object of) {
            super(MonoAcquire.class);
            this.candidate = candidate;
            this.limit = limit;
            this.of = of;
        }

        @Override
        protected void start(CoreSubscriber<? super RedisPermit> actual) {
            actual.onSubscribe(new Acquisition(this, actual));
        }

        @Override
        public String toString() {
            return "acquire of " + of;
        }
    }

    /** A waiter for a permit. A permit that arrives after it has left, or that it gives back, is released. */
    private static final class Acquisition extends Suspension<RedisPermit> {
        private final Candidate candidate;
        private final @Nullable Duration limit;
        private final Object of;
        private Deadline deadline;

        Acquisition(MonoAcquire what, CoreSubscriber<? super RedisPermit> actual) {
            super(actual, null); // the server applies the limit, since it may have a permit immediately
            this.candidate = what.candidate.get();
            this.limit = what.limit;
            this.of = what.of;
            this.deadline = new Deadline(limit);
        }

        @Override
        protected boolean begin() {
            deadline = new Deadline(limit); // the time begins with the request
            ask();
            return false;
        }

        private void ask() {
            Duration left = deadline.left();
            boolean isLast = left.compareTo(ONE_WAIT) < 0;
            candidate.acquire((isLast ? left : ONE_WAIT).toMillis()).whenComplete((acquired, e) -> {
                if (e != null) {
                    candidate.failed(); // also at the end of the time: it may be the reply that is lost
                }
                if (acquired != null) {
                    end(candidate.permit(acquired), null);
                } else if (e != null && !(isLast && deadline.isCauseOf(e))) {
                    end(null, e);
                } else if (isLast) {
                    TimeoutException timedOut = deadline.timedOut(of.toString());
                    timedOut.initCause(e);
                    end(null, timedOut);
                } else if (isWaiting()) {
                    ask();
                }
            });
        }

        private void end(@Nullable RedisPermit permit, @Nullable Throwable e) {
            if (e == null ? grant(permit) : fail(cause(e))) {
                deliver();
            } else if (permit != null) {
                permit.release();
            }
        }

        @Override
        protected void leave() {}

        @Override
        public void giveBack(@Nullable RedisPermit permit) {
            if (permit != null) {
                permit.release();
            }
        }

        @Override
        protected String target() {
            return of.toString();
        }
    }

    static Throwable cause(Throwable e) {
        return e instanceof CompletionException && e.getCause() != null ? e.getCause() : e;
    }

    static <T> Mono<T> use(Mono<RedisPermit> acquire, Mono<T> work) {
        Objects.requireNonNull(work, "work");
        return Mono.usingWhen(
                acquire.map(Use::new),
                use -> use.inside.withLock(
                        Mono.firstWithSignal(work, use.permit.lost().then(Mono.empty()))),
                Use::end,
                (use, e) -> use.end(),
                Use::endAfterCancellation);
    }

    static <T> Flux<T> use(Mono<RedisPermit> acquire, Flux<T> work) {
        Objects.requireNonNull(work, "work");
        return Flux.usingWhen(
                acquire.map(Use::new),
                use -> use.inside.withLock(
                        work.takeUntilOther(use.permit.lost().onErrorComplete()).concatWith(Flux.defer(use::error))),
                Use::end,
                (use, e) -> use.end(),
                Use::endAfterCancellation);
    }

    /** The use of a permit, with a local lock to find out when the work, including its clean-up, has ended. */
    private static final class Use {
        final RedisPermit permit;
        final Lock inside = new Lock();

        Use(RedisPermit permit) {
            this.permit = permit;
        }

        /** Returns the error of a lost lease: takeUntilOther does not cancel its source when the other one fails. */
        <T> Flux<T> error() {
            return permit.isLost() ? permit.lost().thenMany(Flux.empty()) : Flux.empty();
        }

        Publisher<Void> end() {
            return permit.releaseAndWait();
        }

        /** Releases the permit after a cancellation. Reactor does not wait for that; the cancelled task does. */
        Publisher<Void> endAfterCancellation() {
            return Asyncio.cleanup(inside.acquire().then(permit.releaseAndWait()));
        }
    }
}
