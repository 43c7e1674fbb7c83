package asyncio.redis;

import asyncio.queue.AsyncBroadcast;
import asyncio.queue.SlowSubscriberException;
import java.util.Objects;
import org.redisson.api.RFuture;
import org.redisson.api.RTopic;
import org.redisson.api.RedissonClient;
import reactor.core.Exceptions;
import reactor.core.publisher.BufferOverflowStrategy;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.Mono;

/**
 * A broadcast to several machines, with <em>at most once</em> delivery: an item reaches the subscribers that are
 * connected when it is sent, and is kept for no other. It is a Redis channel, Redisson's {@code RTopic}.
 *
 * <p>A subscriber misses what is sent while its connection is down; Redisson then subscribes it again. Use it for what
 * the next item, or a read of the state, makes up for, such as the invalidation of a cache. A {@link RedisQueue} for
 * each receiver keeps items.
 *
 * <p><b>Order.</b> Items of one sender arrive in its order.
 *
 * <p><b>Threading.</b> Every method may be called from any thread; none blocks. Items arrive on one of Redisson's
 * threads, and resume a task on its loop.
 *
 * <pre>{@code
 * RedisBroadcast<String> changed = RedisBroadcast.of(redisson, "prices", String.class);
 *
 * changed.asFlux(1000).doOnNext(cache::invalidate).subscribe();
 * await(changed.send("4711"));
 * }</pre>
 *
 * <p>asyncio has no equivalent; the one in a process is {@code asyncio.queue.Broadcast}.
 *
 * @param <T> the type of the items, for the codec of the {@link RedissonClient}
 * @since 0.1
 */
public final class RedisBroadcast<T> implements AsyncBroadcast<T> {
    private final RTopic topic;
    private final String name;
    private final Class<T> type;

    private RedisBroadcast(RTopic topic, String name, Class<T> type) {
        this.topic = topic;
        this.name = name;
        this.type = type;
    }

    /** Returns the broadcast of this name, without contacting the server. */
    public static <T> RedisBroadcast<T> of(RedissonClient redisson, String name, Class<T> type) {
        return new RedisBroadcast<>(
                redisson.getTopic(Objects.requireNonNull(name, "name")), name, Objects.requireNonNull(type, "type"));
    }

    /**
     * Sends an item.
     *
     * @return the number of clients that it is sent to, each with any number of subscribers
     */
    @Override
    public Mono<Long> send(T item) {
        Objects.requireNonNull(item, "item");
        return Mono.fromFuture(() -> topic.publishAsync(item).toCompletableFuture(), true);
    }

    /**
     * Returns an endless Flux of the items sent after its subscription has reached the server. Cancelling it ends the
     * subscription.
     *
     * @param capacity the number of items kept for a subscriber that has not requested them; with more it fails with a
     *     {@link SlowSubscriberException}, since a sender cannot wait for it
     */
    @Override
    public Flux<T> asFlux(int capacity) {
        return Flux.create(this::listen, FluxSink.OverflowStrategy.IGNORE)
                .onBackpressureBuffer(capacity, BufferOverflowStrategy.ERROR)
                .onErrorMap(
                        Exceptions::isOverflow,
                        e -> new SlowSubscriberException("A subscriber of " + this + " is more than " + capacity
                                + " items behind; let it request more, or give it a larger capacity"));
    }

    /** Listens for as long as the subscription lasts, also if it ends before the server has confirmed it. */
    private void listen(FluxSink<T> sink) {
        RFuture<Integer> listening = topic.addListenerAsync(type, (channel, item) -> sink.next(item));
        sink.onDispose(() -> listening.thenCompose(id -> topic.removeListenerAsync(id)));
        listening.whenComplete((id, e) -> {
            if (e != null) {
                sink.error(RedisPermits.cause(e));
            }
        });
    }

    /** Returns the number of clients with subscribers. */
    public Mono<Long> subscribers() {
        return Mono.fromCompletionStage(topic::countSubscribersAsync);
    }

    /** {@code <RedisBroadcast prices>}. */
    @Override
    public String toString() {
        return "<RedisBroadcast " + name + ">";
    }
}
