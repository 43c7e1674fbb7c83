package asyncio;

import asyncio.internal.loop.Ring;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Runs the waiters that a completion outside of any loop releases, one after the other, on the completing thread.
 * Waiters released meanwhile queue up behind, so that a million waiters that release each other need no stack.
 */
final class Trampoline {
    /**
     * The actions of a thread: the running one at the head, the pending ones behind it. Not removed after each turn,
     * since making the entry costs more than a turn.
     */
    private static final ThreadLocal<Ring<Runnable>> TURNS = ThreadLocal.withInitial(() -> new Ring<>(16));

    /** A ring that may have grown beyond this is not kept with the thread. */
    private static final int MANY = 1024;

    private Trampoline() {}

    static void execute(Runnable waiter) {
        Ring<Runnable> turns = TURNS.get();
        try {
            turns.add(waiter);
        } catch (OutOfMemoryError e) {
            runOrDrop(waiter); // recursion is better than not running it
            return;
        }
        if (turns.size() > 1) {
            return;
        }
        Error fatal = null;
        int run = 0;
        for (Runnable next = waiter; next != null; next = turns.peek()) {
            try {
                runOrDrop(next);
            } catch (Error e) {
                fatal = e;
            } catch (RuntimeException e) { // from a hook
                fatal = new Error("Hooks.onErrorDropped has thrown", e);
            }
            turns.remove();
            run++;
        }
        if (run > MANY) {
            TURNS.remove();
        }
        if (fatal != null) {
            throw fatal;
        }
    }

    private static void runOrDrop(Runnable waiter) {
        try {
            waiter.run();
        } catch (Exception e) {
            Operators.onErrorDropped(e, Context.empty());
        }
    }
}
