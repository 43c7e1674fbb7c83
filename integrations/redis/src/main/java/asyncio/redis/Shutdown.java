package asyncio.redis;

import asyncio.queue.QueueShutDownException;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RMap;
import org.redisson.api.RScript.Mode;
import org.redisson.api.RScript.ReturnType;
import org.redisson.api.RedissonClient;
import org.redisson.api.stream.StreamMessageId;
import org.redisson.api.stream.StreamReadGroupArgs;
import org.redisson.client.codec.StringCodec;
import reactor.core.publisher.Mono;

/**
 * The end of a queue: a hash beside its stream, which every machine sees.
 *
 * <p>The stream of a queue that is shut down has the last possible id, so that the server refuses to add to it, without
 * a check that would slow down puts. (Those with a bound are scripts, and check the hash first.) A put that comes first
 * is one of the items that are still delivered, or dropped; one that comes later fails.
 */
final class Shutdown {
    /** The mode of a queue whose items are still delivered. */
    private static final String DRAIN = "drain";

    /** The mode of a queue whose items are dropped. */
    private static final String DROP = "drop";

    /** Sets the mode; keeps the last id of the stream the first time, and replaces it by the last possible one. */
    private static final String START = "if redis.call('exists', KEYS[2]) == 0 then"
            + " if redis.call('exists', KEYS[1]) == 0 then"
            + " redis.call('xgroup', 'create', KEYS[1], '" + RedisQueue.GROUP + "', '0', 'mkstream') end"
            + " local info = redis.call('xinfo', 'stream', KEYS[1])"
            + " for i = 1, #info, 2 do if info[i] == 'last-generated-id' then"
            + " redis.call('hset', KEYS[2], 'mode', ARGV[1], 'last', info[i + 1]) end end"
            + " redis.call('xsetid', KEYS[1], '18446744073709551615-18446744073709551615')"
            + " elseif ARGV[1] == '" + DROP + "' then redis.call('hset', KEYS[2], 'mode', ARGV[1]) end";

    private static final String UNDO = "local last = redis.call('hget', KEYS[2], 'last')"
            + " if last and redis.call('exists', KEYS[1]) == 1 then redis.call('xsetid', KEYS[1], last) end"
            + " redis.call('del', KEYS[2])";

    /**
     * Returns 0 if the queue is not shut down, 1 if items are left, 2 if none will be delivered any more. One script,
     * since two replicas could answer from different times.
     */
    private static final String LOOK = "local mode = redis.call('hget', KEYS[2], 'mode')"
            + " if not mode then return 0 end"
            + " if mode == '" + DROP + "' or redis.call('xlen', KEYS[1]) == 0 then return 2 end return 1";

    private static final int AT_ONCE = 100;

    /** The key of the hash, which exists if the queue is shut down. */
    final String key;

    private final RedissonClient redisson;
    private final RedisQueue<?> queue;
    private final RMap<String, String> state;

    /** Whether the server has said so; a getter then asks before it waits. */
    private volatile boolean known;

    Shutdown(RedissonClient redisson, RedisQueue<?> queue) {
        this.redisson = redisson;
        this.queue = queue;
        // in the queue's slot of a cluster, unless the name has a brace and no {tag}
        key = queue.name.contains("}") ? queue.name + ":shutdown" : "{" + queue.name + "}:shutdown";
        state = redisson.getMap(key, StringCodec.INSTANCE);
    }

    boolean isKnown() {
        return known;
    }

    /** Returns whether a put failed since the queue is shut down. */
    static boolean isCauseOf(Throwable e) {
        return String.valueOf(e.getMessage()).contains("exhausted the last possible ID");
    }

    QueueShutDownException error(String what) {
        known = true;
        return new QueueShutDownException("Cannot " + what + " " + queue + ": it is shut down");
    }

    /** Completes empty if the queue is not shut down. */
    private Mono<String> mode() {
        return Mono.fromCompletionStage(() -> state.getAsync("mode")).doOnSuccess(value -> known = value != null);
    }

    Mono<Boolean> isShutdown() {
        return mode().hasElement();
    }

    Mono<Boolean> drops() {
        return mode().filter(DROP::equals).hasElement();
    }

    /** Returns whether no more items will be delivered: an item that a consumer holds may come back. */
    Mono<Boolean> isOver() {
        return this.<Long>eval(LOOK, ReturnType.LONG)
                .doOnNext(state -> known = state > 0)
                .map(state -> state == 2);
    }

    Mono<Void> start(boolean immediate) {
        Mono<Void> start =
                eval(START, ReturnType.VALUE, immediate ? DROP : DRAIN).then();
        return immediate ? start.then(Mono.defer(this::drop)) : start;
    }

    Mono<Void> undo() {
        return eval(UNDO, ReturnType.VALUE).then();
    }

    private <R> Mono<R> eval(String script, ReturnType type, Object... arguments) {
        return Mono.fromFuture(
                () -> redisson.getScript(StringCodec.INSTANCE)
                        .<R>evalAsync(queue.name, Mode.READ_WRITE, script, type, List.of(queue.name, key), arguments)
                        .toCompletableFuture(),
                true);
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
