package asyncio.streams;

/**
 * The work of a server for one connection, as a straight-line body, which may {@link asyncio.Asyncio#await await}.
 *
 * <p>asyncio: a {@code client_connected_cb} that is a coroutine.
 */
@FunctionalInterface
public interface ConnectionHandler {
    /**
     * Serves a connection. It runs as a {@link asyncio.Task} on the server's loop. When it returns the connection stays
     * open: close its writer.
     *
     * @throws Exception whatever goes wrong: it is reported to the loop's exception handler, and the connection is
     *     closed
     */
    void handle(StreamConnection connection) throws Exception;
}
