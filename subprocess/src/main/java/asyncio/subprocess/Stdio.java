package asyncio.subprocess;

import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The other end of one of a child's three standard streams.
 *
 * <pre>{@code
 * Command.of("sort").stdin(Stdio.from(unsorted)).stdout(Stdio.PIPE).stderr(Stdio.appendTo(errors));
 * }</pre>
 *
 * <p>asyncio: {@code subprocess.PIPE}, {@code DEVNULL}, {@code STDOUT}, None for {@link #INHERIT}, and open files.
 */
public final class Stdio {
    /** A pipe to this process: {@link Subprocess#stdin()}, {@link Subprocess#stdout()}, {@link Subprocess#stderr()}. */
    public static final Stdio PIPE = new Stdio(Kind.PIPE, null);

    /** Inherited from this process. */
    public static final Stdio INHERIT = new Stdio(Kind.INHERIT, null);

    /** The null device: input is empty, output is discarded. */
    public static final Stdio DEVNULL = new Stdio(Kind.DEVNULL, null);

    /** For stderr: the same destination as stdout. */
    public static final Stdio STDOUT = new Stdio(Kind.STDOUT, null);

    private enum Kind {
        PIPE,
        INHERIT,
        DEVNULL,
        STDOUT,
        FROM,
        TO,
        APPEND_TO
    }

    private final Kind kind;
    private final @Nullable Path file;

    private Stdio(Kind kind, @Nullable Path file) {
        this.kind = kind;
        this.file = file;
    }

    /**
     * For stdin: reads from a file. A FIFO without a writer blocks the start until it has one, and also the end of a
     * cancelled start.
     */
    public static Stdio from(Path file) {
        return new Stdio(Kind.FROM, Objects.requireNonNull(file, "file"));
    }

    /** For stdout and stderr: writes to a file, which is created or truncated. */
    public static Stdio to(Path file) {
        return new Stdio(Kind.TO, Objects.requireNonNull(file, "file"));
    }

    /** For stdout and stderr: appends to a file, which is created if it does not exist. */
    public static Stdio appendTo(Path file) {
        return new Stdio(Kind.APPEND_TO, Objects.requireNonNull(file, "file"));
    }

    /** @throws IllegalArgumentException if it is not possible for stdin (0), stdout (1) or stderr (2) */
    Stdio checkedFor(int number) {
        boolean fits = switch (kind) {
            case PIPE, INHERIT, DEVNULL -> true;
            case STDOUT -> number == 2;
            case FROM -> number == 0;
            case TO, APPEND_TO -> number != 0;
        };
        if (!fits) {
            throw new IllegalArgumentException(name(number) + " cannot be " + this
                    + ": STDOUT is for stderr, from(file) for stdin, to(file) and appendTo(file) for the others");
        }
        return this;
    }

    boolean isFile() {
        return file != null;
    }

    static String name(int number) {
        return number == 0 ? "stdin" : number == 1 ? "stdout" : "stderr";
    }

    /** Returns the JDK's equivalent; not for {@link #STDOUT}, nor for our own pipes. */
    Redirect redirect(boolean input) {
        return switch (kind) {
            case PIPE -> Redirect.PIPE;
            case INHERIT -> Redirect.INHERIT;
            case FROM -> Redirect.from(Objects.requireNonNull(file).toFile());
            case TO -> Redirect.to(Objects.requireNonNull(file).toFile());
            case APPEND_TO -> Redirect.appendTo(Objects.requireNonNull(file).toFile());
            case DEVNULL -> input ? Redirect.from(Redirect.DISCARD.file()) : Redirect.DISCARD;
            case STDOUT -> throw new IllegalStateException("stderr that goes to stdout has no redirect");
        };
    }

    /** {@code PIPE}, {@code to(/var/log/x)}. */
    @Override
    public String toString() {
        return switch (kind) {
            case FROM -> "from(" + file + ")";
            case TO -> "to(" + file + ")";
            case APPEND_TO -> "appendTo(" + file + ")";
            default -> kind.name();
        };
    }
}
