package asyncio.subprocess;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Thrown by {@link Output#check} and {@link Command#check} when a child has not exited with 0. The message has the
 * command, the return code and the end of stderr, if that was a pipe. Unchecked, so that operators can throw it:
 * {@code run(command).map(Output::check)}.
 *
 * <p>Python: {@code subprocess.CalledProcessError}.
 *
 * @since 0.1
 */
public class CalledProcessException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    /** The length of the end of stderr in the message, in characters. */
    private static final int END = 1000;

    private final transient @Nullable Output output;
    private final int returnCode;

    /**
     * Creates an exception for a child that has ended with an error.
     *
     * @param output its output and return code
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
