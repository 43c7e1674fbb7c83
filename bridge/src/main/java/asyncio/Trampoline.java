package asyncio;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Runs what a completion off every loop sets free: on the completing thread, one after the other. What is set free
 * meanwhile queues up behind, so that a million waiters that release each other need no stack.
 */
final class Trampoline {
    /** Absent: nothing runs. {@link #NONE}: something does. Otherwise what is pending behind it. */
    private static final ThreadLocal<ArrayDeque<Runnable>> PENDING = new ThreadLocal<>();

    private static final ArrayDeque<Runnable> NONE = new ArrayDeque<>(0);

    private Trampoline() {}

    static void execute(Runnable waiter) {
        ArrayDeque<Runnable> pending = PENDING.get();
        if (pending != null) {
            if (pending == NONE) {
                pending = new ArrayDeque<>();
                PENDING.set(pending);
            }
            pending.add(waiter);
            return;
        }
        PENDING.set(NONE);
        Error fatal = null;
        try {
            for (Runnable next = waiter; next != null; next = pending()) {
                try {
                    next.run();
                } catch (Exception e) {
                    Operators.onErrorDropped(e, Context.empty());
                } catch (Error e) {
                    fatal = e;
                }
            }
        } finally {
            PENDING.remove();
        }
        if (fatal != null) {
            throw fatal;
        }
    }

    private static @Nullable Runnable pending() {
        ArrayDeque<Runnable> pending = PENDING.get();
        return pending == null ? null : pending.poll();
    }
}
