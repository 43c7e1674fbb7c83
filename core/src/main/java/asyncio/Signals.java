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
 * Which loops want to hear of which signals. The JVM knows one handler for each signal; the first who wants one puts a
 * {@link Trap} in its place, the last who goes puts the former handler back.
 *
 * <p><b>Races.</b> One lock guards the registry and the JVM's handlers; it is never held while a loop is told or
 * anybody's code runs. A signal is for those who are registered when its thread takes the lock:
 *
 * <ul>
 *   <li>signal and add, add and add, add and remove: whoever has the lock first.
 *   <li>signal and remove: remove wins until the callback begins, since the entry in the loop's queue asks once more.
 *   <li>signal and close: close wins, a closed loop takes no entries.
 *   <li>add and close: a loop is closed first and its handlers are removed then, so an add either sees that it is
 *       closed or is removed as well.
 *   <li>signal and the last to go: the signal goes to the former handler, as if it had come a moment later.
 * </ul>
 */
final class Signals {
    /** Under {@code -Xrs} the JVM calls no handlers at all, and says so for these only. */
    private static final Set<String> TERMINATION = Set.of("INT", "TERM", "HUP");

    private static final Object LOCK = new Object();
    /** The traps that have receivers, by the signal's number; guarded by the lock. */
    private static final Map<Integer, Trap> TRAPS = new HashMap<>();
    /** Whether the JVM was started with {@code -Xrs}; null until somebody had to know. Guarded by the lock. */
    private static @Nullable Boolean reduced;

    private Signals() {}

    // ---- handlers of loops

    /**
     * Implements {@link EventLoop#addSignalHandler}.
     *
     * @param delivery makes of a callback what hands it to the loop; throws if the loop is closed
     */
    static void add(Object loop, String name, Runnable callback, UnaryOperator<Runnable> delivery) {
        JvmSignals jvm = JvmSignals.INSTANCE;
        if (jvm == null) {
            throw new IllegalStateException("Cannot handle signal " + name
                    + ": this Java has no module jdk.unsupported, whose sun.misc.Signal is the "
                    + "only way to signals. Add it to the image (jlink --add-modules jdk.unsupported)");
        }
        Object signal = signal(jvm, name);
        synchronized (LOCK) {
            Registered before = registered(jvm, signal, loop);
            // those that are on their way to the one before are for it still, unless the handler is removed meanwhile
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

    /** Removes all handlers of a loop that is closed. */
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
                    "This system knows no signal " + name + ": they are called INT or SIGINT, TERM, HUP and so on", e);
        }
    }

    /** Hands a loop its callback. */
    private record Registered(Runnable deliver, AtomicBoolean removed) {}

    /** A loop's callback for a signal, which does not run once it is removed. */
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

    // ---- Ctrl-C of programs

    /**
     * Takes SIGINT from the JVM, whose handler would end it, and has {@code onInterrupt} called on a thread of the
     * JVM's instead. A handler that a loop has for SIGINT comes before it. Several interceptions are all told.
     *
     * @param onInterrupt what to do with an interrupt, given what this returns; it must not throw. Two threads may call
     *     it at a time, and one may once more when {@link Interception#restore} has returned, for a signal that had
     *     come before
     * @return null if the JVM cannot hand SIGINT on ({@code -Xrs}, no {@code jdk.unsupported}), if the process was
     *     started with it ignored, or if it is not the JVM's any more, because a loop or somebody else has a handler
     *     for it: as in CPython, only the default is taken over
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
                    return null; // it says why; a program runs without as well
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

    /** The handler that {@link #interceptInterrupt} has installed. */
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
         * Puts the JVM's handler back, unless others still want the signal or have taken it; a second call does
         * nothing. From any thread.
         */
        void restore() {
            synchronized (LOCK) {
                Trap trap = TRAPS.get(jvm.number(signal));
                if (trap != null && trap.interceptions.remove(this)) {
                    trap.uninstallIfUnused();
                }
            }
        }

        /** Does what the JVM would have done: it exits with 130. Also after {@link #restore}; from any thread. */
        void passOn() {
            jvm.call(former, signal);
        }
    }

    // ---- the JVM's handlers; all of this with the lock

    /** The trap of a signal, on top of whatever handles it now. */
    private static Trap trap(JvmSignals jvm, Object signal) {
        Trap trap = TRAPS.get(jvm.number(signal));
        if (trap == null) {
            return install(jvm, signal);
        }
        Object current = jvm.exchange(trap.signal, trap.handler);
        if (current == trap.handler) {
            return trap;
        }
        // Somebody took the signal after us, and may hand it on to our trap. A new one comes before theirs; the old
        // one, without receivers, hands on to its own former handler, so that nobody calls in a circle.
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
            // the JVM lets anybody take them, and misses them: memory-mapped files want BUS, the flight recorder USR2
            trap.uninstallIfUnused();
            throw kept(signal, null);
        }
        if (termination && jvm.isIgnore(trap.former)) {
            trap.uninstallIfUnused(); // the JVM says nothing, and does nothing
            throw new IllegalStateException("The process was started with " + signal
                    + " ignored, as nohup and a shell's & do, and the JVM leaves it so: "
                    + "it would never come. Start it in another way, or use another signal");
        }
        return trap;
    }

    /** Asked of SIGINT, whose handler is another one for a moment; a signal that comes then is handed on to it. */
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
                + " would never come. Start it without");
    }

    private static IllegalStateException kept(Object signal, @Nullable Throwable cause) {
        return new IllegalStateException(
                signal
                        + " cannot be handled: the JVM, the system or a native library keeps it for itself. INT, TERM, HUP, USR1 "
                        + "and WINCH are usually free",
                cause);
    }

    /** An exception of one of them, as a callback of a closed loop may throw, keeps the signal from no other. */
    private static void attempt(Runnable action) {
        try {
            action.run();
        } catch (Throwable e) {
            Log.error("Cannot deliver a signal", e);
        }
    }

    /** The JVM's handler of a signal, while somebody wants to hear of it. */
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
                    jvm.exchange(signal, current); // not ours to take away
                }
            }
        }

        /**
         * On a thread that the JVM starts for each signal, or called by a handler that somebody has put before this
         * one; without the lock.
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
