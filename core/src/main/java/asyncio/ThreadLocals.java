package asyncio;

import io.micrometer.context.ContextRegistry;
import io.micrometer.context.ThreadLocalAccessor;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * The way of ThreadLocals (MDC, the current Observation) into Reactor contexts and back: captured where plain code
 * starts something, restored on the threads that run user code on its behalf. For authors of bridges.
 *
 * <p>Which ThreadLocals these are, {@code io.micrometer:context-propagation} knows. Without it, or with
 * {@code -Dasyncio.context-propagation=off}, nothing is carried.
 *
 * <p>Thread-safe; nothing here suspends.
 *
 * @since 0.1
 */
public final class ThreadLocals {
    private static final boolean ENABLED = isEnabled(System.getProperty("asyncio.context-propagation", "auto"));

    private ThreadLocals() {}

    /** Loads what it needs, which blocks, before a loop comes by. */
    static void load() {}

    private static boolean isEnabled(String property) {
        if (!property.equals("auto") && !property.equals("off")) {
            throw new IllegalArgumentException("asyncio.context-propagation must be auto or off, not " + property);
        }
        if (property.equals("off")) {
            return false;
        }
        try {
            Class.forName("io.micrometer.context.ContextRegistry", false, ThreadLocals.class.getClassLoader());
            return Accessors.load();
        } catch (ClassNotFoundException e) {
            return false;
        }
    }

    /**
     * The context for what the calling code starts: {@link Asyncio#currentContext()}, and outside of loops the
     * ThreadLocals of the calling thread as well. On a loop the context alone counts, so that a ThreadLocal that a body
     * has set by itself stays with that body.
     */
    public static Context capture() {
        return Context.of(current());
    }

    /** As {@link #capture()}; on a loop this is the context as it stands. */
    static ContextView current() {
        ContextView context = Contexts.current();
        return ENABLED && Accessors.any() && !Contexts.onLoop() ? Accessors.capture(context) : context;
    }

    /**
     * Gives the current thread the ThreadLocals of a context, and those alone: what the context lacks is cleared.
     * Closing the result puts the thread back as it was.
     *
     * <pre>{@code
     * try (ThreadLocals.Scope scope = ThreadLocals.restore(context)) {
     *     callback.run();
     * }
     * }</pre>
     *
     * @return to be closed on the same thread; null if there is nothing to restore
     */
    public static @Nullable Scope restore(ContextView context) {
        if (!ENABLED || !Accessors.any()) {
            return null;
        }
        return Accessors.isThereNone(context) ? Scope.OF_NONE : new Scope(Accessors.ALL.toArray(), context, true);
    }

    /**
     * As {@link #restore}, but leaves what the context lacks as it is on the thread: for user code that is called on
     * its own thread.
     */
    public static @Nullable Scope add(ContextView context) {
        return ENABLED && !context.isEmpty() && Accessors.any()
                ? new Scope(Accessors.ALL.toArray(), context, false)
                : null;
    }

    /** The thread's values before {@link #restore} or {@link #add}. */
    public static final class Scope implements AutoCloseable {
        /** Neither the thread nor the context has any: by far the most common, and free. */
        static final Scope OF_NONE = new Scope(new Object[0], Context.empty(), true);

        /** The accessors as they were at the beginning: others may be registered meanwhile. */
        private final Object[] accessors;

        private final @Nullable Object[] before;

        private Scope(Object[] accessors, ContextView context, boolean clears) {
            this.accessors = accessors;
            before = new Object[accessors.length];
            for (int i = 0; i < accessors.length; i++) {
                before[i] = Accessors.change(accessors[i], context, clears);
            }
        }

        /** Puts the thread back as it was. */
        @Override
        public void close() {
            if (this == OF_NONE) {
                Accessors.clear();
                return;
            }
            for (int i = accessors.length - 1; i >= 0; i--) {
                Accessors.putBack(accessors[i], before[i]);
            }
        }
    }

    /** Loaded only if the library is there. An accessor that fails is logged: it stops nothing else. */
    private static final class Accessors {
        private static final List<ThreadLocalAccessor<?>> ALL =
                ContextRegistry.getInstance().getThreadLocalAccessors();

        private Accessors() {}

        /** Reads the files of its services. */
        static boolean load() {
            return true;
        }

        static boolean any() {
            return !ALL.isEmpty();
        }

        static Context capture(ContextView given) {
            Context context = Context.of(given);
            for (ThreadLocalAccessor<?> accessor : ALL) {
                Object value = valueOf(accessor);
                context = value == null ? context : context.put(accessor.key(), value);
            }
            return context;
        }

        static boolean isThereNone(ContextView context) {
            for (ThreadLocalAccessor<?> accessor : ALL) {
                if (valueOf(accessor) != null || context.getOrDefault(accessor.key(), null) != null) {
                    return false;
                }
            }
            return true;
        }

        /** Of those that user code has left behind. */
        static void clear() {
            for (ThreadLocalAccessor<?> accessor : ALL) {
                putBack(accessor, null);
            }
        }

        private static @Nullable Object valueOf(ThreadLocalAccessor<?> accessor) {
            try {
                return accessor.getValue();
            } catch (RuntimeException | Error e) {
                Log.error(
                        "Cannot read the ThreadLocal of " + accessor.getClass().getName() + " on "
                                + Thread.currentThread(),
                        e);
                return null;
            }
        }

        /** Returns what the thread had. */
        static @Nullable Object change(Object of, ContextView context, boolean clears) {
            ThreadLocalAccessor<Object> accessor = typed(of);
            Object before = valueOf(accessor);
            try {
                Object value = context.getOrDefault(accessor.key(), null);
                if (value == null) {
                    if (clears && before != null) {
                        accessor.setValue();
                    }
                } else if (value != before) {
                    accessor.setValue(value);
                }
            } catch (RuntimeException | Error e) {
                Log.error(
                        "Cannot restore the ThreadLocal of "
                                + accessor.getClass().getName() + " on " + Thread.currentThread(),
                        e);
            }
            return before;
        }

        static void putBack(Object of, @Nullable Object before) {
            ThreadLocalAccessor<Object> accessor = typed(of);
            if (valueOf(accessor) == before) {
                return;
            }
            try {
                if (before == null) {
                    accessor.restore();
                } else {
                    accessor.restore(before);
                }
            } catch (RuntimeException | Error e) {
                Log.error(
                        "Cannot put back the ThreadLocal of "
                                + accessor.getClass().getName() + " on " + Thread.currentThread(),
                        e);
            }
        }

        @SuppressWarnings("unchecked")
        private static ThreadLocalAccessor<Object> typed(Object accessor) {
            return (ThreadLocalAccessor<Object>) Objects.requireNonNull(accessor);
        }
    }
}
