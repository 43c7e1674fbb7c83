package asyncio;

import java.util.ArrayDeque;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Runs what a completion off every loop sets free: on the completing thread, one after the other. What is set free
 * meanwhile queues up behind, so that a million waiters that release each other need no stack.
 */
final class Trampoline {
    private static final ThreadLocal<ArrayDeque<Runnable>> PENDING = new ThreadLocal<>();

    private Trampoline() {}

    static void execute(Runnable waiter) {
        ArrayDeque<Runnable> pending = PENDING.get();
        if (pending != null) {
            pending.add(waiter);
            return;
        }
        pending = new ArrayDeque<>();
        PENDING.set(pending);
        Error fatal = null;
        try {
            for (Runnable next = waiter; next != null; next = pending.poll()) {
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
}
