package asyncio.redis;

import asyncio.queue.QueueShutDownException;
import java.util.Collection;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RBucket;
import org.redisson.api.RedissonClient;
import org.redisson.api.stream.StreamMessageId;
import org.redisson.api.stream.StreamReadGroupArgs;
import org.redisson.client.codec.StringCodec;
import reactor.core.publisher.Mono;

/**
 * The end of a queue: a key beside its stream, which every machine sees.
 *
 * <p>A put checks it and adds its item in one script, so that the server decides between a put and a shutdown: a put
 * that comes first is one of the items that are still delivered, or dropped; one that comes later fails.
 */
final class Shutdown {
    /** The value of a queue whose items are still delivered. */
    private static final String DRAIN = "drain";

    /** The value of a queue whose items are dropped. */
    private static final String DROP = "drop";

    private static final int AT_ONCE = 100;

    final String key;
    private final RedisQueue<?> queue;
    private final RBucket<String> mode;

    /** Whether the server has said so; a getter then asks before it waits. */
    private volatile boolean known;

    Shutdown(RedissonClient redisson, RedisQueue<?> queue) {
        this.queue = queue;
        // in the queue's slot of a cluster
        key = queue.name.contains("{") ? queue.name + ":shutdown" : "{" + queue.name + "}:shutdown";
        mode = redisson.getBucket(key, StringCodec.INSTANCE);
    }

    boolean isKnown() {
        return known;
    }

    QueueShutDownException error(String what) {
        known = true;
        return new QueueShutDownException("Cannot " + what + " " + queue + ": it is shut down");
    }

    /** Completes empty if the queue is not shut down. */
    private Mono<String> mode() {
        return Mono.fromCompletionStage(mode::getAsync).doOnSuccess(value -> known = value != null);
    }

    Mono<Boolean> isShutdown() {
        return mode().hasElement();
    }

    Mono<Boolean> drops() {
        return mode().filter(DROP::equals).hasElement();
    }

    /** Returns whether no more items will be delivered: an item that a consumer holds may come back. */
    Mono<Boolean> isOver() {
        return mode().flatMap(value -> value.equals(DROP)
                        ? Mono.just(true)
                        : queue.size().map(size -> size == 0)) // none comes any more
                .defaultIfEmpty(false);
    }

    Mono<Void> start(boolean immediate) {
        return immediate
                ? Mono.fromFuture(() -> mode.setAsync(DROP).toCompletableFuture(), true)
                        .then(drop())
                : Mono.fromFuture(() -> mode.setIfAbsentAsync(DRAIN).toCompletableFuture(), true)
                        .then();
    }

    Mono<Void> undo() {
        return Mono.fromFuture(() -> mode.deleteAsync().toCompletableFuture(), true)
                .then();
    }

    /** Drops the items that no consumer holds, as a consumer that acknowledges them. */
    Mono<Void> drop() {
        return Mono.fromCompletionStage(queue::makeGroup)
                .then(dropNew().repeat().takeUntil(none -> none).then())
                .then(Mono.defer(() -> dropLeft(StreamMessageId.MIN)));
    }

    /** Returns whether there were none. */
    private Mono<Boolean> dropNew() {
        return Mono.fromCompletionStage(() -> queue.stream.readGroupAsync(
                        RedisQueue.GROUP,
                        queue.consumer,
                        StreamReadGroupArgs.neverDelivered().count(AT_ONCE)))
                .flatMap(read -> acknowledge(read.keySet()))
                .defaultIfEmpty(true);
    }

    private Mono<Void> dropLeft(StreamMessageId from) {
        return Mono.fromCompletionStage(() -> queue.stream.fastAutoClaimAsync(
                        RedisQueue.GROUP,
                        queue.consumer,
                        queue.options.lease().toMillis(),
                        TimeUnit.MILLISECONDS,
                        from,
                        AT_ONCE))
                .flatMap(claimed -> acknowledge(claimed.getIds())
                        .then(
                                claimed.getNextId().equals(MonoLease.END)
                                        ? Mono.empty()
                                        : dropLeft(claimed.getNextId())));
    }

    private Mono<Boolean> acknowledge(@Nullable Collection<StreamMessageId> ids) {
        return ids == null || ids.isEmpty()
                ? Mono.just(true)
                : Mono.fromCompletionStage(() -> queue.acknowledge(ids)).thenReturn(false);
    }
}
