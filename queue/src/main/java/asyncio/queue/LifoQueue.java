package asyncio.queue;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Queue} that gives the item out first that was put last: a stack.
 *
 * <p>An item that comes back, since its getter was cancelled, goes where it was: below those that were put after it.
 *
 * <p>asyncio: {@code LifoQueue}.
 *
 * @param <T> the type of the items
 */
public final class LifoQueue<T> extends Queue<T> {
    /** As {@link Queue#Queue(int)}. */
    public LifoQueue(int maxsize) {
        this(maxsize, null);
    }

    /** As {@link Queue#Queue(int, Consumer)}. */
    public LifoQueue(int maxsize, @Nullable Consumer<? super T> onUndelivered) {
        super(checkMaxsize(maxsize), new LifoItems<>(), onUndelivered);
    }

    private LifoQueue(Items<T> items, @Nullable Consumer<? super T> onUndelivered) {
        super(Integer.MAX_VALUE, items, onUndelivered);
    }

    /** As {@link Queue#unbounded()}. */
    public static <T> LifoQueue<T> unbounded() {
        return unbounded(null);
    }

    /** As {@link Queue#unbounded(Consumer)}. */
    public static <T> LifoQueue<T> unbounded(@Nullable Consumer<? super T> onUndelivered) {
        return new LifoQueue<>(new LifoItems<>(), onUndelivered);
    }
}
