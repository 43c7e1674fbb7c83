package asyncio.queue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Waits for the first of several queue operations: exactly one of the clauses happens, the others change nothing. If
 * several are possible immediately, the one added first happens.
 *
 * <p>A Select is immutable and may be reused.
 *
 * <p><b>Cancelling.</b> As with {@link Queue#get} and {@link Queue#put}: if the Select is cancelled or times out,
 * nothing is taken or put. The function of a clause runs after the clause has happened, on the thread where the
 * subscriber resumes; the Select fails with any exception it throws.
 *
 * <p><b>Errors.</b> {@link QueueShutDownException}, if one of the queues is shut down and, for a get, empty.
 *
 * <pre>{@code
 * String what = await(new Select<String>()
 *         .onGet(orders, order -> "order " + order)
 *         .onGet(complaints, complaint -> "complaint " + complaint)
 *         .onPut(idle, self, () -> "nothing to do")
 *         .first(Duration.ofSeconds(1)));
 * }</pre>
 *
 * <p>asyncio has no equivalent; modelled on Go's {@code select}.
 *
 * @param <R> the type of the clause functions' results
 */
public final class Select<R> {
    /** One alternative of a Select. */
    interface Clause {
        Arm arm(SelectSuspension selecting);
    }

    /** A clause's place in its queue while a subscriber waits. */
    interface Arm {
        /** Joins the queue's waiters, unless the clause happens now, for which it returns true. */
        boolean begin();

        /** Leaves the queue; the clause will not happen. */
        void leave();

        /** Completes the clause, which has happened, and returns the result of its function. */
        @Nullable Object happened(@Nullable Object item);

        /** Reverses the clause, which has happened, since the subscriber will not resume. */
        void undo(@Nullable Object item);
    }

    private final List<Clause> clauses;

    /** Creates a Select without clauses, which waits forever. */
    public Select() {
        this(List.of());
    }

    private Select(List<Clause> clauses) {
        this.clauses = clauses;
    }

    private Select<R> with(Clause clause) {
        List<Clause> more = new ArrayList<>(clauses);
        more.add(clause);
        return new Select<>(more);
    }

    /**
     * Adds a clause that takes an item from a queue and passes it to a function. If that returns null, the Select
     * completes empty.
     */
    public <T> Select<R> onGet(Queue<T> queue, Function<? super T, ? extends @Nullable R> then) {
        Objects.requireNonNull(then, "then");
        QueueCore<T> core = queue.core;
        return with(selecting -> new SelectSuspension.GetArm<>(selecting, core, then));
    }

    /**
     * Adds a clause that puts an item into a queue and then calls a function. If that returns null, the Select
     * completes empty.
     *
     * @throws IllegalArgumentException if the queue is a {@link Queue#rendezvous}: whether such a put has happened is
     *     the getter's to say, and the other clauses would have to wait for it
     */
    public <T> Select<R> onPut(Queue<T> queue, T item, Supplier<? extends @Nullable R> then) {
        Objects.requireNonNull(item, "item");
        Objects.requireNonNull(then, "then");
        QueueCore<T> core = queue.core;
        if (core.isRendezvous()) {
            throw new IllegalArgumentException("Cannot select a put into " + queue
                    + ": await put(...) in a task of its own, or use a Queue with room for an item");
        }
        return with(selecting -> new SelectSuspension.PutArm<>(selecting, core, item, then));
    }

    /** Waits until one of the clauses can happen. Nothing happens until subscription. */
    public Mono<R> first() {
        return new MonoFirst<>(clauses, null);
    }

    /**
     * Like {@link #first()}, but fails with {@link java.util.concurrent.TimeoutException} if none can happen within
     * {@code limit}.
     */
    public Mono<R> first(Duration limit) {
        return new MonoFirst<>(clauses, Objects.requireNonNull(limit, "limit"));
    }
}
