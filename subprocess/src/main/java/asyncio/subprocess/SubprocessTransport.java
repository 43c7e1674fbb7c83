package asyncio.subprocess;

import asyncio.streams.BaseTransport;
import asyncio.streams.Transport;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A child process as a transport, with a transport for each of its pipes. Created by {@link Subprocess#execProtocol}
 * and {@link Subprocess#shellProtocol}.
 *
 * <p><b>Threading.</b> Every method may be called on any thread.
 *
 * <p>{@link #getExtraInfo(String)} knows {@code subprocess}, the {@link Subprocess}; the bytes of its streams go to the
 * protocol.
 *
 * <pre>{@code
 * SubprocessTransport child =
 *         await(Subprocess.execProtocol(() -> new SubprocessProtocol() {}, Command.of("sleep", "60"))).transport();
 * child.terminate();
 * }</pre>
 *
 * <p>asyncio: {@code SubprocessTransport}.
 *
 * @since 0.1
 */
public interface SubprocessTransport extends BaseTransport {
    /** The child's process ID: {@link Subprocess#pid}. */
    long getPid();

    /** Returns the exit code; empty while it runs: {@link Subprocess#returnCode}. */
    OptionalInt getReturnCode();

    /**
     * The transport of a pipe: stdin (0) can be written to and closed, stdout (1) and stderr (2) can be paused and
     * closed. Null if the stream is not a pipe.
     *
     * @throws IllegalArgumentException for other numbers
     */
    @Nullable Transport getPipeTransport(int fd);

    /** Sends a signal: {@link Subprocess#sendSignal}. Nothing happens until subscription. */
    Mono<Void> sendSignal(String signal);

    /**
     * Asks the child to end: SIGTERM.
     *
     * @throws ProcessLookupException if it has ended
     */
    void terminate();

    /**
     * Kills the child: SIGKILL.
     *
     * @throws ProcessLookupException if it has ended
     */
    void kill();

    /**
     * Kills the child at once, if it runs, and closes its pipes. {@link SubprocessProtocol#connectionLost} is called
     * after its exit. Closing twice does nothing. Unlike {@link Subprocess#close}, this gives the child no time to end
     * by itself, and its descendants keep running.
     */
    @Override
    void close();
}
