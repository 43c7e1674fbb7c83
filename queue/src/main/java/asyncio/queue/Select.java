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
 * Waits on several queues for whichever comes first: exactly one of the clauses happens, the others change nothing. If
 * several could happen at once, it is the one that was named first.
 *
 * <p>A Select is immutable, and may be used again and again.
 *
 * <p><b>Cancelling.</b> As with {@link Queue#get} and {@link Queue#put}: when it is cancelled, or out of time, nothing
 * was taken or put. A clause's function runs when its clause has happened, where the subscriber goes on; what it throws
 * is what the Select fails with.
 *
 * <p><b>Errors.</b> {@link QueueShutDownException}, if one of the queues is shut down, and, for a get, empty.
 *
 * <pre>{@code
 * String what = await(new Select<String>()
 *         .onGet(orders, order -> "order " + order)
 *         .onGet(complaints, complaint -> "complaint " + complaint)
 *         .onPut(idle, self, () -> "nothing to do")
 *         .first(Duration.ofSeconds(1)));
 * }</pre>
 *
 * <p>asyncio has none; after Go's {@code select}.
 *
 * @param <R> the type of what the clauses' functions give
 */
public final class Select<R> {
    /** An alternative. */
    interface Clause {
        Arm arm(SelectSuspension selecting);
    }

    /** An alternative, while a subscriber waits. */
    interface Arm {
        /** Joins those who wait, unless it happens here. */
        boolean begin();

        /** It will not happen. */
        void leave();

        /** It has happened: goes on. */
        @Nullable Object happened(@Nullable Object item);

        /** It has happened, and nobody goes on. */
        void undo(@Nullable Object item);
    }

    private final List<Clause> clauses;

    /** One without clauses, which waits for ever. */
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

    /** Adds: take an item from a queue, and give it to a function, whose null makes the Select end empty. */
    public <T> Select<R> onGet(Queue<T> queue, Function<? super T, ? extends @Nullable R> then) {
        Objects.requireNonNull(then, "then");
        QueueCore<T> core = queue.core;
        return with(selecting -> new SelectSuspension.GetArm<>(selecting, core, then));
    }

    /** Adds: put an item into a queue, and then call a function, whose null makes the Select end empty. */
    public <T> Select<R> onPut(Queue<T> queue, T item, Supplier<? extends @Nullable R> then) {
        Objects.requireNonNull(item, "item");
        Objects.requireNonNull(then, "then");
        QueueCore<T> core = queue.core;
        return with(selecting -> new SelectSuspension.PutArm<>(selecting, core, item, then));
    }

    /** Waits for the first clause that can happen. Nothing happens until subscription. */
    public Mono<R> first() {
        return new MonoFirst<>(clauses, null);
    }

    /**
     * As {@link #first()}, but fails with {@link java.util.concurrent.TimeoutException} if none could happen within
     * {@code limit}.
     */
    public Mono<R> first(Duration limit) {
        return new MonoFirst<>(clauses, Objects.requireNonNull(limit, "limit"));
    }
}
