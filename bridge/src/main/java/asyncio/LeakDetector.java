package asyncio;

import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * Finds what was forgotten: coroutines that nobody awaited, exceptions that nobody retrieved. Each is a record beside the object, taken out when the
 * object is used, and reported when the garbage collector finds the object unused.
 */
final class LeakDetector {
    static final boolean DEBUG = Boolean.getBoolean("asyncio.debug");
    private static final ReferenceQueue<Object> COLLECTED = new ReferenceQueue<>();
    private static final Stripe[] STRIPES = new Stripe[16];
    /** A coroutine is reported once per place in the code, as Python does by default with warnings. */
    private static final Set<String> REPORTED = ConcurrentHashMap.newKeySet();

    static {
        for (int i = 0; i < STRIPES.length; i++) {
            STRIPES[i] = new Stripe();
        }
    }

    private LeakDetector() {}

    /** The records of some threads, linked so that taking one out is cheap. */
    private static final class Stripe {
        private @Nullable Leak first;

        synchronized void add(Leak leak) {
            leak.next = first;
            if (first != null) {
                first.previous = leak;
            }
            first = leak;
        }

        synchronized boolean remove(Leak leak) {
            if (leak.previous == null && first != leak) {
                return false;
            }
            if (leak.previous == null) {
                first = leak.next;
            } else {
                leak.previous.next = leak.next;
            }
            if (leak.next != null) {
                leak.next.previous = leak.previous;
            }
            leak.previous = null;
            leak.next = null;
            return true;
        }
    }

    /** The record of one object. */
    static final class Leak extends PhantomReference<Object> {
        private final Stripe stripe;
        private final String message;
        /** For coroutines: what tells one place in the code from another. */
        private final @Nullable String place;
        private final @Nullable Throwable exception;
        /** For exceptions: whose handler is told, and in which context. */
        private final @Nullable EventLoop loop;
        private final ContextView context;
        private @Nullable Leak previous;
        private @Nullable Leak next;

        private Leak(Object object, String message, @Nullable String place, @Nullable Throwable exception, @Nullable EventLoop loop,
                ContextView context) {
            super(object, COLLECTED);
            this.stripe = STRIPES[(int) Thread.currentThread().getId() & STRIPES.length - 1];
            this.message = message;
            this.place = place;
            this.exception = exception;
            this.loop = loop;
            this.context = context;
            stripe.add(this);
        }

        /** Tells the loop's exception handler, on the loop if it runs. */
        private void reportException() {
            ExceptionContext what = new ExceptionContext(message, exception, null, null);
            if (loop == null) {
                Log.error(message, exception);
            } else if (!loop.isRunning() || !loop.core.enqueue(new Handle(loop, () -> loop.callExceptionHandler(what), context))) {
                loop.callExceptionHandler(what);
            }
        }

        /** The object was used: nothing to report. */
        void close() {
            if (stripe.remove(this)) {
                clear();
            }
        }
    }

    /**
     * Watches a coroutine object made on a loop, where a forgotten await is the likely reason that it is never subscribed to; in debug mode any.
     *
     * @param what a name, or the body itself
     */
    static @Nullable Leak trackCoroutine(ColdMono<?> coroutine, Object what) {
        if (EventLoop.runningOrNull() == null && !DEBUG) {
            return null;
        }
        String name = what instanceof String given ? given : what.getClass().getName();
        return new Leak(coroutine, name, name, DEBUG ? new Throwable("The coroutine was made here") : null, null,
                Context.empty());
    }

    static Leak trackException(Future<?> future, String message, Throwable exception, @Nullable EventLoop loop, ContextView context) {
        if (loop == null) {
            report(); // perhaps no watchdog runs
        }
        return new Leak(future, message, null, exception, loop, context);
    }

    /** Logs what the garbage collector has found since the last call. */
    static void report() {
        for (Leak leak; (leak = (Leak) COLLECTED.poll()) != null; ) {
            if (!leak.stripe.remove(leak)) {
                continue;
            }
            if (leak.place == null) {
                leak.reportException();
            } else if (DEBUG || REPORTED.add(leak.place)) {
                Log.warn("Coroutine '" + leak.message + "' was never awaited: it did nothing. Write await(...), createTask(...) or subscribe to it; "
                        + "a fallback that may not be needed belongs in Mono.defer(...). -Dasyncio.debug=true tells where it was made",
                        leak.exception);
            }
        }
    }
}
