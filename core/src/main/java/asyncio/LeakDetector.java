package asyncio;

import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * Finds leaks: coroutines that were never awaited, exceptions that were never retrieved. Each has a record beside the
 * object, which is removed when the object is used, and reported when the garbage collector finds the object unused.
 */
final class LeakDetector {
    /** The place of an operator, which is determined only for a report. */
    private static final String IN_ORIGIN = "";

    private static final String WHAT_TO_DO = ": it did nothing. Write await(...), createTask(...) or subscribe to it; "
            + "a fallback that may not be needed belongs in Mono.defer(...)";
    private static final ReferenceQueue<Object> COLLECTED = new ReferenceQueue<>();
    /** A record costs a good part of a short task; a leaking place shows in the first ones, or in a sample. */
    private static final int ALL_OF_THE_FIRST = 128;

    private static final int ONE_OF = 256;
    private static final long COLLECTOR_NANOS = 20_000_000;
    private static final ClassValue<FirstSamples> FIRST = new ClassValue<>() {
        @Override
        protected FirstSamples computeValue(Class<?> type) {
            return new FirstSamples();
        }
    };
    private static final Stripe[] STRIPES = new Stripe[16];
    /** A coroutine is reported once per place in the code, as Python does by default with warnings. */
    private static final Set<String> REPORTED = ConcurrentHashMap.newKeySet();

    static {
        for (int i = 0; i < STRIPES.length; i++) {
            STRIPES[i] = new Stripe();
        }
    }

    private LeakDetector() {}

    /** The records of some threads. */
    private static final class Stripe extends Links<Leak> {
        List<Leak> of(LeakOwner owner) {
            return snapshot().stream().filter(leak -> leak.owner == owner).toList();
        }

        @Override
        @Nullable Leak previous(Leak leak) {
            return leak.previous;
        }

        @Override
        @Nullable Leak next(Leak leak) {
            return leak.next;
        }

        @Override
        void setPrevious(Leak leak, @Nullable Leak previous) {
            leak.previous = previous;
        }

        @Override
        void setNext(Leak leak, @Nullable Leak next) {
            leak.next = next;
        }
    }

    /** Selects the first coroutines of one body, or of one kind, in the whole process. */
    static final class FirstSamples {
        private int taken;

        boolean takes() {
            // read without the lock: loops that are past the number must not contend here
            return taken < ALL_OF_THE_FIRST && take();
        }

        private synchronized boolean take() {
            if (taken == ALL_OF_THE_FIRST) {
                return false;
            }
            taken++;
            return true;
        }
    }

    /**
     * Selects one of {@value #ONE_OF} coroutines of a loop on average, at random distances, since regular ones could
     * miss a body that is made in a rhythm. Used by the owner of the loop only.
     */
    static final class Sample {
        private int random = System.identityHashCode(this);
        private int distance;

        boolean takes() {
            if (--distance > 0) {
                return false;
            }
            random = random * 1_664_525 + 1_013_904_223; // Numerical Recipes' generator
            distance = 1 + (int) ((random >>> 8) % (2L * ONE_OF - 1));
            return true;
        }
    }

    /** The record of one object. */
    static class Leak extends PhantomReference<Object> {
        private final Stripe stripe;
        private final String message;
        /** For coroutines: identifies the place in the code. */
        private final @Nullable String place;

        private final @Nullable Throwable exception;
        final @Nullable Origin origin;
        private final @Nullable LeakOwner owner;

        private final ContextView context;
        private @Nullable Leak previous;
        private @Nullable Leak next;

        private Leak(
                Object object,
                String message,
                @Nullable String place,
                @Nullable Throwable exception,
                @Nullable Origin origin,
                @Nullable LeakOwner owner,
                ContextView context) {
            super(object, COLLECTED);
            this.stripe = STRIPES[(int) Thread.currentThread().getId() & STRIPES.length - 1];
            this.message = message;
            this.place = place;
            this.exception = exception;
            this.origin = origin;
            this.owner = owner;
            this.context = context;
            stripe.add(this);
        }

        /** For an object of Reactor's: its place in the code is determined only for a report. */
        Leak(Object object, LeakOwner owner) {
            this(object, "", IN_ORIGIN, null, new Origin(), owner, Context.empty());
        }

