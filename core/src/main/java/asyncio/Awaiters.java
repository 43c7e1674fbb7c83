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
 * The tasks that wait for a task: those that would be told in the end if it were done now, through whatever combinators
 * and operators stand in between. Each waiter says whom it tells; operators say it as {@link Scannable}s. Looks only,
 * from any thread.
 *
 * <p>asyncio: {@code future_add_to_awaited_by}, which is kept up to date at each await; this costs nothing until
 * somebody asks.
 */
final class Awaiters {
    private final Set<Task<?>> found = new LinkedHashSet<>();
    private final Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Deque<Object> open = new ArrayDeque<>();

    private Awaiters() {}

    /** Those that wait for a task, in no order that matters. */
    static Set<Task<?>> of(Task<?> task) {
        Awaiters awaiters = new Awaiters();
        awaiters.pushWaiters(task);
        for (Object next; (next = awaiters.open.poll()) != null; ) {
            awaiters.follow(next);
        }
        return awaiters.found;
    }

    private void pushWaiters(Future<?> future) {
        for (Waiter waiter : future.waiters()) {
            push(waiter.tells());
        }
    }

    private void push(@Nullable Object told) {
        if (told != null && seen.add(told)) {
            open.push(told);
        }
    }

    private void follow(Object told) {
        if (told instanceof Task<?> task) {
            found.add(task);
        } else if (told instanceof Future<?> future) {
            pushWaiters(future);
        } else if (told instanceof Cleanups cleanups) {
            push(cleanups.joined());
        } else if (told instanceof Waiter waiter) { // the subscriber that a task is, among them
            push(waiter.tells());
        } else if (told instanceof OwnerSubscription<?> owner) {
            push(owner.subscriber());
        } else {
            push(next(told));
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
            return null; // an operator of a user's that does not like to be looked at ends the chain
        }
    }
}
