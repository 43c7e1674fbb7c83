package asyncio.subprocess;

import asyncio.streams.BaseProtocol;
import org.jspecify.annotations.Nullable;

/**
 * The receiver of what a child process writes, of the ends of its pipes, and of its exit. Every method does nothing
 * unless it is overridden.
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
 * of its pipes has ended. Of each pipe the data comes before its end; {@link #processExited} may come anywhere among
 * these. {@link #pauseWriting} and {@link #resumeWriting} are about its stdin.
 *
 * <p><b>Errors.</b> An exception of a method goes to the loop's exception handler, with the protocol and the transport,
 * and the transport is closed, which kills the child; after {@code pauseWriting} and {@code resumeWriting} it stays.
 *
 * <p>asyncio: {@code SubprocessProtocol}.
 *
 * @see BaseProtocol about threads
 * @since 0.1
 */
public interface SubprocessProtocol extends BaseProtocol<SubprocessTransport> {
    /**
     * Called with bytes that the child has written, as they come.
     *
     * @param fd 1 for its stdout, 2 for its stderr
     * @param data the protocol's own from here on
     */
    default void pipeDataReceived(int fd, byte[] data) {}

    /**
     * Called once for each pipe, when it has ended or was closed.
     *
     * @param fd 0 for its stdin, 1 for its stdout, 2 for its stderr
     * @param cause what broke it, such as a {@link asyncio.streams.BrokenPipeException} of a stdin that was not read to
     *     its end; else null
     */
    default void pipeConnectionLost(int fd, @Nullable Throwable cause) {}

    /** Called once, when the child has exited: {@link SubprocessTransport#getReturnCode} tells how. */
    default void processExited() {}
}
