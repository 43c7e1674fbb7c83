package asyncio.subprocess;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A child that should have exited with 0 has not: {@link Output#check}, {@link Command#check}. The message has the
 * command, the return code and the end of stderr, if that was a pipe. Unchecked, so that operators can throw it:
 * {@code run(command).map(Output::check)}.
 *
 * <p>Python: {@code subprocess.CalledProcessError}.
 *
 * @since 0.1
 */
public class CalledProcessException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    /** Of stderr the message has so much, in characters. */
    private static final int END = 1000;

    private final transient @Nullable Output output;
    private final int returnCode;

    /**
     * An exception for a child that has ended like that.
     *
     * @param output what it has left behind
     * @since 0.1
     */
    public CalledProcessException(Output output) {
        super(message(output));
        this.output = output;
        this.returnCode = output.returnCode();
    }

    private static String message(Output output) {
        int code = output.returnCode();
        String errors = output.err().strip();
        String end = errors.length() <= END ? errors : "..." + errors.substring(errors.length() - END);
        return Objects.requireNonNullElse(output.command(), "The child")
                + (code < 0 ? " was killed by signal " + -code : " exited with return code " + code)
                + (end.isEmpty() ? "" : ": " + end);
    }

    /**
     * As of {@link Subprocess#returnCode()}: -n for signal n.
     *
     * @since 0.1
     */
    public int returnCode() {
        return returnCode;
    }

    /**
     * The child's output; null after serialization.
     *
     * @since 0.1
     */
    public @Nullable Output output() {
        return output;
    }
}
