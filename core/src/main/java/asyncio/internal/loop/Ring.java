package asyncio.internal.loop;

import java.util.AbstractQueue;
import java.util.Arrays;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * A first-in, first-out queue that loses no elements when memory runs out. It is a growing ring like
 * {@link java.util.ArrayDeque}, which stores an element before it grows, and loses all elements if there is no memory
 * then. This one grows first. For authors of sources. Not thread-safe.
 *
 * @param <T> the type of the elements, none of which is null
 */
public final class Ring<T> extends AbstractQueue<T> {
    private @Nullable Object[] elements;
    private int head;
    private int size;

    /** @param room the initial capacity, a power of two */
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
     * Makes room for one more element.
     *
     * @throws OutOfMemoryError if there is no memory; nothing has changed then
     */
    public void reserve() {
        if (size == elements.length) {
            Memory.need();
            @Nullable Object[] larger = Arrays.copyOf(elements, Math.multiplyExact(size, 2));
            // the elements before the head move behind the end
            System.arraycopy(elements, 0, larger, size, head);
            Arrays.fill(larger, 0, head, null);
            elements = larger;
        }
    }

    /** Like {@link #reserve}, and appends the element. */
    @Override
    public boolean offer(T element) {
        reserve();
        elements[head + size & elements.length - 1] = element;
        size++;
        return true;
    }

    /** Like {@link #reserve}, and puts the element before all others. */
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
            @SuppressWarnings("NullAway") // the elements below the size are not null
            public T next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                return at(head + next++);
            }
        };
    }
}
