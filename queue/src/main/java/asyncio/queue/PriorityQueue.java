package asyncio.queue;

import java.util.Comparator;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Queue} that returns the least item first, and equal items in the order in which they were put.
 *
 * <p>The comparator runs under the queue's lock: it must be quick, and must not use the queue. An exception it throws
 * propagates to the caller of the put or get, and leaves the queue unchanged. Waiting putters are admitted in order of
 * arrival.
 *
 * <pre>{@code
 * PriorityQueue<Job> jobs = new PriorityQueue<>(100, Comparator.comparing(Job::deadline));
 * }</pre>
 *
 * <p>asyncio: {@code PriorityQueue}.
 *
 * @param <T> the type of the items
 */
public final class PriorityQueue<T> extends Queue<T> {
    /**
     * Like {@link Queue#Queue(int)}, in the natural order of the items: comparing one that is not {@link Comparable}
     * with another fails with {@link ClassCastException}.
     */
    public PriorityQueue(int maxsize) {
        this(maxsize, naturalOrder());
    }

    /** Like {@link Queue#Queue(int)}, in the order of a comparator. */
    public PriorityQueue(int maxsize, Comparator<? super T> order) {
        this(maxsize, order, null);
    }

    /** Like {@link Queue#Queue(int, Consumer)}, in the order of a comparator. */
    public PriorityQueue(int maxsize, Comparator<? super T> order, @Nullable Consumer<? super T> onUndelivered) {
        super(checkMaxsize(maxsize), new HeapItems<>(Objects.requireNonNull(order, "order")), onUndelivered);
    }

    private PriorityQueue(Items<T> items, @Nullable Consumer<? super T> onUndelivered) {
        super(Integer.MAX_VALUE, items, onUndelivered);
    }

    /** Like {@link Queue#unbounded()}, in the natural order of the items. */
    public static <T> PriorityQueue<T> unbounded() {
        return unbounded(PriorityQueue.<T>naturalOrder(), null);
    }

    /** Like {@link Queue#unbounded()}, in the order of a comparator. */
    public static <T> PriorityQueue<T> unbounded(Comparator<? super T> order) {
        return unbounded(order, null);
    }

    /** Like {@link Queue#unbounded(Consumer)}, in the order of a comparator. */
    public static <T> PriorityQueue<T> unbounded(
            Comparator<? super T> order, @Nullable Consumer<? super T> onUndelivered) {
        return new PriorityQueue<>(new HeapItems<>(Objects.requireNonNull(order, "order")), onUndelivered);
    }

    @SuppressWarnings("unchecked")
    private static <T> Comparator<T> naturalOrder() {
        return (Comparator<T>) Comparator.naturalOrder();
    }
}
