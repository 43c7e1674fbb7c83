package asyncio;

import asyncio.internal.loop.Ring;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Runs what a completion off every loop sets free: on the completing thread, one after the other. What is set free
 * meanwhile queues up behind, so that a million waiters that release each other need no stack.
 */
final class Trampoline {
    /**
     * The actions of a thread: at the head the one that runs, behind it the pending ones. Never removed: an entry costs
     * more than a turn.
     */
    private static final ThreadLocal<Ring<Runnable>> TURNS = ThreadLocal.withInitial(() -> new Ring<>(16));

    /** A deque that may have grown to more than this is not kept for the thread's life. */
    private static final int MANY = 1024;

    private Trampoline() {}

    static void execute(Runnable waiter) {
        Ring<Runnable> turns = TURNS.get();
        try {
            turns.add(waiter);
        } catch (OutOfMemoryError e) {
            runOrDrop(waiter); // by recursion, which is better than never
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
            } catch (RuntimeException e) { // a hook's
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
