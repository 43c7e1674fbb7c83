package asyncio.subprocess;

import asyncio.streams.BaseTransport;
import asyncio.streams.Transport;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A child process as a transport, with a transport for each of its pipes. Made by {@link Subprocess#execProtocol} and
 * {@link Subprocess#shellProtocol}.
 *
 * <p><b>Threading.</b> Every method may be called on any thread.
 *
 * <p>{@link #getExtraInfo(String)} knows {@code subprocess}, the {@link Subprocess}, of whose streams the protocol has
 * the bytes.
 *
 * <p>asyncio: {@code SubprocessTransport}.
 *
 * @since 0.1
 */
public interface SubprocessTransport extends BaseTransport {
    /** The child's number: {@link Subprocess#pid}. */
    long getPid();

    /** Returns the exit code; empty while it runs: {@link Subprocess#returnCode}. */
    OptionalInt getReturnCode();

    /**
     * The transport of a pipe: of its stdin (0), to write to and to close; of its stdout (1) and stderr (2), to pause
     * and to close. Null if that is no pipe.
     *
     * @throws IllegalArgumentException for other numbers
     */
    @Nullable Transport getPipeTransport(int fd);

    /** Sends a signal: {@link Subprocess#sendSignal}. Nothing happens until subscription. */
    Mono<Void> sendSignal(String signal);

    /**
     * Asks it to end: SIGTERM.
     *
     * @throws ProcessLookupException if it has ended
     */
    void terminate();

    /**
     * Ends it: SIGKILL.
     *
     * @throws ProcessLookupException if it has ended
     */
    void kill();

    /**
     * Kills the child at once, if it runs, and closes its pipes. {@link SubprocessProtocol#connectionLost} is called
     * after its exit. Closing twice does nothing. Unlike {@link Subprocess#close} it is not gentle, and its descendants
     * go on.
     */
    @Override
    void close();
}
