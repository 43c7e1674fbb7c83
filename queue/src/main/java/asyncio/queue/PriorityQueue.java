package asyncio.queue;

import java.util.Comparator;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Queue} that gives the least item out first, and of equal ones the one that was put first.
 *
 * <p>The comparator runs under the queue's lock: it must be quick, and not use the queue. What it throws reaches
 * whoever put or got, and leaves the queue as it was. Those who wait for room are let in in the order in which they
 * came.
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
     * As {@link Queue#Queue(int)}, in the natural order of the items: putting one that is not {@link Comparable} beside
     * another fails with {@link ClassCastException}.
     */
    public PriorityQueue(int maxsize) {
        this(maxsize, naturalOrder());
    }

    /** As {@link Queue#Queue(int)}, in the order of a comparator. */
    public PriorityQueue(int maxsize, Comparator<? super T> order) {
        this(maxsize, order, null);
    }

    /** As {@link Queue#Queue(int, Consumer)}, in the order of a comparator. */
    public PriorityQueue(int maxsize, Comparator<? super T> order, @Nullable Consumer<? super T> onUndelivered) {
        super(checkMaxsize(maxsize), new HeapItems<>(Objects.requireNonNull(order, "order")), onUndelivered);
    }

    private PriorityQueue(Items<T> items, @Nullable Consumer<? super T> onUndelivered) {
        super(Integer.MAX_VALUE, items, onUndelivered);
    }

    /** As {@link Queue#unbounded()}, in the natural order of the items. */
    public static <T> PriorityQueue<T> unbounded() {
        return unbounded(PriorityQueue.<T>naturalOrder(), null);
    }

    /** As {@link Queue#unbounded()}, in the order of a comparator. */
    public static <T> PriorityQueue<T> unbounded(Comparator<? super T> order) {
        return unbounded(order, null);
    }

    /** As {@link Queue#unbounded(Consumer)}, in the order of a comparator. */
    public static <T> PriorityQueue<T> unbounded(
            Comparator<? super T> order, @Nullable Consumer<? super T> onUndelivered) {
        return new PriorityQueue<>(new HeapItems<>(Objects.requireNonNull(order, "order")), onUndelivered);
    }

    @SuppressWarnings("unchecked")
    private static <T> Comparator<T> naturalOrder() {
        return (Comparator<T>) Comparator.naturalOrder();
    }
}
