package asyncio.internal.loop;

import java.util.AbstractQueue;
import java.util.Arrays;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * A queue, first in, first out, that loses nothing when memory is out. It is a ring that grows, as
 * {@link java.util.ArrayDeque} is one; but that takes an element before it grows, and has lost all of them if there is
 * no memory then. This one grows first. For authors of sources. Not thread-safe.
 *
 * @param <T> the type of the elements, none of which is null
 */
public final class Ring<T> extends AbstractQueue<T> {
    private @Nullable Object[] elements;
    private int head;
    private int size;

    /** @param room for how many at first, a power of two */
    public Ring(int room) {
        if (Integer.bitCount(room) != 1) {
            throw new IllegalArgumentException("The room must be a power of two, not " + room);
        }
        elements = new @Nullable Object[room];
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public boolean isEmpty() {
        return size == 0;
    }

    /**
     * Makes room for one more.
     *
     * @throws OutOfMemoryError if that cannot be; nothing has changed then
     */
    public void reserve() {
        if (size == elements.length) {
            Memory.need();
            @Nullable Object[] larger = Arrays.copyOf(elements, Math.multiplyExact(size, 2));
            // what stood before the head comes behind the end
            System.arraycopy(elements, 0, larger, size, head);
            Arrays.fill(larger, 0, head, null);
            elements = larger;
        }
    }

    /** As {@link #reserve}, and adds it. */
    @Override
    public boolean offer(T element) {
        reserve();
        elements[head + size & elements.length - 1] = element;
        size++;
        return true;
    }

    /** As {@link #reserve}, and puts it before all others. */
    void addFirst(T element) {
        reserve();
        head = head - 1 & elements.length - 1;
        elements[head] = element;
        size++;
    }

    @SuppressWarnings("unchecked")
    private @Nullable T at(int place) {
        return (T) elements[place & elements.length - 1];
    }

    @Override
    public @Nullable T peek() {
        return size == 0 ? null : at(head);
    }

    @Override
    public @Nullable T poll() {
        if (size == 0) {
            return null;
        }
        T first = at(head);
        elements[head] = null;
        head = head + 1 & elements.length - 1;
        size--;
        return first;
    }

    @Override
    public Iterator<T> iterator() {
        return new Iterator<>() {
            private int next;

            @Override
            public boolean hasNext() {
                return next < size;
            }

            @Override
            @SuppressWarnings("NullAway") // what stands before the size is not null
            public T next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                return at(head + next++);
            }
        };
    }
}
