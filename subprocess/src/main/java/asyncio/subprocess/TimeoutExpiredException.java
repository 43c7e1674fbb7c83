package asyncio.subprocess;

import asyncio.TimedOutException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Thrown when a child was killed because it took longer than {@link Command#timeout}; holds its output until then.
 *
 * <pre>{@code
 * try {
 *     return await(Subprocess.run(Command.of("make").timeout(Duration.ofMinutes(5)))).out();
 * } catch (TimeoutExpiredException e) {
 *     log.warn("{}, after {}", e.getMessage(), e.err());
 *     throw e;
 * }
 * }</pre>
 *
 * <p>Python: {@code subprocess.TimeoutExpired}.
 *
 * @since 0.1
 */
public class TimeoutExpiredException extends TimedOutException {
    private static final long serialVersionUID = 1L;

    private final transient @Nullable Command command;
    private final Duration limit;
    private final byte @Nullable [] stdout;
    private final byte @Nullable [] stderr;

    /**
     * Creates an exception.
     *
     * @param message names the child and the time limit
     * @param stdout its output so far; null if that was not a pipe
     * @param stderr its error output so far; null if that was not a pipe
     * @since 0.1
     */
    public TimeoutExpiredException(
            @Nullable String message,
            @Nullable Command command,
            Duration limit,
            byte @Nullable [] stdout,
            byte @Nullable [] stderr) {
        super(message);
        this.command = command;
        this.limit = limit;
        this.stdout = stdout;
        this.stderr = stderr;
    }

    @Override
    protected TimedOutException copy() {
        return new TimeoutExpiredException(getMessage(), command, limit, stdout, stderr);
    }

    /**
     * The command that was run; null after serialization.
     *
     * @since 0.1
     */
    public @Nullable Command command() {
        return command;
    }

    /**
     * The time limit.
     *
     * @since 0.1
     */
    public Duration limit() {
        return limit;
    }

    /**
     * The output it had written; null if that was not a pipe.
     *
     * @since 0.1
     */
    public byte @Nullable [] stdout() {
        return stdout;
    }

    /**
     * The output it had written; null if that was not a pipe.
     *
     * @since 0.1
     */
    public byte @Nullable [] stderr() {
        return stderr;
    }

    /**
     * {@link #stdout} as UTF-8; empty if it was not a pipe.
     *
     * @since 0.1
     */
    public String out() {
        return Output.text(stdout);
    }

    /**
     * {@link #stderr} as UTF-8; empty if it was not a pipe.
     *
     * @since 0.1
     */
    public String err() {
        return Output.text(stderr);
    }
}
