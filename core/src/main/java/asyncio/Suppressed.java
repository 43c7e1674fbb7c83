package asyncio;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Adds suppressed exceptions to errors of unknown origin, without throwing, self-suppression or cycles. For authors of
 * operators; from any thread.
 *
 * <p>{@link Throwable#addSuppressed} rejects the exception itself, with an exception that hides both; and code that
 * follows a cyclic chain never ends.
 */
public final class Suppressed {
    /** The maximum number of suppressed exceptions of an error that may be a constant. */
    private static final int MOST = 100;

    private Suppressed() {}

    /**
     * Adds an exception that occurred along with an error, or after it. Does nothing if it is the error itself, or its
     * cause. An exception that leads to the error is replaced by a copy without cause and suppressed exceptions.
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
     * Like {@link #add}, for an error that may be thrown repeatedly, such as a constant.
     *
     * @return false if nothing was added, since the error already has a hundred: the other exception should be reported
     *     elsewhere
     */
    public static boolean tryAdd(Throwable error, Throwable other) {
        if (error.getSuppressed().length >= MOST) {
            return false;
        }
        add(error, other);
        return true;
    }

    /**
     * Like {@link #add}, for a remark on an error, which gets at most one of each class. An error without a stack trace
     * gets none: it is a shared constant.
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

    /**
     * Returns an exception that may be added to an error: the same one, or, if it leads to the error, a copy without
     * cause and suppressed exceptions.
     */
    static Throwable apart(Throwable other, Throwable error) {
        return leadsTo(other, error) ? copy(other) : other;
    }

    /** Like {@link #add}, for several. */
    public static <E extends Throwable> E addAll(E error, Iterable<? extends Throwable> others) {
        others.forEach(other -> add(error, other));
        return error;
    }

    /**
     * Removes those that have already been reported from others, by identity: there may be many, and equals may be the
     * user's code.
     */
    static void remove(Collection<? extends Throwable> told, Collection<? extends Throwable> others) {
        if (!told.isEmpty() && !others.isEmpty()) {
            Set<Throwable> set = Collections.newSetFromMap(new IdentityHashMap<>());
            set.addAll(told);
            others.removeIf(set::contains);
        }
    }

    /**
     * Closes a resource, as try-with-resources does: an exception of the close is added to the error being thrown, or
     * thrown if there is none.
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

    /** The action that closes a resource. */
    interface Closing<E extends Exception> {
        void run() throws E;
    }

    /**
     * Returns whether a chain of causes and suppressed exceptions leads from one to the other, or they are the same.
     */
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

    /** Returns the cause, or null if {@code getCause}, which a class may override, fails. */
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
