package asyncio.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import asyncio.Asyncio;
import asyncio.queue.AsyncQueue;
import asyncio.queue.QueueShutDownException;
import asyncio.sync.Lock;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RScript.Mode;
import org.redisson.api.RScript.ReturnType;
import org.redisson.api.RStream;
import org.redisson.api.RedissonClient;
import org.redisson.api.stream.StreamAddArgs;
import org.redisson.api.stream.StreamCreateGroupArgs;
import org.redisson.api.stream.StreamMessageId;
import org.redisson.client.codec.BaseCodec;
import org.redisson.client.codec.ByteArrayCodec;
import org.redisson.client.codec.Codec;
import org.redisson.client.codec.StringCodec;
import org.redisson.client.handler.State;
import org.redisson.codec.CompositeCodec;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A queue shared by several machines, with <em>at least once</em> delivery: an item is leased to the consumer that gets
 * it, and delivered again, to another consumer, if the first dies or releases it before it has acknowledged it. It is a
 * Redis stream with one consumer group, through Redisson.
 *
 * <p><b>Order.</b> Items are delivered first in, first out; each consumer has its own pace, and an item is delivered
 * again when its lease has expired.
 *
 * <p><b>Bound.</b> {@link #put} waits while {@link Options#maxSize} items are in the queue, including leased ones. It
 * tries ten times a second.
 *
 * <p><b>Shutdown.</b> {@link #shutdown} is for all machines, and for programs that are started later.
 *
 * <p><b>Cancelling.</b> A {@code put} that is cancelled may have put its item. A {@code get} that is cancelled loses no
 * item: an item that arrives for it is delivered again after the lease.
 *
 * <p><b>Threading.</b> Every method may be called from any thread; none blocks. Getters of one object take turns at the
 * server, and use one of the client's connections while they wait.
 *
 * <p><b>Codec.</b> Any one may be used. An item that it cannot read goes to the dead letters at once.
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
 * <p>asyncio: {@code Queue}, in one process.
 *
 * @param <T> the type of the items, for the codec of the {@link RedissonClient}
 * @since 0.1
 */
public final class RedisQueue<T> implements AsyncQueue<T> {
    static final String GROUP = "asyncio";
    static final String ITEM = "item";
    /**
     * Puts an item into a stream unless that is shut down or has too many; the arguments are the bound and the item.
     */
    private static final String PUT = "if redis.call('exists', KEYS[2]) == 1 then return -1 end"
            + " if redis.call('xlen', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end"
            + " redis.call('xadd', KEYS[1], '*', '" + ITEM + "', ARGV[2]) return 1";

    private static final String ACK =
            "redis.call('xack', KEYS[1], unpack(ARGV)) return redis.call('xdel', KEYS[1], unpack(ARGV, 2))";
    static final Duration LOOK = Duration.ofMillis(100);

    final String name;
    /** The entries, with their items as they are. */
    final RStream<String, byte[]> stream;

    final RStream<String, byte[]> dead;
    final Options options;
    /** The name of this consumer on the server. */
    final String consumer = UUID.randomUUID().toString();

    /** Getters ask the server one after the other, since each occupies a connection while it waits. */
    final Lock turn = new Lock();

    /** The time at which there was no item with an expired lease; for the getter with the turn. */
    volatile long lookedAt = System.nanoTime() - Long.MAX_VALUE / 2;

    private final RedissonClient redisson;
    private final Codec codec;
    private final RStream<String, T> puts;
    final Shutdown shutdown;

    private RedisQueue(RedissonClient redisson, String name, Options options) {
        this.redisson = redisson;
        this.name = name;
        this.options = options;
        codec = codecOf(redisson);
        puts = redisson.getStream(name, new CompositeCodec(StringCodec.INSTANCE, codec));
        Codec bytes = new CompositeCodec(StringCodec.INSTANCE, ByteArrayCodec.INSTANCE);
        stream = redisson.getStream(name, bytes);
        dead = redisson.getStream(name + ":dead", bytes);
        shutdown = new Shutdown(redisson, this);
    }

    /** Returns the client's codec, for the same classes as Redisson would use it. */
    private static Codec codecOf(RedissonClient redisson) {
        Codec codec = redisson.getConfig().getCodec();
        ClassLoader loader = Thread.currentThread().getContextClassLoader();
        if (loader == null || !redisson.getConfig().isUseThreadClassLoader()) {
            return codec;
        }
        try {
            return BaseCodec.copy(loader, codec);
        } catch (ReflectiveOperationException e) { // it has no class loader
            return codec;
        }
    }

    /** Reads the item of an entry. It is not left to Redisson, whose error would not name the entry. */
    @SuppressWarnings("unchecked")
    T itemOf(Map<String, byte[]> entry) throws IOException {
        byte[] item = entry.get(ITEM);
        if (item == null) {
            throw new IOException("It has no field " + ITEM + ", only " + entry.keySet());
        }
        Object read = codec.getMapValueDecoder().decode(Unpooled.wrappedBuffer(item), new State());
        if (read == null) {
            throw new IOException("The codec " + codec + " decoded its item as null");
        }
        return (T) read;
    }

    /** Creates the consumer group and the stream unless they exist. */
    CompletionStage<Void> makeGroup() {
        return stream.createGroupAsync(StreamCreateGroupArgs.name(GROUP)
                        .id(StreamMessageId.ALL)
                        .makeStream())
                .exceptionally(e -> {
                    if (String.valueOf(e.getMessage()).contains("BUSYGROUP")) { // it exists
                        return null;
                    }
                    throw new CompletionException(e);
                });
    }

    /**
     * Acknowledges and removes items. One that is neither pending nor removed would stay forever, so nothing may come
     * between the two; and a server whose memory is full refuses MULTI, but not a script with these commands.
     * Redisson's {@code ack} with deletion needs Redis 8.2.
     */
    CompletionStage<?> acknowledge(Collection<StreamMessageId> ids) {
        List<String> arguments = new ArrayList<>();
        arguments.add(GROUP);
        ids.forEach(id -> arguments.add(id.toString()));
        return redisson.getScript(StringCodec.INSTANCE)
                .evalAsync(name, Mode.READ_WRITE, ACK, ReturnType.LONG, List.of(name), arguments.toArray());
    }

    private byte[] bytesOf(T item) throws IOException {
        ByteBuf encoded = codec.getMapValueEncoder().encode(item);
        try {
            return ByteBufUtil.getBytes(encoded);
        } finally {
            encoded.release();
        }
    }

    /**
     * The options of a queue, which should be the same for all its users.
     *
     * @param lease the time after which an item is delivered again if its consumer has died
     * @param maxSize the maximum number of items; 0 for no limit
     * @param maxDeliveries the number of deliveries of an item before it goes to the dead letters; 0 for no limit
     * @since 0.1
     */
    public record Options(Duration lease, long maxSize, long maxDeliveries) {
        /** A lease of 30 seconds, any number of items, any number of deliveries. */
        public static final Options DEFAULTS = new Options(Duration.ofSeconds(30), 0, 0);

        /**
         * Creates options.
         *
         * @throws IllegalArgumentException if the lease is shorter than 30 milliseconds, or a number is negative
         */
        public Options {
            if (lease.toMillis() < 30) {
                throw new IllegalArgumentException("A lease of " + lease
                        + " is too short for the round trips of a renewal: use at least 30 milliseconds");
            }
            if (maxSize < 0 || maxDeliveries < 0) {
                throw new IllegalArgumentException(
                        "maxSize and maxDeliveries must not be negative, but are " + maxSize + " and " + maxDeliveries);
            }
        }

        /** Returns these options with another lease. */
        public Options lease(Duration lease) {
            return new Options(lease, maxSize, maxDeliveries);
        }

        /** Returns these options with another bound. */
        public Options maxSize(long maxSize) {
            return new Options(lease, maxSize, maxDeliveries);
        }

        /** Returns these options with another number of deliveries. */
        public Options maxDeliveries(long maxDeliveries) {
            return new Options(lease, maxSize, maxDeliveries);
        }
    }

    /** Returns the queue of this name, without contacting the server. */
    public static <T> RedisQueue<T> of(RedissonClient redisson, String name, Options options) {
        return new RedisQueue<>(
                redisson, Objects.requireNonNull(name, "name"), Objects.requireNonNull(options, "options"));
    }

    /** Puts an item as soon as there is room, and completes empty when the server has it. */
    @Override
    public Mono<Void> put(T item) {
        return putWithin(item, null);
    }

    /**
     * {@inheritDoc}
     *
     * @param limit the time limit; a server that does not answer adds Redisson's own time limits
     */
    @Override
    public Mono<Void> put(T item, Duration limit) {
        return putWithin(item, Objects.requireNonNull(limit, "limit"));
    }

    private Mono<Void> putWithin(T item, @Nullable Duration limit) {
        Objects.requireNonNull(item, "item");
        return Mono.defer(() -> {
                    Deadline deadline = new Deadline(limit);
                    Mono<Boolean> put = Mono.fromCompletionStage(() -> tryPut(item))
                            .onErrorMap(Shutdown::isCauseOf, e -> shutdown.error("put into"))
                            .flatMap(answer -> {
                                if (answer < 0) {
                                    return Mono.error(shutdown.error("put into"));
                                }
                                if (answer == 0 && deadline.isPast()) {
                                    return Mono.error(deadline.timedOut("room in " + this));
                                }
                                return answer == 0 ? Mono.empty() : Mono.just(true);
                            });
                    return put.repeatWhenEmpty(
                            Integer.MAX_VALUE, tries -> tries.concatMap(n -> Mono.delay(deadline.atMost(LOOK))));
                })
                .then();
    }

    /** Returns 1 if the item is in the queue, 0 if there is no room, -1 if a queue with a bound is shut down. */
    private CompletionStage<Long> tryPut(T item) {
        if (options.maxSize() == 0) {
            return puts.addAsync(StreamAddArgs.entry(ITEM, item)).thenApply(id -> 1L);
        }
        try {
            return redisson.getScript(ByteArrayCodec.INSTANCE)
                    .evalAsync(
                            name,
                            Mode.READ_WRITE,
                            PUT,
                            ReturnType.LONG,
                            List.of(name, shutdown.key),
                            String.valueOf(options.maxSize()).getBytes(UTF_8),
                            bytesOf(item));
        } catch (IOException e) { // the codec's
            return CompletableFuture.failedFuture(e);
        }
    }

    /**
     * Waits for an item, and leases it. Fails with {@link QueueShutDownException} if the queue is shut down and all
     * items are acknowledged: until then one that a consumer holds may come back, if that dies. After an immediate
     * shutdown it fails without waiting for those.
     *
     * <p>asyncio: {@code Queue.get}.
     */
    public Mono<Delivery<T>> get() {
        return new MonoLease<>(this);
    }

    /**
     * Gets an item, processes it, and acknowledges it when the work has ended without an error; otherwise it is
     * delivered again when the lease expires. A lost lease cancels the work, with a {@link LeaseLostException}. An
     * acknowledgement that fails is the error of this Mono, although the work has succeeded.
     *
     * @param work the function that processes the item
     */
    @Override
    public <R> Mono<R> process(Function<? super T, ? extends Mono<R>> work) {
        return Mono.usingWhen(
                Mono.defer(this::get), // none is made for a subscription that does not come
                delivery -> Mono.<R>firstWithSignal(
                                Mono.defer(() -> work.apply(delivery.item())),
                                delivery.lost().then(Mono.empty()))
                        .delayUntil(result -> delivery.ack())
                        .switchIfEmpty(Mono.defer(() -> delivery.ack().then(Mono.empty()))),
                delivery -> Mono.empty(), // acknowledged: as a clean-up, that would wrap its error
                (delivery, e) -> Mono.fromRunnable(delivery::release),
                delivery -> Asyncio.cleanup(Mono.fromRunnable(delivery::release)));
    }

    /**
     * Returns the items as a Flux, each fetched when it is requested. Completes where {@link #get} fails since the
     * queue is shut down.
     */
    public Flux<Delivery<T>> asFlux() {
        return Flux.defer(() -> get().repeat()).onErrorComplete(QueueShutDownException.class);
    }

    /** Returns the number of unacknowledged items, including leased ones. */
    public Mono<Long> size() {
        return Mono.fromCompletionStage(stream::sizeAsync);
    }

    /** Completes empty when all items are acknowledged; checks a few times a second. asyncio: {@code Queue.join}. */
    @Override
    public Mono<Void> join() {
        return size().filter(size -> size == 0)
                .switchIfEmpty(shutdown.drops()
                        .flatMap(drops -> drops ? shutdown.drop().then(Mono.empty()) : Mono.empty()))
                .repeatWhenEmpty(Integer.MAX_VALUE, tries -> tries.concatMap(n -> Mono.delay(LOOK)))
                .then();
    }

    /**
     * Rejects items from now on, on all machines, and completes empty when the server does so. A put comes before it,
     * and its item is still delivered, or it fails: the server decides. Putters that wait fail within a tenth of a
     * second; those that wait for an item when all are acknowledged, within a second. The server keeps this until
     * {@link #reopen}, also for programs that are started later.
     *
     * <p>Cancelling it only ends the wait.
     *
     * <p>asyncio: {@code Queue.shutdown}.
     *
     * @param immediate whether to drop the items too. Leased ones stay with their consumers, and are dropped if those
     *     release them or die. A call that fails or is cancelled on the way may have dropped some: {@link #join} or
     *     another call drops the others.
     */
    @Override
    public Mono<Void> shutdown(boolean immediate) {
        return shutdown.start(immediate);
    }

    /** Returns whether the queue is shut down, for all machines. */
    @Override
    public Mono<Boolean> isShutdown() {
        return shutdown.isShutdown();
    }

    /** Makes a queue that was shut down accept items again, and completes empty. asyncio has no equivalent. */
    public Mono<Void> reopen() {
        return shutdown.undo();
    }

    /**
     * Returns the number of items that were delivered too often, or that the codec could not read. They are kept in the
     * stream named like this queue with the suffix {@code :dead}, as they were put.
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
