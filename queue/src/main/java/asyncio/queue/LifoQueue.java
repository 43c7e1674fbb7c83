package asyncio.queue;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Queue} that returns items last in, first out: a stack.
 *
 * <p>An item given back by a cancelled getter returns to its place, below the items that were put after it.
 *
 * <pre>{@code
 * LifoQueue<String> undo = LifoQueue.unbounded();
 * undo.putNowait("first");
 * undo.putNowait("second");
 * String last = await(undo.get()); // "second"
 * }</pre>
 *
 * <p>asyncio: {@code LifoQueue}.
 *
 * @param <T> the type of the items
 */
public final class LifoQueue<T> extends Queue<T> {
    /** Like {@link Queue#Queue(int)}. */
    public LifoQueue(int maxsize) {
        this(maxsize, null);
    }

    /** Like {@link Queue#Queue(int, Consumer)}. */
    public LifoQueue(int maxsize, @Nullable Consumer<? super T> onUndelivered) {
        super(checkMaxsize(maxsize), new LifoItems<>(), onUndelivered);
    }

    private LifoQueue(Items<T> items, @Nullable Consumer<? super T> onUndelivered) {
        super(Integer.MAX_VALUE, items, onUndelivered);
    }

    /** Like {@link Queue#unbounded()}. */
    public static <T> LifoQueue<T> unbounded() {
        return unbounded(null);
    }

    /** Like {@link Queue#unbounded(Consumer)}. */
    public static <T> LifoQueue<T> unbounded(@Nullable Consumer<? super T> onUndelivered) {
        return new LifoQueue<>(new LifoItems<>(), onUndelivered);
    }
}
