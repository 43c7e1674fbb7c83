package asyncio;

import io.micrometer.context.ContextRegistry;
import io.micrometer.context.ThreadLocalAccessor;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * Moves ThreadLocals (MDC, the current Observation) into Reactor contexts and back: captured where plain code starts
 * work, restored on the threads that run user code for it. For authors of bridges.
 *
 * <p>The set of ThreadLocals is that of {@code io.micrometer:context-propagation}. Without it, or with
 * {@code -Dasyncio.context-propagation=off}, nothing is propagated.
 *
 * <p>Thread-safe; nothing here suspends.
 *
 * @since 0.1
 */
public final class ThreadLocals {
    private static final boolean ENABLED = isEnabled(System.getProperty("asyncio.context-propagation", "auto"));

    private ThreadLocals() {}

    /** Loads the classes it needs, which blocks, before a loop uses them. */
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
     * Returns the context for work that the calling code starts: {@link Asyncio#currentContext()}, and outside of loops
     * the ThreadLocals of the calling thread as well. On a loop only the context counts, so that a ThreadLocal that a
     * body has set itself stays with that body.
     */
    public static Context capture() {
        return Context.of(current());
    }

    /** Like {@link #capture()}; on a loop this is the current context unchanged. */
    static ContextView current() {
        ContextView context = Contexts.current();
        return ENABLED && Accessors.any() && !Contexts.onLoop() ? Accessors.capture(context) : context;
    }

    /**
     * Sets the current thread's ThreadLocals to exactly those of a context: the ones the context lacks are cleared.
     * Closing the result restores the thread's former values.
     *
     * <pre>{@code
     * try (ThreadLocals.Scope scope = ThreadLocals.restore(context)) {
     *     callback.run();
     * }
     * }</pre>
     *
     * @return a scope to be closed on the same thread; null if there is nothing to restore
     */
    public static @Nullable Scope restore(ContextView context) {
        if (!ENABLED || !Accessors.any()) {
            return null;
        }
        return Accessors.isThereNone(context) ? Scope.OF_NONE : new Scope(Accessors.ALL.toArray(), context, true);
    }

    /**
     * Like {@link #restore}, but does not change the ThreadLocals that the context lacks: for user code that is called
     * on its own thread.
     */
    public static @Nullable Scope add(ContextView context) {
        return ENABLED && !context.isEmpty() && Accessors.any()
                ? new Scope(Accessors.ALL.toArray(), context, false)
                : null;
    }

    /** The thread's values before {@link #restore} or {@link #add}. */
    public static final class Scope implements AutoCloseable {
        /** The scope where neither the thread nor the context has any values: by far the most common, and free. */
        static final Scope OF_NONE = new Scope(new Object[0], Context.empty(), true);

        /** The accessors at the start, since others may be registered meanwhile. */
        private final Object[] accessors;

        private final @Nullable Object[] before;

        private Scope(Object[] accessors, ContextView context, boolean clears) {
            this.accessors = accessors;
            before = new Object[accessors.length];
            for (int i = 0; i < accessors.length; i++) {
                before[i] = Accessors.change(accessors[i], context, clears);
            }
        }

        /** Restores the thread's former values. */
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

    /** Loaded only if the library is present. The failure of an accessor is logged and does not affect the others. */
    private static final class Accessors {
        private static final List<ThreadLocalAccessor<?>> ALL =
                ContextRegistry.getInstance().getThreadLocalAccessors();

        private Accessors() {}

        /** Initializes this class, which reads the library's service files. */
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

        /** Clears the values that user code has left behind. */
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

        /** Returns the thread's former value. */
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
