package asyncio.redis;

import asyncio.Asyncio;
import asyncio.sync.Lock;
import java.time.Duration;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.redisson.api.BatchOptions;
import org.redisson.api.BatchOptions.ExecutionMode;
import org.redisson.api.RBatch;
import org.redisson.api.RStream;
import org.redisson.api.RStreamAsync;
import org.redisson.api.RedissonClient;
import org.redisson.api.stream.StreamAddArgs;
import org.redisson.api.stream.StreamCreateGroupArgs;
import org.redisson.api.stream.StreamMessageId;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A queue that several machines share, which delivers each item <em>at least once</em>: an item is leased to the
 * consumer that gets it, and delivered again, to another one, if that dies or lets go of it before it has acknowledged
 * it. A Redis stream with one consumer group, through Redisson.
 *
 * <p><b>Order.</b> Items are got first in, first out; of several consumers each is at its own pace, and what is
 * delivered again comes when its lease is over.
 *
 * <p><b>Bound.</b> {@link #put} waits while {@link Options#maxSize} items are in the queue, those that are leased
 * included. It looks a few times a second, and two that look at once may both put: the bound is kept to within the
 * number of producers.
 *
 * <p><b>Cancelling.</b> A {@code put} that is cancelled may have put its item. A {@code get} that is cancelled loses
 * none: what comes for it is delivered again after the lease.
 *
 * <p><b>Threading.</b> Every method may be called from any thread; none blocks. Getters of one object take turns at the
 * server, and use one of the client's connections while they wait; items are of any codec that can read all of them.
 *
 * <pre>{@code
 * RedisQueue<Order> orders = RedisQueue.of(redisson, "orders", RedisQueue.Options.DEFAULTS.maxDeliveries(5));
 * await(orders.put(order));
 *
 * for (; ; ) {
 *     await(orders.process(order -> book(order)));          // get, work, acknowledge
 * }
 * }</pre>
 *
 * <p>asyncio: none; its {@code Queue} is {@code asyncio.queue.Queue}.
 *
 * @param <T> the type of the items, for the codec of the {@link RedissonClient}
 * @since 0.1
 */
public final class RedisQueue<T> {
    static final String GROUP = "asyncio";
    static final String ITEM = "item";
    private static final Duration LOOK = Duration.ofMillis(100);

    final String name;
    final RStream<String, T> stream;
    final RStream<String, T> dead;
    final Options options;
    /** The name of this consumer on the server. */
    final String consumer = UUID.randomUUID().toString();

    /** Getters ask the server one after the other: each waits on a connection of its own meanwhile. */
    final Lock turn = new Lock();

    private final RedissonClient redisson;

    private RedisQueue(RedissonClient redisson, String name, Options options) {
        this.redisson = redisson;
        this.name = name;
        this.options = options;
        stream = redisson.getStream(name);
        dead = redisson.getStream(name + ":dead");
    }

    /** Makes the group of consumers, and the stream, unless they are there. */
    CompletionStage<Void> makeGroup() {
        return stream.createGroupAsync(StreamCreateGroupArgs.name(GROUP)
                        .id(StreamMessageId.ALL)
                        .makeStream())
                .exceptionally(e -> {
                    if (String.valueOf(e.getMessage()).contains("BUSYGROUP")) { // it is there
                        return null;
                    }
                    throw new CompletionException(e);
                });
    }

    /** Acknowledges an item and removes it, at once: one that is neither pending nor removed would stay for ever. */
    CompletionStage<?> acknowledge(StreamMessageId id) {
        RBatch both = redisson.createBatch(BatchOptions.defaults().executionMode(ExecutionMode.REDIS_WRITE_ATOMIC));
        RStreamAsync<String, T> stream = both.getStream(name);
        stream.ackAsync(GROUP, id);
        stream.removeAsync(id);
        return both.executeAsync();
    }

    /**
     * The rules of a queue; those of all who use it should be the same.
     *
     * @param lease the time after which an item that was got is delivered again, unless its consumer lives
     * @param maxSize how many items there may be at most; 0 for any number
     * @param maxDeliveries how often an item is delivered before it goes to the dead letters; 0 for ever
     * @since 0.1
     */
    public record Options(Duration lease, long maxSize, long maxDeliveries) {
        /** A lease of 30 seconds, any number of items, any number of deliveries. */
        public static final Options DEFAULTS = new Options(Duration.ofSeconds(30), 0, 0);

        /**
         * The rules of a queue.
         *
         * @throws IllegalArgumentException if the lease is shorter than 30 milliseconds, or a number is negative
         */
        public Options {
            if (lease.toMillis() < 30) {
                throw new IllegalArgumentException("A lease of " + lease + ": it takes a few round trips to renew it");
            }
            if (maxSize < 0 || maxDeliveries < 0) {
                throw new IllegalArgumentException(
                        "maxSize and maxDeliveries must not be negative, but are " + maxSize + " and " + maxDeliveries);
            }
        }

        /** As this, with another lease. */
        public Options lease(Duration lease) {
            return new Options(lease, maxSize, maxDeliveries);
        }

        /** As this, with another bound. */
        public Options maxSize(long maxSize) {
            return new Options(lease, maxSize, maxDeliveries);
        }

        /** As this, with another number of deliveries. */
        public Options maxDeliveries(long maxDeliveries) {
            return new Options(lease, maxSize, maxDeliveries);
        }
    }

    /** Returns the queue of this name; nothing is asked of the server. */
    public static <T> RedisQueue<T> of(RedissonClient redisson, String name, Options options) {
        return new RedisQueue<>(
                redisson, Objects.requireNonNull(name, "name"), Objects.requireNonNull(options, "options"));
    }

    /** Puts an item in, when there is room, and completes, empty, when the server has it. */
    public Mono<Void> put(T item) {
        Objects.requireNonNull(item, "item");
        Mono<Void> add = Mono.fromCompletionStage(() -> stream.addAsync(StreamAddArgs.entry(ITEM, item)))
                .then();
        return options.maxSize() == 0 ? add : room().then(add);
    }

    private Mono<Long> room() {
        return size().filter(size -> size < options.maxSize())
                .repeatWhenEmpty(Integer.MAX_VALUE, tries -> tries.concatMap(n -> Mono.delay(LOOK)));
    }

    /** Waits for an item, and leases it. */
    public Mono<Delivery<T>> get() {
        return new MonoLease<>(this);
    }

    /**
     * Gets an item, works on it, and acknowledges it when the work has ended without an error; else it is delivered
     * again when the lease is over. A lease that is lost cancels the work, with a {@link LeaseLostException}.
     *
     * @param work is given the item
     */
    public <R> Mono<R> process(Function<? super T, ? extends Mono<R>> work) {
        return Mono.usingWhen(
                get(),
                delivery -> Mono.firstWithSignal(
                        Mono.defer(() -> work.apply(delivery.item())),
                        delivery.lost().then(Mono.empty())),
                Delivery::ack,
                (delivery, e) -> Mono.fromRunnable(delivery::release),
                delivery -> Asyncio.cleanup(Mono.fromRunnable(delivery::release)));
    }

    /** The items one after the other, each got when it is requested; without an end. */
    public Flux<Delivery<T>> asFlux() {
        return Flux.defer(() -> get().repeat());
    }

    /** The number of items that are not acknowledged, those that are leased included. */
    public Mono<Long> size() {
        return Mono.fromCompletionStage(stream::sizeAsync);
    }

    /** Completes, empty, when all items are acknowledged; looks a few times a second. asyncio: {@code Queue.join}. */
    public Mono<Void> join() {
        return size().filter(size -> size == 0)
                .repeatWhenEmpty(Integer.MAX_VALUE, tries -> tries.concatMap(n -> Mono.delay(LOOK)))
                .then();
    }

    /**
     * The number of items that were delivered too often, kept in the stream of this name with {@code :dead} behind it.
     */
    public Mono<Long> deadLetters() {
        return Mono.fromCompletionStage(dead::sizeAsync);
    }

    /** {@code <RedisQueue orders>}. */
    @Override
    public String toString() {
        return "<RedisQueue " + name + ">";
    }
}
