package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static java.nio.charset.StandardCharsets.UTF_8;

import asyncio.Future;
import asyncio.Task;
import asyncio.streams.StreamConnection;
import asyncio.streams.StreamReader;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Speaks RESP, Redis's protocol, over any connection. Commands go out without waiting for the replies to earlier ones
 * (pipelining): one task reads the replies, and gives each to the next command in line. For use on one loop.
 */
public final class RedisClient {
    private final StreamConnection connection;
    private final Queue<Future<Object>> waiting = new ArrayDeque<>();
    private final Task<Void> replies;

    /** Takes over the connection, on the running loop. */
    public RedisClient(StreamConnection connection) {
        this.connection = connection;
        this.replies = createTask(async(this::readReplies));
    }

    /**
     * Sends a command. The reply is a String, a Long, null for nil, or a List of these; an error is an
     * {@link IOException}.
     */
    public Future<Object> call(String... words) {
        ByteArrayOutputStream command = new ByteArrayOutputStream();
        command.writeBytes(("*" + words.length + "\r\n").getBytes(UTF_8));
        for (String word : words) {
            byte[] bytes = word.getBytes(UTF_8);
            command.writeBytes(("$" + bytes.length + "\r\n").getBytes(UTF_8));
            command.writeBytes(bytes);
            command.writeBytes("\r\n".getBytes(UTF_8));
        }
        Future<Object> reply = new Future<>();
        if (replies.done()) {
            reply.setException(new IOException("The connection to Redis is closed: " + connection));
            return reply;
        }
        waiting.add(reply);
        connection.writer().write(command.toByteArray());
        return reply;
    }

    /** Closes the connection; commands without a reply fail. */
    public Mono<Void> close() {
        return Mono.defer(() -> {
            connection.close();
            return replies.then(connection.writer().waitClosed());
        });
    }

    private void readReplies() {
        Throwable end;
        try {
            while (true) {
                Object reply = readReply(connection.reader());
                Future<Object> command = waiting.remove(); // a cancelled command also gets its reply
                if (reply instanceof IOException error) {
                    command.trySetException(error);
                } else {
                    command.trySetResult(reply);
                }
            }
        } catch (Exception e) {
            end = e;
        }
        connection.close();
        for (Future<Object> command : waiting) {
            command.trySetException(end);
        }
        waiting.clear();
    }

    private static @Nullable Object readReply(StreamReader reader) throws Exception {
        byte[] bytes = await(reader.readLine());
        if (bytes == null || bytes[bytes.length - 1] != '\n') {
            throw new EOFException("Redis has closed the connection");
        }
        String line = new String(bytes, 1, bytes.length - 3, UTF_8);
        switch (bytes[0]) {
            case '+':
                return line;
            case '-':
                return new IOException(line);
            case ':':
                return Long.valueOf(line);
            case '$':
                int length = Integer.parseInt(line);
                return length < 0 ? null : new String(await(reader.readExactly(length + 2)), 0, length, UTF_8);
            case '*':
                int count = Integer.parseInt(line);
                List<@Nullable Object> replies = new ArrayList<>();
                for (int i = 0; i < count; i++) {
                    replies.add(readReply(reader));
                }
                return count < 0 ? null : replies;
            default:
                throw new IOException("Not a reply of Redis: " + new String(bytes, UTF_8));
        }
    }
}
