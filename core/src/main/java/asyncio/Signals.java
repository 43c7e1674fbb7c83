package asyncio;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The registry of the loops' signal handlers. The JVM has one handler for each signal; the first registration installs
 * a {@link Trap} in its place, and the last removal restores the former handler.
 *
 * <p><b>Races.</b> One lock guards the registry and the JVM's handlers; it is never held while a loop is notified or
 * foreign code runs. A signal goes to the receivers that are registered when its thread takes the lock:
 *
 * <ul>
 *   <li>signal and add, add and add, add and remove: the first to take the lock wins.
 *   <li>signal and remove: remove wins until the callback starts, since the entry in the loop's queue checks again.
 *   <li>signal and close: close wins, since a closed loop takes no entries.
 *   <li>add and close: a loop is closed before its handlers are removed, so an add either sees that it is closed or is
 *       removed as well.
 *   <li>signal and the last removal: the signal goes to the former handler, as if it had come a moment later.
 * </ul>
 */
final class Signals {
    /**
     * The signals for which the JVM reports that it calls no handlers, because of {@code -Xrs}; it calls none for the
     * others either.
     */
    private static final Set<String> TERMINATION = Set.of("INT", "TERM", "HUP");

    private static final Object LOCK = new Object();
    /** The traps that have receivers, by the signal's number; guarded by the lock. */
    private static final Map<Integer, Trap> TRAPS = new HashMap<>();
    /** Whether the JVM was started with {@code -Xrs}; null until first needed. Guarded by the lock. */
    private static @Nullable Boolean reduced;

    private Signals() {}

    // ---- handlers of loops

    /**
     * Implements {@link EventLoop#addSignalHandler}.
     *
     * @param delivery turns a callback into an action that hands it to the loop; throws if the loop is closed
     */
    static void add(Object loop, String name, Runnable callback, UnaryOperator<Runnable> delivery) {
        JvmSignals jvm = JvmSignals.INSTANCE;
        if (jvm == null) {
            throw new IllegalStateException("Cannot handle signal " + name
                    + ": this Java has no module jdk.unsupported, whose sun.misc.Signal is the "
                    + "only access to signals. Add it to the image (jlink --add-modules jdk.unsupported)");
        }
        Object signal = signal(jvm, name);
        synchronized (LOCK) {
            Registered before = registered(jvm, signal, loop);
            // signals already on their way still go to the former callback, unless the handler is removed meanwhile
            AtomicBoolean removed = before == null ? new AtomicBoolean() : before.removed;
            Runnable deliver = delivery.apply(new Guarded(signal, callback, removed));
            trap(jvm, signal).handlers.put(loop, new Registered(deliver, removed));
        }
    }

    private static @Nullable Registered registered(JvmSignals jvm, Object signal, Object loop) {
        Trap trap = TRAPS.get(jvm.number(signal));
        return trap == null ? null : trap.handlers.get(loop);
    }

    /** Implements {@link EventLoop#removeSignalHandler}. */
    static boolean remove(Object loop, String name) {
        JvmSignals jvm = JvmSignals.INSTANCE;
        if (jvm == null) {
            return false;
        }
        int number = jvm.number(signal(jvm, name));
        synchronized (LOCK) {
            Trap trap = TRAPS.get(number);
            return trap != null && trap.remove(loop);
        }
    }

    /** Removes all handlers of a closed loop. */
    static void removeAll(Object loop) {
        synchronized (LOCK) {
            for (Trap trap : new ArrayList<>(TRAPS.values())) {
                trap.remove(loop);
            }
        }
    }

