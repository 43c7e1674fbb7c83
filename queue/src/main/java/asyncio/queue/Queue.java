package asyncio.queue;

import asyncio.Experimental;
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
 * A first-in, first-out queue: {@code put} waits for room and {@code get} waits for an item, without blocking a thread.
 * It is asyncio's queue, not {@code java.util.Queue}: only {@link #tryPut} and {@link #tryGet} return false or null.
 *
 * <p><b>Threading.</b> Every method may be called from any thread, on a loop or off it. A waiter on a loop resumes in
 * that loop's next tick, regardless of which thread put the item. Any other waiter resumes on the thread that put it,
 * after that thread's call has changed the queue, never under a lock and never by recursion.
 *
 * <p><b>Order.</b> Getters are served, and putters admitted, in order of arrival; no later call overtakes them, not
 * even {@code tryPut} and {@code tryGet}. An admitted putter holds its slot until its next step, in which its item
 * enters the queue. If its loop is busy in the meantime, a putter that was admitted later on another thread may
 * overtake it.
 *
 * <p><b>Cancelling.</b> A put that is cancelled or times out has not happened; a get that is cancelled or times out
 * takes nothing. If a getter is cancelled after receiving an item but before resuming, the item returns to the head of
 * the queue for the next getter, even if the queue is full; the queue then holds more than {@code maxsize} items for a
 * moment. Pass deadlines to {@link #get(Duration)} and {@link #put(Object, Duration)}; Reactor's {@code timeout}
 * operator can drop an item that has just arrived.
 *
 * <p><b>Errors.</b> After {@link #shutdown}, puts fail with {@link QueueShutDownException}, as do gets from the empty
 * queue. Null is rejected with {@link NullPointerException}.
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
     * Creates a queue with room for {@code maxsize} items; {@link #unbounded()} has no limit.
     *
     * @throws IllegalArgumentException if {@code maxsize} is not positive
     */
    public Queue(int maxsize) {
        this(maxsize, null);
    }

    /**
     * Like {@link #Queue(int)}, with a hook for undelivered items, which no getter will receive: those that
     * {@link #shutdown(boolean) shutdown(true)} drains, those given back after that, and those of a source that was
     * being put. Without a hook they go to {@code Operators.onDiscard}. The hook runs on the thread that drops the
     * item, and must not block.
     *
     * @throws IllegalArgumentException if {@code maxsize} is not positive
     */
    public Queue(int maxsize, @Nullable Consumer<? super T> onUndelivered) {
        this(checkMaxsize(maxsize), new FifoItems<>(), onUndelivered);
    }

    private Queue(QueueCore<T> core) {
        this.core = core;
    }

    Queue(int maxsize, Items<T> items, @Nullable Consumer<? super T> onUndelivered) {
        core = new QueueCore<>(getClass().getSimpleName(), maxsize, items, onUndelivered);
    }

    static int checkMaxsize(int maxsize) {
        if (maxsize < 1) {
            throw new IllegalArgumentException("maxsize must be positive, not " + maxsize
                    + ": use unbounded() for asyncio's queue without a limit");
        }
        return maxsize;
    }

    /**
     * Creates a queue without a limit. No {@code put} waits, so putting faster than the getters take fills the memory.
     */
    public static <T> Queue<T> unbounded() {
        return unbounded(null);
    }

    /** Like {@link #unbounded()}, with a hook like that of {@link #Queue(int, Consumer)}. */
    public static <T> Queue<T> unbounded(@Nullable Consumer<? super T> onUndelivered) {
        return new Queue<>(UNBOUNDED, new FifoItems<>(), onUndelivered);
    }

    /**
     * A queue that keeps nothing: {@code put} completes when a getter has been granted the item and has resumed with
     * it. Putters and getters wait for each other, both in the order in which they came.
     *
     * <p>Other differences here:
     *
     * <ul>
     *   <li>{@link #tryPut} and {@link #putNowait} need a getter that waits; {@link #tryGet} and {@link #getNowait} a
     *       putter. If the getter is cancelled before it resumes, an item that was put at once stays, for the next one.
     *   <li>A getter that is cancelled after it was granted an item and before it resumes leaves that to the next
     *       getter, or to its putter, which then waits on, in its old place.
     *   <li>A putter whose time is out, or whose task is cancelled, while its item is on the way to a getter, waits for
     *       that getter's next step. If the getter takes the item the put completes, and a cancellation is delivered at
     *       the task's next await; otherwise the put ends with the error, and has not happened. A subscription that is
     *       disposed of at such a moment does not hear which of the two it was.
     *   <li>{@link #join} waits for items that were taken, not for those that are being put. {@link #shutdown} fails
     *       puts that wait, except for those whose item a getter is about to resume with.
     *   <li>{@link #asFlux} takes an item when it emits it, {@link #getBatch} all of them when it completes; until then
     *       a putter can take back an item that a batch has collected.
     *   <li>{@link #putAll} completes when the last item was taken. {@link Select#onPut} refuses it.
     *   <li>{@link #size} and {@link #maxsize} are 0, and it is {@link #isFull full} while no getter waits.
     * </ul>
     *
     * <pre>{@code
     * Queue<Job> handover = Queue.rendezvous();
     * createTask(async(() -> {
     *     for (Job job; (job = await(handover.next())) != null; ) {
     *         await(work(job));
     *     }
     * }));
     * await(handover.put(new Job("first")));       // until the worker has it
     * }</pre>
     *
     * <p>asyncio has none; Kotlin's {@code Channel(RENDEZVOUS)}, Go's unbuffered channel, trio's memory channel of size
     * 0.
     *
     * @since 0.1
     */
    @Experimental
    public static <T> Queue<T> rendezvous() {
        return rendezvous(null);
    }

    /**
     * Like {@link #rendezvous()}, with a hook as in {@link #Queue(int, Consumer)}.
     *
     * @since 0.1
     */
    @Experimental
    public static <T> Queue<T> rendezvous(@Nullable Consumer<? super T> onUndelivered) {
        return new Queue<>(RendezvousCore.create("Queue", onUndelivered));
    }

    // ---- putting

    /**
     * Puts an item as soon as there is room. Nothing happens until subscription; each subscription puts the item again.
     * Cancelling it before it completes leaves the item out of the queue.
     *
     * <p>Fails with {@link QueueShutDownException} if the queue is shut down before or while it waits.
     *
     * <p>asyncio: {@code put}.
     */
    @Override
    public Mono<Void> put(T item) {
        return new MonoPut<>(core, Objects.requireNonNull(item, "item"), null);
    }

    /**
     * Like {@link #put(Object)}, but fails with {@link java.util.concurrent.TimeoutException} if there is no room
     * within {@code limit}; the item is then not in the queue.
     */
    public Mono<Void> put(T item, Duration limit) {
        return new MonoPut<>(core, Objects.requireNonNull(item, "item"), Objects.requireNonNull(limit, "limit"));
    }

    /**
     * Puts all items of a Publisher. It requests as many items as there is room for, or one if there is none, which
     * then waits for room as with {@link #put(Object)}. Nothing happens until subscription. Completes when the last
     * item is in the queue; if the Publisher fails, fails with its error once the earlier items are in. It does not
     * shut the queue down: several sources may be put at once.
     *
     * <p>Fails with {@link QueueShutDownException}, and cancels the Publisher, if the queue is shut down when an item
     * arrives. Cancelling it cancels the Publisher; items that were emitted but are not in the queue yet are
     * undelivered, see {@link #Queue(int, Consumer)}.
     */
    public Mono<Void> putAll(Publisher<? extends T> source) {
        return new MonoPutAll<>(core, Objects.requireNonNull(source, "source"));
    }

    /**
     * Returns a new Subscriber that puts the items it receives, as {@link #putAll} does. The Publisher's error goes to
     * {@code Operators.onErrorDropped}, as does the {@link QueueShutDownException} of an item that arrives too late:
     * use {@code putAll} to see them.
     */
    public CoreSubscriber<T> asSubscriber() {
        return new PutAllSubscriber<>(core, null, null);
    }

    /**
     * Puts an item without waiting.
     *
     * <p>asyncio: {@code put_nowait}.
     *
     * @throws QueueFullException if there is no room, or all of it is reserved for putters that wait
     * @throws QueueShutDownException if the queue is shut down
     */
    public void putNowait(T item) {
        if (!tryPut(item)) {
            throw new QueueFullException(
                    "No room in " + core.describe() + ": await put(...), which waits for room, or use tryPut");
        }
    }

    /**
     * Puts an item if there is room now.
     *
     * @return false if there is no room
     * @throws QueueShutDownException if the queue is shut down
     */
    public boolean tryPut(T item) {
        return core.put(Objects.requireNonNull(item, "item"), null);
    }

    // ---- getting

    /**
     * Takes the next item as soon as there is one. Nothing happens until subscription. Cancelling it takes nothing.
     *
     * <p>Fails with {@link QueueShutDownException} if the queue is shut down and empty, before or while it waits.
     *
     * <p>asyncio: {@code get}.
     */
    public Mono<T> get() {
        return new MonoGet<>(core, null, false);
    }

    /**
     * Like {@link #get()}, but fails with {@link java.util.concurrent.TimeoutException} if there is no item within
     * {@code limit}; nothing is taken then.
     */
    public Mono<T> get(Duration limit) {
        return new MonoGet<>(core, Objects.requireNonNull(limit, "limit"), false);
    }

    /**
     * Like {@link #get()}, but completes empty when the queue is shut down and empty; {@code await} then returns null:
     *
     * <pre>{@code
     * for (Job job; (job = await(jobs.next())) != null; ) { await(work(job)); }
     * }</pre>
     */
    public Mono<T> next() {
        return new MonoGet<>(core, null, true);
    }

    /**
     * Takes up to {@code max} items: those in the queue, and those that arrive within {@code within} after the first.
     * Completes as soon as it has {@code max} items or the time is up. Nothing happens until subscription. A batch has
     * at least one item, for which it waits like {@link #get()}, in the same line, and it keeps its place in line while
     * it collects.
     *
     * <p>Cancelling it takes nothing: the items it has collected return to the head of the queue, in order. If the
     * queue is shut down while it collects, it completes with the items it has; with none it fails with
     * {@link QueueShutDownException}.
     *
     * <pre>{@code
     * List<Job> batch = await(jobs.getBatch(100, Duration.ofMillis(50)));
     * }</pre>
     *
     * <p>asyncio has no equivalent.
     *
     * @param within zero to take only the items present together with the first
     * @throws IllegalArgumentException if {@code max} is not positive, or {@code within} is negative
     */
    public Mono<List<T>> getBatch(int max, Duration within) {
        return new MonoBatch<>(core, max, within, false);
    }

    /** Like {@link #getBatch}, but completes empty when the queue is shut down and empty; see {@link #next()}. */
    public Mono<List<T>> nextBatch(int max, Duration within) {
        return new MonoBatch<>(core, max, within, true);
    }

    /**
     * Returns a Flux of batches like those of {@link #getBatch}: one is collected for each requested, none without
     * demand. Each item goes to one subscriber. Completes when the queue is shut down and empty. Cancelling returns the
     * items collected but not emitted to the head of the queue, in order.
     *
     * @throws IllegalArgumentException if {@code max} is not positive, or {@code within} is negative
     */
    public Flux<List<T>> asBatches(int max, Duration within) {
        return nextBatch(max, within).repeat(() -> !core.isDrained());
    }

    /**
     * Returns the items as a Flux: each subscriber is another getter, each item goes to one of them, and no more items
     * are taken than were requested. Completes when the queue is shut down and empty.
     *
     * <p>A subscriber on a loop receives the items on that loop; any other subscriber receives them on the thread that
     * requests or puts. Available items are taken and emitted up to 64 at a time. Cancelling returns items that were
     * taken but not emitted to the head of the queue.
     */
    public Flux<T> asFlux() {
        return new FluxQueue<>(core);
    }

    /**
     * Takes the next item without waiting.
     *
     * <p>asyncio: {@code get_nowait}.
     *
     * @throws QueueEmptyException if there is none
     * @throws QueueShutDownException if there is none and never will be
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
     * Takes the next item if there is one.
     *
     * @return null if there is none
     * @throws QueueShutDownException if there is none and never will be
     */
    public @Nullable T tryGet() {
        return core.poll(true, null);
    }

    // ---- the end

    /**
     * Completes when {@link #taskDone} has been called for every item that was put. Nothing happens until subscription;
     * cancelling it changes nothing.
     *
     * <p>asyncio: {@code join}.
     */
    public Mono<Void> join() {
        return new MonoJoin(core);
    }

    /**
     * Reports that the work on an item is done. Call it once for each item, after taking it.
     *
     * <p>asyncio: {@code task_done}.
     *
     * @throws IllegalStateException if it was already called for every item that was put
     */
    public void taskDone() {
        core.taskDone();
    }

    /**
     * Rejects items from now on; those in the queue can still be taken. Waiting putters, and getters waiting on the
     * empty queue, fail with {@link QueueShutDownException}. Calling it again changes nothing.
     *
     * <p>asyncio: {@code shutdown}.
     */
    public void shutdown() {
        shutdown(false);
    }

    /**
     * Like {@link #shutdown()}.
     *
     * @param immediate whether to drop the items in the queue too; they count as done, and go to the hook of
     *     {@link #Queue(int, Consumer)}
     */
    public void shutdown(boolean immediate) {
        core.shutdown(immediate);
    }

    // ---- looking

    /**
     * Returns the number of items in the queue.
     *
     * <p>asyncio: {@code qsize}.
     */
    public int size() {
        return core.size();
    }

    /** Returns the capacity; 0 for {@link #unbounded()}, as in asyncio, and for {@link #rendezvous()}. */
    public int maxsize() {
        return core.maxsize == UNBOUNDED ? 0 : core.maxsize;
    }

    /**
     * Returns whether the queue is empty.
     *
     * <p>asyncio: {@code empty}.
     */
    public boolean isEmpty() {
        return size() == 0;
    }

    /**
     * Returns whether {@link #tryPut} would find no room; always false for {@link #unbounded()}.
     *
     * <p>asyncio: {@code full}.
     */
    public boolean isFull() {
        return core.isFull();
    }

    /** Returns whether {@link #shutdown} was called. */
    public boolean isShutdown() {
        return core.state().shutDown();
    }

    /** {@code <Queue maxsize=2 items=[1] getters[1] putters[1] tasks=1 shutdown>}; empty parts are omitted. */
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
