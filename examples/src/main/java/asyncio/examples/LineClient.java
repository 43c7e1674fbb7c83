package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static java.nio.charset.StandardCharsets.UTF_8;

import asyncio.Task;
import asyncio.streams.StreamConnection;
import asyncio.streams.StreamWriter;
import asyncio.streams.Streams;
import java.io.IOException;
import java.util.List;
import reactor.core.publisher.Mono;

/** Sends lines to a {@link LineServer} and checks its answers. */
final class LineClient {
    private LineClient() {}

    /** The number of answers, all of them correct. */
    static Mono<Integer> check(int port, List<byte[]> lines, List<String> answers) {
        return async(() -> {
            try (StreamConnection connection = await(Streams.openConnection("127.0.0.1", port))) {
                // sends while this body reads: with one task, each end might wait for the other one to read
                Task<Void> sender = createTask(send(connection.writer(), lines));
                for (String expected : answers) {
                    byte[] answer = await(connection.reader().readLine());
                    if (answer == null || !expected.equals(new String(answer, UTF_8))) {
                        throw new IOException("Expected the answer " + expected.strip() + ", got "
                                + (answer == null ? "the end of the stream" : new String(answer, UTF_8).strip()));
                    }
                }
                await(sender);
                return answers.size();
            }
        });
    }

    private static Mono<Void> send(StreamWriter writer, List<byte[]> lines) {
        return async(() -> {
            for (byte[] line : lines) {
                writer.write(line);
                await(writer.drain());
            }
            writer.writeEof();
        });
    }
}
