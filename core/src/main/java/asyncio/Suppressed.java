package asyncio;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Suppressed exceptions of errors that others have made: adds one without ever throwing, to itself or in a circle. For
 * authors of operators; from any thread.
 *
 * <p>{@link Throwable#addSuppressed} refuses the exception itself, with an exception that hides both; and a chain that
 * leads back to where it began sends whoever follows it round for ever.
 */
public final class Suppressed {
    /** More than these an error gets from one who does not know whether it is a constant. */
    private static final int MOST = 100;

    private Suppressed() {}

    /**
     * Adds an exception that came beside an error, or after it. Does nothing if it is the same one, or the error's
     * cause. One that leads to the error itself is replaced by a copy that leads nowhere.
     *
     * @return the error
     */
    public static <E extends Throwable> E add(E error, Throwable other) {
        if (error != Objects.requireNonNull(other, "other") && causeOf(error) != other) {
            error.addSuppressed(apart(other, error));
        }
        return error;
    }

    /**
     * As {@link #add}, for an error that may be thrown again and again, a constant say.
     *
     * @return false if nothing was added, since it has a hundred already: the other one is to be reported elsewhere
     */
    public static boolean tryAdd(Throwable error, Throwable other) {
        if (error.getSuppressed().length >= MOST) {
            return false;
        }
        add(error, other);
        return true;
    }

    /**
     * As {@link #add}, for a remark on an error, of which it gets one of each class at most. An error without a stack
     * gets none: it is a constant, which others have too.
     */
    static void addOnce(Throwable error, Throwable remark) {
        if (error.getStackTrace().length == 0) {
            return;
        }
        for (Throwable before : error.getSuppressed()) {
            if (before.getClass() == remark.getClass()) {
                return;
            }
        }
        add(error, remark);
    }

    /** An exception that may be added to an error: itself, or a copy that leads nowhere if it leads to the error. */
    static Throwable apart(Throwable other, Throwable error) {
        return leadsTo(other, error) ? copy(other) : other;
    }

    /** As {@link #add}, for several. */
    public static <E extends Throwable> E addAll(E error, Iterable<? extends Throwable> others) {
        others.forEach(other -> add(error, other));
        return error;
    }

    /**
     * Takes those that are told already out of others, by identity: there may be many, with an equals of the user's.
     */
    static void remove(Collection<? extends Throwable> told, Collection<? extends Throwable> others) {
        if (!told.isEmpty() && !others.isEmpty()) {
            Set<Throwable> set = Collections.newSetFromMap(new IdentityHashMap<>());
            set.addAll(told);
            others.removeIf(set::contains);
        }
    }

    /**
     * Runs what ends something that was in use, as try-with-resources does: what it throws is added to the error that
     * is on its way out, or thrown if there is none.
     */
    static <E extends Exception> void close(@Nullable Throwable error, Closing<E> closing) throws E {
        try {
            closing.run();
        } catch (Throwable e) {
            if (error == null) {
                throw e;
            }
            add(error, e);
        }
    }

    /** The last action on something that was in use. */
    interface Closing<E extends Exception> {
        void run() throws E;
    }

    /** Whether a chain of causes and suppressed exceptions leads from one to the other, or they are the same. */
    private static boolean leadsTo(Throwable from, Throwable to) {
        Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        ArrayDeque<Throwable> open = new ArrayDeque<>();
        open.add(from);
        for (Throwable next; (next = open.poll()) != null; ) {
            if (next == to) {
                return true;
            }
            if (seen.add(next)) {
                Throwable cause = causeOf(next);
                if (cause != null) {
                    open.add(cause);
                }
                Collections.addAll(open, next.getSuppressed());
            }
        }
        return false;
    }

    /** An exception class may have a {@code getCause} of its own, which may fail. */
    static @Nullable Throwable causeOf(Throwable e) {
        try {
            return e.getCause();
        } catch (RuntimeException failed) {
            return null;
        }
    }

    private static Throwable copy(Throwable e) {
        Throwable copy = new Error(Log.text(e));
        copy.setStackTrace(Log.frames(e));
        return copy;
    }
}
