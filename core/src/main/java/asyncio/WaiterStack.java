package asyncio;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Waiters that have been notified and wait for a common turn, first in first out. Adding one, from any thread,
 * allocates nothing: each is notified once, so its links are free. The other methods are for one reader at a time. A
 * Treiber stack (1986) that the reader reverses.
 */
final class WaiterStack<W extends Waiter> {
    /** The newest first, linked by {@code next}. */
    private final AtomicReference<@Nullable Waiter> added = new AtomicReference<>();
    /** For the reader: the oldest first. */
    private @Nullable Waiter first;

    /** Adds a waiter; called from its {@code run()}, or in place of it, when its links are free. */
    void add(W waiter) {
        Waiter before;
        do {
            before = added.get();
            waiter.next = before;
        } while (!added.compareAndSet(before, waiter));
    }

    @SuppressWarnings("unchecked") // only waiters of that type are added
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