    private static Object signal(JvmSignals jvm, String name) {
        String upper = name.toUpperCase(Locale.ROOT);
        try {
            return jvm.signal(upper.startsWith("SIG") ? upper.substring(3) : upper);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "This system has no signal " + name + ": they are called INT or SIGINT, TERM, HUP and so on", e);
        }
    }

    /** The registration of a loop; {@code deliver} hands the callback to the loop. */
    private record Registered(Runnable deliver, AtomicBoolean removed) {}

    /** A loop's callback for a signal, which does not run after its removal. */
    private record Guarded(Object signal, Runnable callback, AtomicBoolean removed) implements Runnable {
        @Override
        public void run() {
            if (!removed.get()) {
                callback.run();
            }
        }

        @Override
        public String toString() {
            return Log.text(callback) + " for " + signal;
        }
    }

    // ---- Ctrl-C

    /**
     * Takes SIGINT over from the JVM, which would exit, and has {@code onInterrupt} called on a JVM thread instead. A
     * loop's handler for SIGINT takes precedence. All of several interceptions are called.
     *
     * @param onInterrupt the action on an interrupt, called with the returned interception; it must not throw. Two
     *     threads may call it at the same time, and one may call it after {@link Interception#restore} has returned,
     *     for an earlier signal
     * @return null if the JVM cannot pass SIGINT on ({@code -Xrs}, no {@code jdk.unsupported}), if the process was
     *     started with it ignored, or if a loop or other code already has a handler for it: as in CPython, only the
     *     default is replaced
     */
    static @Nullable Interception interceptInterrupt(Consumer<Interception> onInterrupt) {
        JvmSignals jvm = JvmSignals.INSTANCE;
        if (jvm == null) {
            return null;
        }
        Object signal = jvm.signal("INT");
        synchronized (LOCK) {
            Trap trap = TRAPS.get(jvm.number(signal));
            if (trap == null) {
                try {
                    trap = install(jvm, signal);
                } catch (IllegalStateException e) {
                    return null; // not reported: a program runs without it as well
                }
            }
            if (!trap.handlers.isEmpty() || !jvm.endsTheJvm(trap.former)) {
                trap.uninstallIfUnused();
                return null;
            }
            Interception interception = new Interception(jvm, signal, trap.former, onInterrupt);
            trap.interceptions.add(interception);
            return interception;
        }
    }

    /** A handler installed by {@link #interceptInterrupt}. */
    static final class Interception {
        private final JvmSignals jvm;
        private final Object signal;
        private final Object former;
        private final Consumer<Interception> onInterrupt;

        private Interception(JvmSignals jvm, Object signal, Object former, Consumer<Interception> onInterrupt) {
            this.jvm = jvm;
            this.signal = signal;
            this.former = former;
            this.onInterrupt = onInterrupt;
        }

        /**
         * Restores the JVM's handler, unless the signal has other receivers or another handler has replaced ours; a
         * second call does nothing. From any thread.
         */
        void restore() {
            synchronized (LOCK) {
                Trap trap = TRAPS.get(jvm.number(signal));
                if (trap != null && trap.interceptions.remove(this)) {
                    trap.uninstallIfUnused();
                }
            }
        }

        /** Lets the JVM handle the interrupt, which exits with 130. Also after {@link #restore}; from any thread. */
        void passOn() {
            jvm.call(former, signal);
        }
    }

    // ---- the JVM's handlers; all of this is called with the lock held

    /** Returns the trap of a signal, installed in front of the current handler. */
    private static Trap trap(JvmSignals jvm, Object signal) {
        Trap trap = TRAPS.get(jvm.number(signal));
        if (trap == null) {
            return install(jvm, signal);
        }
        Object current = jvm.exchange(trap.signal, trap.handler);
        if (current == trap.handler) {
            return trap;
        }
        // Other code took the signal after us, and may pass it on to our trap. A new trap goes in front of its handler;
        // the old one, without receivers, passes on to its own former handler, so that the calls do not run in a
        // circle.
        Trap newer = new Trap(jvm, trap.signal);
        jvm.exchange(trap.signal, newer.handler);
        newer.former = current;
        newer.handlers.putAll(trap.handlers);
        newer.interceptions.addAll(trap.interceptions);
        trap.handlers.clear();
        trap.interceptions.clear();
        TRAPS.put(newer.number, newer);
        return newer;
    }

    private static Trap install(JvmSignals jvm, Object signal) {
        boolean termination = TERMINATION.contains(signal.toString().substring(3));
        if (!termination && reduced(jvm)) {
            throw reducedSignals(signal);
        }
        Trap trap = new Trap(jvm, signal);
        try {
            trap.install();
        } catch (IllegalArgumentException e) {
            throw termination ? reducedSignals(signal) : kept(signal, e);
        }
        if (jvm.isNative(trap.former)) {
            // the JVM lets these be taken, but needs them: BUS for memory-mapped files, USR2 for the flight recorder
            trap.uninstallIfUnused();
            throw kept(signal, null);
        }
        if (termination && jvm.isIgnore(trap.former)) {
            trap.uninstallIfUnused(); // the JVM does nothing, and does not say so
            throw new IllegalStateException("The process was started with " + signal
                    + " ignored, as nohup and a shell's & do, and the JVM keeps it ignored: "
                    + "it would never arrive. Start it in another way, or use another signal");
        }
        return trap;
    }

    /**
     * Returns whether the JVM was started with {@code -Xrs}. To find out, briefly replaces the handler of SIGINT; a
     * signal that arrives then is passed on to that handler.
     */
    private static boolean reduced(JvmSignals jvm) {
        Boolean known = reduced;
        if (known == null) {
            Trap probe = new Trap(jvm, jvm.signal("INT"));
            try {
                if (!TRAPS.containsKey(probe.number)) {
                    probe.install();
                    probe.uninstallIfUnused();
                }
                known = false;
            } catch (IllegalArgumentException e) {
                known = true;
            }
            reduced = known;
        }
        return known;
    }

    private static IllegalStateException reducedSignals(Object signal) {
        return new IllegalStateException("The JVM was started with -Xrs, which leaves signals to the system: " + signal
                + " would never arrive. Start it without -Xrs");
    }

    private static IllegalStateException kept(Object signal, @Nullable Throwable cause) {
        return new IllegalStateException(
                signal
                        + " cannot be handled: the JVM, the system or a native library keeps it for itself. INT, TERM, HUP, USR1 "
                        + "and WINCH are usually free",
                cause);
    }

    /**
     * Logs an exception, such as a callback of a closed loop may throw, so that the signal still reaches the others.
     */
    private static void attempt(Runnable action) {
        try {
            action.run();
        } catch (Throwable e) {
            Log.error("Cannot deliver a signal", e);
        }
    }

    /** Our handler of a signal, installed while it has receivers. */
    private static final class Trap {
        private final JvmSignals jvm;
        private final Object signal;
        private final int number;
        private final Object handler;
        private Object former;
        private final Map<Object, Registered> handlers = new LinkedHashMap<>();
        private final Set<Interception> interceptions = new LinkedHashSet<>();

        Trap(JvmSignals jvm, Object signal) {
            this.jvm = jvm;
            this.signal = signal;
            number = jvm.number(signal);
            handler = jvm.handler(this::handle);
            former = handler;
        }

        void install() {
            former = jvm.exchange(signal, handler);
            TRAPS.put(number, this);
        }

        boolean remove(Object loop) {
            Registered registration = handlers.remove(loop);
            if (registration == null) {
                return false;
            }
            registration.removed.set(true);
            uninstallIfUnused();
            return true;
        }

        void uninstallIfUnused() {
            if (handlers.isEmpty() && interceptions.isEmpty()) {
                TRAPS.remove(number);
                Object current = jvm.exchange(signal, former);
                if (current != handler) {
                    jvm.exchange(signal, current); // another handler has replaced ours: leave it
                }
            }
        }

        /**
         * Called without the lock, on a thread that the JVM starts for each signal or by a handler that other code has
         * installed in front of this one.
         */
        private void handle() {
            List<Registered> loops;
            List<Interception> programs;
            synchronized (LOCK) {
                loops = List.copyOf(handlers.values());
                programs = List.copyOf(interceptions);
            }
            if (!loops.isEmpty()) {
                loops.forEach(loop -> attempt(loop.deliver));
            } else if (!programs.isEmpty()) {
                programs.forEach(program -> attempt(() -> program.onInterrupt.accept(program)));
            } else {
                jvm.call(former, signal);
            }
        }
    }
}
