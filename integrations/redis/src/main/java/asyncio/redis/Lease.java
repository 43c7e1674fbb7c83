package asyncio.redis;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A lease on the server, which is renewed three times per lease time until it is {@link #end ended} or found lost,
 * whichever is first.
 */
final class Lease {
    private final String of;
    private final Duration time;
    /** Fails when the lease is lost, completes when it is ended. */
    private final CompletableFuture<Void> outcome = new CompletableFuture<>();

    private final Disposable renewal;
    /** The time at which the last successful renewal was requested. */
    private volatile long confirmed = System.nanoTime();

    /**
     * Creates a lease that has just begun.
     *
     * @param of the leased object, for messages
     * @param time the time after which the server gives it to others
     * @param renew renews it, and returns whether it was still held
     */
    Lease(String of, Duration time, Supplier<CompletionStage<Boolean>> renew) {
        this.of = of;
        this.time = time;
        Duration period = time.dividedBy(3);
        renewal = Flux.interval(period)
                .onBackpressureDrop()
                .concatMap(tick -> renew(renew, period), 1)
                .takeUntil(held -> outcome.isDone())
                .subscribe(held -> {}, this::lose);
    }

    private Mono<Boolean> renew(Supplier<CompletionStage<Boolean>> renew, Duration period) {
        long asked = System.nanoTime();
        return Mono.fromCompletionStage(renew)
                .timeout(period)
                .doOnNext(held -> {
                    if (held) {
                        confirmed = asked;
                    } else {
                        lose(null);
                    }
                })
                .onErrorResume(e -> {
                    if (System.nanoTime() - confirmed >= time.minus(period).toNanos()) {
                        lose(e);
                    }
                    return Mono.empty();
                });
    }

    private void lose(@Nullable Throwable cause) {
        String reason = cause == null
                ? "the server has given it up"
                : "it could not be renewed in time, the last time because of " + cause;
        outcome.completeExceptionally(new LeaseLostException(
                "The lease of " + of + ", of " + time + ", is lost: " + reason + ". It may have another holder",
                cause));
    }

    /** Returns the time after which the server gives it to others. */
    Duration time() {
        return time;
    }

    /** Ends the renewals; returns false if the lease was already lost. */
    boolean end() {
        outcome.complete(null);
        renewal.dispose();
        return !isLost();
    }

    boolean isLost() {
        return outcome.isCompletedExceptionally();
    }

    /** Returns a Mono that fails when the lease is lost, and never completes otherwise. */
    Mono<Void> lost() {
        return Mono.fromFuture(() -> outcome, true).then(Mono.never());
    }
}