        /** Returns the coroutine, and the place that made it. */
        String description() {
            return message + "(...) made at " + place;
        }

        private void reportException() {
            Objects.requireNonNull(owner).unretrieved(message, Objects.requireNonNull(exception), origin, context);
        }

        Leftover leftover() {
            List<StackTraceElement> frames = Origin.framesOf(origin);
            return place == null
                    ? new Leftover(Leftover.Kind.EXCEPTION, message, exception, frames)
                    : new Leftover(Leftover.Kind.COROUTINE, description() + " was never awaited", null, frames);
        }

        /** The object was used: nothing to report. */
        void close() {
            if (stripe.remove(this)) {
                clear();
            }
        }
    }

    /**
     * Watches a coroutine object made on a loop, where a forgotten await is the likely reason that it is never
     * subscribed to: the first ones of each body or kind, then a sample of each loop's. In debug mode all of them.
     *
     * @param what a class named after the function, or the body itself
     * @param owner the loop that runs here, if any
     * @param debug whether debug mode is on
     */
    static @Nullable Leak trackCoroutine(
            Publisher<?> coroutine, Object what, @Nullable LeakOwner owner, boolean debug) {
        if (!debug && (owner == null || !takes(owner, what))) {
            return null;
        }
        String name = what instanceof Class<?> type ? functionName(type) : "async";
        return new Leak(
                coroutine, name, DebugMode.callerPlace(), null, debug ? new Origin() : null, owner, Context.empty());
    }

    private static boolean takes(LeakOwner owner, Object what) {
        Class<?> type = what instanceof Class<?> kind ? kind : what.getClass();
        return FIRST.get(type).takes() || owner.samples();
    }

    /** Returns the function that a class of coroutines is named after: {@code sleep} for a MonoSleep. */
    static String functionName(Class<?> type) {
        String name = type.getSimpleName().replaceAll("^(Mono|Flux)(?=[A-Z])|Steps$", "");
        return Character.toLowerCase(name.charAt(0)) + name.substring(1);
    }

    /** Watches a Future that has failed until its exception is retrieved. */
    static Leak trackException(
            Object future,
            String message,
            Throwable exception,
            @Nullable Origin origin,
            LeakOwner owner,
            ContextView context) {
        return new Leak(future, message, null, exception, origin, owner, context);
    }

    /**
     * Reports at the end of a program, which may be too short for a garbage collection: the exceptions of its loop that
     * were never retrieved, and, if there are suspects, the coroutines that a collection finds.
     */
    static void reportAtEndOf(LeakOwner loop) {
        boolean suspects = false;
        for (Stripe stripe : STRIPES) {
            for (Leak leak : stripe.of(loop)) {
                if (leak.place != null) {
                    suspects = true;
                } else if (stripe.remove(leak)) {
                    leak.clear();
                    leak.reportException();
                }
            }
        }
        if (suspects) {
            System.gc();
            LockSupport.parkNanos(COLLECTOR_NANOS); // the collector's findings reach the queue through a JVM thread
            report();
        }
    }

    /** Removes and returns the records of a loop, in no particular order. */
    static List<Leftover> takeAll(LeakOwner loop) {
        List<Leftover> taken = new ArrayList<>();
        for (Stripe stripe : STRIPES) {
            for (Leak leak : stripe.of(loop)) {
                if (stripe.remove(leak)) {
                    leak.clear();
                    taken.add(leak.leftover());
                }
            }
        }
        return taken;
    }

    /** Reports the leaks that the garbage collector has found since the last call. */
    static void report() {
        for (Leak leak; (leak = (Leak) COLLECTED.poll()) != null; ) {
            if (!leak.stripe.remove(leak)) {
                continue;
            }
            if (leak.place == null) {
                leak.reportException();
            } else if (leak.owner == null || !leak.owner.forgotten(leak)) {
                warn(leak, leak.place);
            }
        }
    }

    private static void warn(Leak leak, String place) {
        if (place.equals(IN_ORIGIN)) {
            String made = leak.description();
            if (REPORTED.add(made)) {
                Log.warn(made + " was never subscribed to" + WHAT_TO_DO, leak.origin);
            }
        } else if (leak.origin != null || REPORTED.add(place)) {
            Log.warn("Coroutine " + leak.description() + " was never awaited" + WHAT_TO_DO, leak.origin);
        }
    }
}
