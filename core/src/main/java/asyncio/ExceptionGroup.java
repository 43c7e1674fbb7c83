package asyncio;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.StringJoiner;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import reactor.core.Exceptions;

/**
 * Several exceptions that are thrown together, since the work that failed was concurrent: of a group of tasks, or of
 * all who took part in a {@link Asyncio#race race}. Groups may hold groups. Immutable.
 *
 * <p>The exceptions are its suppressed ones too, the first of them: so whoever prints or logs a stack trace, in
 * whatever way, prints theirs, once. Code asks for {@link #exceptions()}.
 *
 * <pre>{@code
 * try {
 *     await(TaskGroup.scopeBody(this::uploadAll));
 * } catch (ExceptionGroup e) {                          // except* IOException
 *     ExceptionGroup.Split split = e.split(IOException.class);
 *     if (split.matching() != null) { retryLater(split.matching().exceptions()); }
 *     if (split.rest() != null) { throw split.rest(); }
 * }
 * }</pre>
 *
 * <p>Python: {@code ExceptionGroup} (PEP 654).
 */
public final class ExceptionGroup extends Exception {
    private static final long serialVersionUID = 1L;

    /** So many characters of exceptions, not counting the last, are in {@link #toString}; so many are looked at. */
    private static final int SHOWN = 200;

    private static final int LOOKED_AT = 100;

    private final String groupMessage;
    private final Throwable[] exceptions;

    /**
     * A group.
     *
     * @param message what the exceptions have in common
     * @throws IllegalArgumentException if there are none
     */
    public ExceptionGroup(String message, Iterable<? extends Throwable> exceptions) {
        this(message, toArray(exceptions));
    }

    private ExceptionGroup(String message, Throwable[] exceptions) {
        super(Objects.requireNonNull(message, "message") + " (" + exceptions.length
                + (exceptions.length == 1 ? " sub-exception)" : " sub-exceptions)"));
        this.groupMessage = message;
        this.exceptions = exceptions;
        for (Throwable exception : exceptions) {
            addSuppressed(exception);
        }
    }

    private static Throwable[] toArray(Iterable<? extends Throwable> exceptions) {
        List<Throwable> list = new ArrayList<>();
        for (Throwable exception : exceptions) {
            list.add(Objects.requireNonNull(exception, "an exception of a group is null"));
        }
        if (list.isEmpty()) {
            throw new IllegalArgumentException(
                    "An ExceptionGroup needs at least one exception: where nothing failed, throw nothing");
        }
        return list.toArray(Throwable[]::new);
    }

    /** The message it was made with; {@link #getMessage()} adds how many exceptions there are. */
    public String groupMessage() {
        return groupMessage;
    }

    /** The exceptions, at least one, in the order given; a view that cannot be changed. */
    public List<Throwable> exceptions() {
        return Collections.unmodifiableList(Arrays.asList(exceptions));
    }

    /** With what failed, the first of it, for a log or a message that has no place for stack traces. */
    @Override
    @SuppressWarnings("OverrideThrowableToString") // the message is Python's, and compared
    public String toString() {
        StringJoiner shown = new StringJoiner(", ", " [", "]").setEmptyValue("");
        ArrayDeque<Throwable> left = new ArrayDeque<>(exceptions());
        for (int looked = 0; !left.isEmpty() && looked < LOOKED_AT; looked++) {
            Throwable next = left.remove();
            if (next instanceof ExceptionGroup group) {
                group.exceptions().forEach(left::add);
            } else if (shown.length() < SHOWN) {
                shown.add(brief(next));
            }
        }
        return super.toString() + shown;
    }

    private static String brief(Throwable exception) {
        String type = exception.getClass().getName();
        String name = type.substring(type.lastIndexOf('.') + 1);
        String message;
        try {
            message = exception.getMessage();
        } catch (RuntimeException e) {
            message = "(its getMessage failed: " + e.getClass().getName() + ")";
        }
        return message == null
                ? name
                : name + ": " + message.lines().findFirst().orElse("");
    }

    /** As {@link #subgroup(Predicate)}, for what is of a type. */
    public @Nullable ExceptionGroup subgroup(Class<? extends Throwable> type) {
        return split(type).matching();
    }

    /** Returns the matching half of {@link #split(Predicate)}. */
    public @Nullable ExceptionGroup subgroup(Predicate<? super Throwable> condition) {
        return split(condition).matching();
    }

    /** As {@link #split(Predicate)}, by type. */
    public Split split(Class<? extends Throwable> type) {
        return split(Objects.requireNonNull(type, "type")::isInstance);
    }

    /**
     * Divides it in two: the exceptions that match, and those that do not. Groups inside keep their places, less what
     * went into the other half; a half has the message, the stack trace, the cause and the other suppressed exceptions
     * of the whole. The condition is asked about each group first, which it can take as a whole, then about what is in
     * it.
     */
    public Split split(Predicate<? super Throwable> condition) {
        if (condition.test(this)) {
            return new Split(this, null);
        }
        List<Throwable> matching = new ArrayList<>();
        List<Throwable> rest = new ArrayList<>();
        for (Throwable exception : exceptions) {
            if (exception instanceof ExceptionGroup group) {
                Split split = group.split(condition);
                addIfPresent(matching, split.matching);
                addIfPresent(rest, split.rest);
            } else if (condition.test(exception)) {
                matching.add(exception);
            } else {
                rest.add(exception);
            }
        }
        return new Split(derive(matching), derive(rest));
    }

    private static void addIfPresent(List<Throwable> half, @Nullable ExceptionGroup group) {
        if (group != null) {
            half.add(group);
        }
    }

    private @Nullable ExceptionGroup derive(List<Throwable> part) {
        if (part.isEmpty()) {
            return null;
        }
        if (part.equals(Arrays.asList(exceptions))) {
            return this;
        }
        ExceptionGroup group = new ExceptionGroup(groupMessage, part.toArray(Throwable[]::new));
        group.setStackTrace(getStackTrace());
        if (getCause() != null) {
            group.initCause(getCause());
        }
        Throwable[] suppressed = getSuppressed();
        for (int i = exceptions.length; i < suppressed.length; i++) {
            group.addSuppressed(suppressed[i]);
        }
        return group;
    }

    /**
     * The two halves of a group.
     *
     * @param matching the part that matches the condition, or null if nothing does
     * @param rest the part that does not, or null if everything matches
     */
    public record Split(
            @Nullable ExceptionGroup matching, @Nullable ExceptionGroup rest) {}

    /**
     * A group of what Reactor put together with {@link Exceptions#multiple(Iterable)}, as {@code flatMapDelayError} and
     * {@code Mono.whenDelayError} do; of a single exception, a group of that one.
     */
    public static ExceptionGroup fromMultiple(String message, Throwable multiple) {
        return new ExceptionGroup(
                message, Exceptions.unwrapMultipleExcludingTracebacks(Objects.requireNonNull(multiple, "multiple")));
    }

    /** The same exceptions in Reactor's form, for which {@link Exceptions#unwrapMultiple} gives them back. */
    public RuntimeException toMultiple() {
        return Exceptions.multiple(exceptions());
    }
}
