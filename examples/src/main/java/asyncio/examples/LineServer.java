package asyncio.examples;

import static asyncio.Asyncio.await;
import static java.nio.charset.StandardCharsets.UTF_8;

import asyncio.streams.Server;
import asyncio.streams.StreamConnection;
import asyncio.streams.Streams;
import reactor.core.publisher.Mono;

/**
 * Answers each line with its length in bytes and its number of words: {@code "to be or not\n"} with {@code "12 4\n"}.
 */
final class LineServer {
    /** The longest accepted line, in bytes. */
    static final int LIMIT = 1 << 20;

    private LineServer() {}

    /** Port 0 lets the system choose one. */
    static Mono<Server> start(int port) {
        return Streams.startServerBody(LineServer::serve, "127.0.0.1", port, LIMIT);
    }

    /** One connection, from its first line to its last. */
    private static void serve(StreamConnection connection) throws Exception {
        try (connection) {
            byte[] line;
            while ((line = await(connection.reader().readLine())) != null) {
                connection.writer().write(answerTo(line));
                await(connection.writer().drain());
            }
        }
    }

    static String answerTo(byte[] line) {
        String text = new String(line, UTF_8).strip();
        int words = text.isEmpty() ? 0 : text.split("\\s+").length;
        boolean hasNewline = line.length > 0 && line[line.length - 1] == '\n';
        return (hasNewline ? line.length - 1 : line.length) + " " + words + "\n";
    }
}
