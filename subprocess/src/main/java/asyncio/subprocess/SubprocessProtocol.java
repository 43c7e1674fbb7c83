package asyncio.subprocess;

import asyncio.streams.BaseProtocol;
import org.jspecify.annotations.Nullable;

/**
 * Receives the output of a child process, the ends of its pipes, and its exit. Every method does nothing unless it is
 * overridden.
 *
 * <pre>{@code
 * class Collecting implements SubprocessProtocol {
 *     final ByteArrayOutputStream output = new ByteArrayOutputStream();
 *     final Future<Void> over = EventLoop.getRunningLoop().createFuture();
 *
 *     @Override
 *     public void pipeDataReceived(int fd, byte[] data) {
 *         output.writeBytes(data);
 *     }
 *
 *     @Override
 *     public void connectionLost(Throwable cause) {
 *         over.setResult(null);
 *     }
 * }
 * }</pre>
 *
 * <p><b>Order.</b> {@link #connectionMade} first; {@link #connectionLost} last, when the child has exited and the last
 * of its pipes has ended. For each pipe, the data comes before its end; {@link #processExited} may come anywhere in
 * between. {@link #pauseWriting} and {@link #resumeWriting} refer to its stdin.
 *
 * <p><b>Errors.</b> An exception thrown by a method is reported to the loop's exception handler, with the protocol and
 * the transport, and the transport is closed, which kills the child; after {@code pauseWriting} and
 * {@code resumeWriting} it stays open.
 *
 * <p>asyncio: {@code SubprocessProtocol}.
 *
 * @see BaseProtocol about threads
 * @since 0.1
 */
public interface SubprocessProtocol extends BaseProtocol<SubprocessTransport> {
    /**
     * Called with bytes written by the child, as they arrive.
     *
     * @param fd 1 for its stdout, 2 for its stderr
     * @param data the bytes, owned by the protocol from here on
     */
    default void pipeDataReceived(int fd, byte[] data) {}

    /**
     * Called once for each pipe, when it has ended or was closed.
     *
     * @param fd 0 for its stdin, 1 for its stdout, 2 for its stderr
     * @param cause the error that broke it, such as {@link asyncio.streams.BrokenPipeException} if stdin was not read
     *     to its end; else null
     */
    default void pipeConnectionLost(int fd, @Nullable Throwable cause) {}

    /** Called once, when the child has exited: see {@link SubprocessTransport#getReturnCode}. */
    default void processExited() {}
}
