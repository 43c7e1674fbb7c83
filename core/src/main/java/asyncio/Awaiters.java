package asyncio;

import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;

/**
 * Finds the tasks that wait for a Future: those that would finally be told if it were done now, through all combinators
 * and operators in between. Each waiter names its target, operators do so as {@link Scannable}s. Only reads; from any
 * thread.
 *
 * <p>asyncio: {@code future_add_to_awaited_by}, which is kept up to date at each await; this costs nothing until it is
 * called.
 */
final class Awaiters {
    private final Set<Task<?>> found = new LinkedHashSet<>();
    private final Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Deque<Object> open = new ArrayDeque<>();

    private Awaiters() {}

    /** Returns the tasks that wait for a Future, in the order in which they came. */
    static Set<Task<?>> of(Future<?> future) {
        Awaiters awaiters = new Awaiters();
        awaiters.addWaiters(future);
        for (Object next; (next = awaiters.open.poll()) != null; ) {
            awaiters.follow(next);
        }
        return awaiters.found;
    }

    private void addWaiters(Future<?> future) {
        for (Waiter waiter : future.waiters()) {
            add(waiter.tells());
        }
    }

    private void add(@Nullable Object told) {
        if (told != null && seen.add(told)) {
            open.add(told);
        }
    }

    private void follow(Object told) {
        if (told instanceof Task<?> task) {
            found.add(task);
        } else if (told instanceof Future<?> future) {
            addWaiters(future);
        } else if (told instanceof Cleanups cleanups) {
            add(cleanups.joined());
        } else if (told instanceof Waiter waiter) { // including the subscriber of a task
            add(waiter.tells());
        } else if (told instanceof OwnerSubscriber<?> owner) {
            add(owner.subscriber());
        } else {
            add(next(told));
        }
    }

    private static @Nullable Object next(Object subscriber) {
        try {
            Object actual =
                    subscriber instanceof Scannable scannable ? scannable.scanUnsafe(Scannable.Attr.ACTUAL) : null;
            return actual == null && subscriber instanceof CoreSubscriber<?> last
                    ? Cleanups.of(last.currentContext())
                    : actual;
        } catch (RuntimeException e) {
            return null; // a user's operator that cannot be scanned ends the chain
        }
    }
}
