package asyncio.redis;

import asyncio.sync.AsyncEvent;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RAtomicLong;
import org.redisson.api.RFuture;
import org.redisson.api.RTopic;
import org.redisson.api.RedissonClient;
import org.redisson.api.listener.StatusListener;
import org.redisson.client.codec.LongCodec;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.Mono;

/**
 * An event shared by several machines: a flag on the server, and a channel that tells of it. It is not set until
 * {@link #set} is called, also on a server that has lost its data.
 *
 * <p><b>Waiting.</b> A waiter subscribes to the channel before it looks at the flag, and looks again after its
 * connection was lost, and every five seconds: a message that is missed delays it for as long. The flag is a count of
 * changes, so that a waiter without a connection does not miss that the event was set and cleared again.
 *
 * <p><b>Cancelling.</b> A waiter that is cancelled leaves, and with the last one of a client its subscription on the
 * server ends. A {@code set} or {@code clear} that is cancelled may have happened.
 *
 * <p><b>Errors.</b> A server that is away for longer than Redisson's retries makes waiters, {@code set} and
 * {@code clear} fail with Redisson's exception. A {@code set} that has failed may have happened; call it again.
 *
 * <p><b>Threading.</b> As for {@link RedisLock}.
 *
 * <pre>{@code
 * RedisEvent imported = RedisEvent.of(redisson, "imported");
 *
 * await(imported.await(Duration.ofHours(1)));               // on several machines
 * await(imported.set());                                    // on another one
 * }</pre>
 *
 * <p>asyncio: {@code Event}, in one process.
 *
 * @since 0.1.0
 */
public final class RedisEvent implements AsyncEvent {
    private static final Duration LOOK = Duration.ofSeconds(5);

    /** Emitted to a waiter that must look. */
    private static final long UNKNOWN = -1;

    /** The number of changes: odd when the event is set. */
    final RAtomicLong changes;

    /** The channel on which {@link #set} publishes the number of changes that it has made or found, which is odd. */
    final RTopic topic;

    private final Duration look;

    private RedisEvent(RAtomicLong changes, RTopic topic, Duration look) {
        this.changes = changes;
        this.topic = topic;
        this.look = look;
    }

    /** Returns the event of this name, without contacting the server. */
    public static RedisEvent of(RedissonClient redisson, String name) {
        return of(redisson, name, LOOK);
    }

    static RedisEvent of(RedissonClient redisson, String name, Duration look) {
        RAtomicLong changes = redisson.getAtomicLong(Objects.requireNonNull(name, "name"));
        return new RedisEvent(changes, redisson.getTopic(name + ":set", LongCodec.INSTANCE), look);
    }

    private static boolean isSet(long changes) {
        return changes % 2 == 1;
    }

    private Mono<Long> changes() {
        return Mono.fromCompletionStage(changes::getAsync);
    }

    @Override
    public Mono<Boolean> isSet() {
        return changes().map(RedisEvent::isSet);
    }

    /**
     * {@inheritDoc} Also tells waiters of a flag that is set already, since the setter before may have died or failed
     * between the two.
     */
    @Override
    public Mono<Void> set() {
        return change(true).flatMap(this::publish).then();
    }

    private Mono<Long> publish(long set) {
        return Mono.fromFuture(() -> topic.publishAsync(set).toCompletableFuture(), true);
    }

    @Override
    public Mono<Void> clear() {
        return change(false).then();
    }

    /** Changes the flag unless it has this value, and returns the number of changes. */
    private Mono<Long> change(boolean to) {
        return changes()
                .flatMap(now -> isSet(now) == to ? Mono.just(now) : change(now))
                .repeatWhenEmpty(Integer.MAX_VALUE, tries -> tries);
    }

    /** Completes empty if another change came first. */
    private Mono<Long> change(long now) {
        return Mono.fromFuture(() -> changes.compareAndSetAsync(now, now + 1).toCompletableFuture(), true)
                .flatMap(changed -> changed ? Mono.just(now + 1) : Mono.empty());
    }

    @Override
    public Mono<Void> await() {
        return waitFor(null);
    }

    /**
     * {@inheritDoc}
     *
     * @param limit the time limit; a server that does not answer adds Redisson's own time limits
     */
    @Override
    public Mono<Void> await(Duration limit) {
        return waitFor(Objects.requireNonNull(limit, "limit"));
    }

    private Mono<Void> waitFor(@Nullable Duration limit) {
        return Mono.defer(() -> {
            Deadline deadline = new Deadline(limit);
            return changes().flatMap(now -> {
                if (isSet(now)) {
                    return Mono.empty();
                }
                Mono<Void> timedOut = Mono.error(() -> deadline.timedOut(toString()));
                if (deadline.isPast()) {
                    return timedOut;
                }
                return limit == null ? untilSet(now) : untilSet(now).timeout(deadline.left(), timedOut);
            });
        });
    }

    private Mono<Void> untilSet(long now) {
        return Flux.defer(() -> {
                    Watch watch = new Watch(now);
                    return Flux.create(this::listen)
                            .mergeWith(Flux.interval(look).onBackpressureDrop().map(n -> UNKNOWN))
                            .concatMap(told -> told == UNKNOWN
                                    ? changes().filter(watch::isSetAt)
                                    : Mono.just(told).filter(watch::isNew));
                })
                .next()
                .then();
    }

    /** Emits {@link #UNKNOWN} when the server has subscribed it, also again, and each number that is published. */
    private void listen(FluxSink<Long> sink) {
        RFuture<Integer> messages = topic.addListenerAsync(Long.class, (channel, set) -> sink.next(set));
        RFuture<Integer> status = topic.addListenerAsync(new StatusListener() {
            @Override
            public void onSubscribe(String channel) {
                sink.next(UNKNOWN);
            }

            @Override
            public void onUnsubscribe(String channel) {}
        });
        sink.onDispose(() -> {
            messages.thenCompose(id -> topic.removeListenerAsync(id));
            status.thenCompose(id -> topic.removeListenerAsync(id));
        });
        messages.thenCombine(status, (one, other) -> UNKNOWN).whenComplete((subscribed, e) -> {
            if (e != null) {
                sink.error(RedisPermits.cause(e));
            } else {
                sink.next(subscribed);
            }
        });
    }

    /** One waiter's knowledge of the number of changes, used by one thread at a time. */
    private static final class Watch {
        private long seen;

        Watch(long seen) {
            this.seen = seen;
        }

        /**
         * Returns whether the event is, or in the meantime was, set; a smaller number is that of a server without data.
         */
        boolean isSetAt(long now) {
            boolean was = isSet(now) || now > seen;
            seen = now;
            return was;
        }

        /** Returns whether a published number is of a later change: a message may be late. */
        boolean isNew(long told) {
            return told > seen;
        }
    }

    /** {@code <RedisEvent imported>}. */
    @Override
    public String toString() {
        return "<RedisEvent " + changes.getName() + ">";
    }
}
