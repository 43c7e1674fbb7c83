package asyncio.streams;

/**
 * Handles one connection of a server as a straight-line body, which may {@link asyncio.Asyncio#await await}.
 *
 * <pre>{@code
 * ConnectionHandler upper = connection -> {
 *     for (byte[] line; (line = await(connection.reader().readLine())) != null; ) {
 *         connection.writer().write(new String(line, UTF_8).toUpperCase());
 *         await(connection.writer().drain());
 *     }
 * };
 * }</pre>
 *
 * <p>asyncio: a {@code client_connected_cb} that is a coroutine.
 */
@FunctionalInterface
public interface ConnectionHandler {
    /**
     * Serves a connection. Runs as a {@link asyncio.Task} on the server's loop. When it returns, the connection stays
     * open until its writer is closed.
     *
     * @throws Exception if handling fails: it is reported to the loop's exception handler, and the connection is closed
     */
    void handle(StreamConnection connection) throws Exception;
}
