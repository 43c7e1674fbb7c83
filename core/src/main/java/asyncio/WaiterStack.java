package asyncio;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Waiters that have been told and wait for a common turn, first in first out. Adding one, from any thread, needs no
 * memory: it was told once, and nobody will tell it again. The rest is for one reader at a time. Treiber's stack
 * (1986), turned round by the reader.
 */
final class WaiterStack<W extends Waiter> {
    /** The last first, linked by {@code next}. */
    private final AtomicReference<@Nullable Waiter> added = new AtomicReference<>();
    /** For the reader: the first first. */
    private @Nullable Waiter first;

    /** From a waiter's {@code run()}, or in its place: then its links are nobody's. */
    void add(W waiter) {
        Waiter before;
        do {
            before = added.get();
            waiter.next = before;
        } while (!added.compareAndSet(before, waiter));
    }

    @SuppressWarnings("unchecked") // only such are added
    @Nullable W peek() {
        if (first == null) {
            for (Waiter waiter = added.getAndSet(null), next; waiter != null; waiter = next) {
                next = waiter.next;
                waiter.next = first;
                first = waiter;
            }
        }
        return (W) first;
    }

    @Nullable W poll() {
        W waiter = peek();
        if (waiter != null) {
            first = waiter.next;
            waiter.next = null;
        }
        return waiter;
    }
}
