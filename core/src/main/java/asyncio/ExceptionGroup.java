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
 * Several exceptions that are thrown together because the failed work was concurrent: those of a group of tasks, or of
 * all participants of a {@link Asyncio#race race}. Groups may hold groups. Immutable.
 *
 * <p>The exceptions are also the first of its suppressed ones, so that every printed or logged stack trace contains
 * theirs, once. Code should use {@link #exceptions()}.
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

    /**
     * The number of characters of exceptions in {@link #toString}, not counting the last; below, the number of
     * exceptions looked at.
     */
    private static final int SHOWN = 200;

    private static final int LOOKED_AT = 100;

    private final String groupMessage;
    private final Throwable[] exceptions;

    /**
     * Creates a group.
     *
     * @param message describes what the exceptions have in common
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

    /** Returns the message it was made with; {@link #getMessage()} adds the number of exceptions. */
    public String groupMessage() {
        return groupMessage;
    }

    /** Returns the exceptions, at least one, in the order given; an unmodifiable view. */
    public List<Throwable> exceptions() {
        return Collections.unmodifiableList(Arrays.asList(exceptions));
    }

    /** Returns the message with the first of the exceptions, for logs and messages without room for stack traces. */
    @Override
    @SuppressWarnings("OverrideThrowableToString") // the message is Python's, and code compares it
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

    /** Like {@link #subgroup(Predicate)}, for the exceptions of a type. */
    public @Nullable ExceptionGroup subgroup(Class<? extends Throwable> type) {
        return split(type).matching();
    }

    /** Returns the matching part of {@link #split(Predicate)}. */
    public @Nullable ExceptionGroup subgroup(Predicate<? super Throwable> condition) {
        return split(condition).matching();
    }

    /** Like {@link #split(Predicate)}, by type. */
    public Split split(Class<? extends Throwable> type) {
        return split(Objects.requireNonNull(type, "type")::isInstance);
    }

    /**
     * Splits it in two: the exceptions that match, and those that do not. Nested groups keep their places, without the
     * exceptions that went into the other part; each part has the message, the stack trace, the cause and the other
     * suppressed exceptions of the whole. The condition is tested on each group first, and may accept it as a whole,
     * then on the exceptions in it.
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
     * The two parts of a group.
     *
     * @param matching the part that matches the condition, or null if nothing does
     * @param rest the part that does not, or null if everything matches
     */
    public record Split(
            @Nullable ExceptionGroup matching, @Nullable ExceptionGroup rest) {}

    /**
     * Returns a group of the exceptions that Reactor combined with {@link Exceptions#multiple(Iterable)}, as
     * {@code flatMapDelayError} and {@code Mono.whenDelayError} do; for any other exception, a group of that one.
     */
    public static ExceptionGroup fromMultiple(String message, Throwable multiple) {
        return new ExceptionGroup(
                message, Exceptions.unwrapMultipleExcludingTracebacks(Objects.requireNonNull(multiple, "multiple")));
    }

    /** Returns the same exceptions in Reactor's form, from which {@link Exceptions#unwrapMultiple} extracts them. */
    public RuntimeException toMultiple() {
        return Exceptions.multiple(exceptions());
    }
}
