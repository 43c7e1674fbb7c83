package asyncio.queue;

import asyncio.SuspendingSink;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A queue whose {@code put} waits for room and whose {@code get} waits for an item, without blocking a thread: first
 * in, first out. It is asyncio's, not {@code java.util.Queue}: nothing here returns false or null silently but
 * {@link #tryPut} and {@link #tryGet}.
 *
 * <p><b>Threading.</b> Every method may be called from any thread, on a loop or off it. Who waits on a loop goes on in
 * that loop's next tick, whoever put the item; who waits off every loop goes on on the thread that put it, after that
 * thread's call has changed the queue, never under a lock and never by recursion.
 *
 * <p><b>Order.</b> Getters are served in the order in which they came, and so are putters let in; nobody who comes
 * later overtakes them, not even {@code tryPut} and {@code tryGet}. A putter that was let in holds its slot until its
 * next step, in which its item enters; a putter on a loop that is busy elsewhere may be overtaken in between by one
 * that was let in after it on another thread.
 *
 * <p><b>Cancelling.</b> A put that is cancelled, or out of time, has not happened, and a get that is takes nothing. An
 * item that was granted to who was cancelled before it could go on returns to the head of the queue, where the next
 * getter finds it, even if the queue is full: then it holds more than {@code maxsize} for the moment. Deadlines belong
 * into {@link #get(Duration)} and {@link #put(Object, Duration)}; Reactor's {@code timeout} operator can drop an item
 * that has just come.
 *
 * <p><b>Errors.</b> After {@link #shutdown} puts and gets fail with {@link QueueShutDownException}. Null is refused
 * with {@link NullPointerException}.
 *
 * <pre>{@code
 * Queue<Job> jobs = new Queue<>(100);
 * createTask(async(() -> {
 *     for (Job job; (job = await(jobs.next())) != null; jobs.taskDone()) {
 *         await(work(job));
 *     }
 * }));
 * await(jobs.put(new Job("first")));       // waits while 100 are in it
 * await(jobs.join());                      // until all are done
 * jobs.shutdown();
 * }</pre>
 *
 * <p>asyncio: {@code Queue}.
 *
 * @param <T> the type of the items
 */
public sealed class Queue<T> implements SuspendingSink<T>, Scannable permits PriorityQueue, LifoQueue {
    private static final int UNBOUNDED = Integer.MAX_VALUE;

    final QueueCore<T> core;

    /**
     * A queue with room for {@code maxsize} items; {@link #unbounded()} is without a limit.
     *
     * @throws IllegalArgumentException if {@code maxsize} is not positive
     */
    public Queue(int maxsize) {
        this(maxsize, null);
    }

    /**
     * As {@link #Queue(int)}, with a hook for items that left the queue, or were on their way, and that nobody will
     * get: those that {@link #shutdown(boolean) shutdown(true)} drains, those that come back later, those of a source
     * that was being put. Without a hook they go to {@code Operators.onDiscard}. The hook runs on the thread that finds
     * out, and must not block.
     *
     * @throws IllegalArgumentException if {@code maxsize} is not positive
     */
    public Queue(int maxsize, @Nullable Consumer<? super T> onUndelivered) {
        this(checkMaxsize(maxsize), new FifoItems<>(), onUndelivered);
    }

    Queue(int maxsize, Items<T> items, @Nullable Consumer<? super T> onUndelivered) {
        core = new QueueCore<>(getClass().getSimpleName(), maxsize, items, onUndelivered);
    }

    static int checkMaxsize(int maxsize) {
        if (maxsize < 1) {
            throw new IllegalArgumentException("maxsize must be positive, not " + maxsize
                    + ": asyncio's queue without a limit is unbounded() here");
        }
        return maxsize;
    }

    /** A queue without a limit, where no {@code put} waits: whoever puts faster than others get fills the memory. */
    public static <T> Queue<T> unbounded() {
        return unbounded(null);
    }

    /** As {@link #unbounded()}, with a hook as in {@link #Queue(int, Consumer)}. */
    public static <T> Queue<T> unbounded(@Nullable Consumer<? super T> onUndelivered) {
        return new Queue<>(UNBOUNDED, new FifoItems<>(), onUndelivered);
    }

    // ---- putting

    /**
     * Puts an item, when there is room. Nothing happens until subscription; each subscription puts it once more.
     * Cancelling it before it is over leaves the item outside.
     *
     * <p>Fails with {@link QueueShutDownException} if the queue is shut down, or is while it waits.
     *
     * <p>asyncio: {@code put}.
     */
    @Override
    public Mono<Void> put(T item) {
        return new MonoPut<>(core, Objects.requireNonNull(item, "item"), null);
    }

    /**
     * As {@link #put(Object)}, but fails with {@link java.util.concurrent.TimeoutException} if there was no room within
     * {@code limit}; the item is outside then.
     */
    public Mono<Void> put(T item, Duration limit) {
        return new MonoPut<>(core, Objects.requireNonNull(item, "item"), Objects.requireNonNull(limit, "limit"));
    }

    /**
     * Puts all that a Publisher emits, requesting from it as many items as there is room for, and one when there is
     * none, which then waits for room as with {@link #put(Object)}. Nothing happens until subscription. Completes when
     * the last item is in, fails as the Publisher does, after what came before is in. Does not shut the queue down:
     * several may put at once.
     *
     * <p>Fails with {@link QueueShutDownException}, and cancels the Publisher, if an item finds the queue shut down.
     * Cancelling it cancels the Publisher; items that it had emitted and that are not in the queue yet are undelivered,
     * see {@link #Queue(int, Consumer)}.
     */
    public Mono<Void> putAll(Publisher<? extends T> source) {
        return new MonoPutAll<>(core, Objects.requireNonNull(source, "source"));
    }

    /**
     * A Subscriber that puts what it gets, as {@link #putAll} does, for a Publisher to be subscribed with. Each call
     * gives a new one. The Publisher's error goes to {@code Operators.onErrorDropped}, as does the
     * {@link QueueShutDownException} of an item that comes too late: who wants to know uses {@code putAll}.
     */
    public CoreSubscriber<T> asSubscriber() {
        return new PutAllSubscriber<>(core, null, null);
    }

    /**
     * Puts an item at once.
     *
     * <p>asyncio: {@code put_nowait}.
     *
     * @throws QueueFullException if there is no room, or what there is belongs to who waits for it
     * @throws QueueShutDownException if the queue is shut down
     */
    public void putNowait(T item) {
        if (!tryPut(item)) {
            throw new QueueFullException(
                    "No room in " + core.describe() + ": await put(...), which waits for it, or use tryPut");
        }
    }

    /**
     * Puts an item, if there is room at once.
     *
     * @return false if there is none
     * @throws QueueShutDownException if the queue is shut down
     */
    public boolean tryPut(T item) {
        return core.put(Objects.requireNonNull(item, "item"), null);
    }

    // ---- getting

    /**
     * Takes the next item, when there is one. Nothing happens until subscription. Cancelling it takes nothing.
     *
     * <p>Fails with {@link QueueShutDownException} if the queue is shut down and empty, or is while it waits.
     *
     * <p>asyncio: {@code get}.
     */
    public Mono<T> get() {
        return new MonoGet<>(core, null, false);
    }

    /**
     * As {@link #get()}, but fails with {@link java.util.concurrent.TimeoutException} if there was no item within
     * {@code limit}; nothing was taken then.
     */
    public Mono<T> get(Duration limit) {
        return new MonoGet<>(core, Objects.requireNonNull(limit, "limit"), false);
    }

    /**
     * As {@link #get()}, but completes empty when the queue is shut down and empty, for which {@code await} gives null:
     *
     * <pre>{@code
     * for (Job job; (job = await(jobs.next())) != null; ) { await(work(job)); }
     * }</pre>
     */
    public Mono<T> next() {
        return new MonoGet<>(core, null, true);
    }

    /**
     * Takes up to {@code max} items: those that are there, and those that come within {@code within} after the first,
     * as soon as there are {@code max} or the time is over. Nothing happens until subscription; there is always one
     * item at least, for which it waits as {@link #get()} does, in the same line. While it collects, it keeps its place
     * there.
     *
     * <p>Cancelling it takes nothing: what it had collected returns to the head of the queue, in order. If the queue is
     * shut down while it collects, it gets what it has; with nothing it fails with {@link QueueShutDownException}.
     *
     * <pre>{@code
     * List<Job> batch = await(jobs.getBatch(100, Duration.ofMillis(50)));
     * }</pre>
     *
     * <p>asyncio has none.
     *
     * @param within zero for no more than what is there with the first
     * @throws IllegalArgumentException if {@code max} is not positive, or {@code within} is negative
     */
    public Mono<List<T>> getBatch(int max, Duration within) {
        return new MonoBatch<>(core, max, within, false);
    }

    /** As {@link #getBatch}, but completes empty when the queue is shut down and empty; see {@link #next()}. */
    public Mono<List<T>> nextBatch(int max, Duration within) {
        return new MonoBatch<>(core, max, within, true);
    }

    /**
     * Batches as of {@link #getBatch} as a Flux: one is collected for each that was requested, and none without demand.
     * Each item goes to one subscriber. Completes when the queue is shut down and empty. Cancelling returns what was
     * collected and not emitted to the head of the queue, in order.
     *
     * @throws IllegalArgumentException as there
     */
    public Flux<List<T>> asBatches(int max, Duration within) {
        return nextBatch(max, within).repeat(() -> !core.isDrained());
    }

    /**
     * The items as a Flux: each subscriber is one more getter, each item goes to one of them, and only as much is taken
     * as was requested. Completes when the queue is shut down and empty.
     *
     * <p>A subscriber on a loop gets the items on that loop; off every loop it gets them on the thread that requests or
     * puts. What is there is taken and emitted up to 64 at a time. Cancelling puts items that were taken and not
     * emitted back to the head of the queue.
     */
    public Flux<T> asFlux() {
        return new FluxQueue<>(core);
    }

    /**
     * Takes the next item at once.
     *
     * <p>asyncio: {@code get_nowait}.
     *
     * @throws QueueEmptyException if there is none
     * @throws QueueShutDownException if there is none and will not be
     */
    public T getNowait() {
        T item = tryGet();
        if (item == null) {
            throw new QueueEmptyException(
                    "No item in " + core.describe() + ": await get(), which waits for one, or use tryGet");
        }
        return item;
    }

    /**
     * Takes the next item, if there is one.
     *
     * @return null if there is none
     * @throws QueueShutDownException if there is none and will not be
     */
    public @Nullable T tryGet() {
        return core.poll(true, null);
    }

    // ---- the end

    /**
     * Completes when {@link #taskDone} was called for all items that were put. Nothing happens until subscription;
     * cancelling it changes nothing.
     *
     * <p>asyncio: {@code join}.
     */
    public Mono<Void> join() {
        return new MonoJoin(core);
    }

    /**
     * Tells that the work on an item is done; once for each that was put, after it was taken.
     *
     * <p>asyncio: {@code task_done}.
     *
     * @throws IllegalStateException if it was told for all of them
     */
    public void taskDone() {
        core.taskDone();
    }

    /**
     * Refuses items from now on; those that are in the queue can still be taken. Who waits to put, or to get from the
     * empty queue, fails with {@link QueueShutDownException}. Calling it again changes nothing.
     *
     * <p>asyncio: {@code shutdown}.
     */
    public void shutdown() {
        shutdown(false);
    }

    /**
     * As {@link #shutdown()}.
     *
     * @param immediate whether the items in the queue are dropped too: they count as done, and go to the hook of
     *     {@link #Queue(int, Consumer)}
     */
    public void shutdown(boolean immediate) {
        core.shutdown(immediate);
    }

    // ---- looking

    /**
     * Returns the number of items in it.
     *
     * <p>asyncio: {@code qsize}.
     */
    public int size() {
        return core.size();
    }

    /** Returns the number of items that fit in; 0 for {@link #unbounded()}, as in asyncio. */
    public int maxsize() {
        return core.maxsize == UNBOUNDED ? 0 : core.maxsize;
    }

    /**
     * Whether there is no item.
     *
     * <p>asyncio: {@code empty}.
     */
    public boolean isEmpty() {
        return size() == 0;
    }

    /**
     * Whether {@link #tryPut} would find no room; never for {@link #unbounded()}.
     *
     * <p>asyncio: {@code full}.
     */
    public boolean isFull() {
        return core.isFull();
    }

    /** Whether {@link #shutdown} was called. */
    public boolean isShutdown() {
        return core.state().shutDown();
    }

    /** {@code <Queue maxsize=2 items=[1] getters[1] putters[1] tasks=1 shutdown>}, without what is none. */
    @Override
    public String toString() {
        return core.toString();
    }

    /** The waiters. */
    @Override
    public Stream<? extends Scannable> inners() {
        return core.waiters().stream();
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.CAPACITY) {
            return core.maxsize;
        }
        if (key == Attr.BUFFERED) {
            return core.size();
        }
        if (key == Attr.TERMINATED) {
            return core.state().shutDown();
        }
        if (key == Attr.NAME) {
            return core.describe();
        }
        return null;
    }
}
