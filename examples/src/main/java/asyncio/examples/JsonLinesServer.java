package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static java.nio.charset.StandardCharsets.UTF_8;

import asyncio.Asyncio;
import asyncio.TaskGroup;
import asyncio.streams.StreamReader;
import asyncio.streams.StreamWriter;
import asyncio.streams.Streams;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A server that speaks JSON lines on its standard streams, as servers of the Model Context Protocol do; the other side
 * of {@link JsonLinesClient}. Requests are processed concurrently, and answered as they finish. It ends with its stdin:
 * that is how a client closes it. A real server would read JSON with a library.
 */
public final class JsonLinesServer {
    private static final Pattern REQUEST =
            Pattern.compile("\\{\"jsonrpc\":\"2.0\",\"id\":(\\d+),\"method\":\"([^\"]*)\",\"params\":(.*)}\\s*");

    private final StreamWriter answers;

    private JsonLinesServer(StreamWriter answers) {
        this.answers = answers;
    }

    /** Serves until the end of stdin. */
    public static void main(String[] arguments) throws Exception {
        System.setOut(System.err); // output printed by libraries must not mix with the answers
        Asyncio.run(() -> {
            StreamReader requests = await(Streams.stdin(16 << 20));
            JsonLinesServer server = new JsonLinesServer(await(Streams.stdout()));
            await(TaskGroup.scopeBody(group -> {
                for (byte[] line; (line = await(requests.readLine())) != null; ) {
                    Matcher request = REQUEST.matcher(new String(line, UTF_8));
                    if (request.matches()) { // otherwise it is a notification
                        group.createTask(
                                async(() -> server.serve(request.group(1), request.group(2), request.group(3))));
                    }
                }
                group.cancel(); // the client is gone
                return requests.atEof();
            }));
        });
    }

    private void serve(String id, String method, String params) throws Exception {
        String outcome = switch (method) {
            case "tools/list" -> "\"result\":{\"tools\":[{\"name\":\"echo\"},{\"name\":\"wait\"}]}";
            case "echo" -> "\"result\":" + params;
            case "wait" -> {
                await(sleep(Duration.ofMillis(Long.parseLong(params))));
                yield "\"result\":true";
            }
            default -> "\"error\":{\"code\":-32601,\"message\":\"Method not found\"}";
        };
        answers.write("{\"jsonrpc\":\"2.0\",\"id\":" + id + "," + outcome + "}\n"); // at once: nothing comes in between
        await(answers.drain());
    }
}
