package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.cleanup;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.waitFor;
import static java.nio.charset.StandardCharsets.UTF_8;

import asyncio.Future;
import asyncio.Task;
import asyncio.subprocess.Command;
import asyncio.subprocess.Stdio;
import asyncio.subprocess.Subprocess;
import java.io.EOFException;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import reactor.core.publisher.Mono;

/**
 * A client of a child process that speaks JSON lines on its standard streams (JSON-RPC, as servers of the Model Context
 * Protocol do). Any number of callers at once: each request has an id, and its answer returns that id, in any order. A
 * call that takes too long fails alone. If the server ends, or sends an invalid answer, all waiting calls fail; at the
 * end of the scope it is closed, and killed if it does not react to that. For use on one loop.
 *
 * <pre>{@code
 * Mono<String> tools = JsonLinesClient.use(
 *         Command.of("npx", "-y", "some-mcp-server"), client -> client.call("tools/list", "{}"));
 * }</pre>
 */
public final class JsonLinesClient {
    private static final Duration CALL_LIMIT = Duration.ofSeconds(30);

    private final Subprocess server;
    private final Map<Long, Future<String>> waiting = new HashMap<>();
    private final Task<Void> answers;
    private long lastId;

    private JsonLinesClient(Subprocess server) {
        this.server = server;
        this.answers = createTask(async(this::readAnswers));
    }

    /**
     * Starts a server, works with it, and ends it. Its stderr is that of this process. Nothing happens until
     * subscription; a cancelled task resumes when the server is gone.
     */
    public static <T> Mono<T> use(Command server, Function<JsonLinesClient, Mono<T>> work) {
        return Subprocess.use(
                server.stdin(Stdio.PIPE).stdout(Stdio.PIPE).limit(16 << 20),
                child -> Mono.usingWhen(
                        Mono.fromSupplier(() -> new JsonLinesClient(child)), work, client -> cleanup(client.stop())));
    }

    /**
     * Sends a request, and returns the line of its answer. Nothing happens until subscription. Fails with
     * {@link java.util.concurrent.TimeoutException} after 30 seconds, with {@link IOException} if the server has ended;
     * cancelling drops the answer.
     *
     * @param method a name as JSON would write it
     * @param params JSON, on any number of lines
     */
    public Mono<String> call(String method, String params) {
        return async(() -> await(waitFor(async(() -> send(method, params)), CALL_LIMIT)));
    }

    private String send(String method, String params) throws Exception {
        if (answers.done()) {
            throw new IOException("The server has ended: " + server);
        }
        long id = ++lastId;
        Future<String> answer = new Future<>();
        waiting.put(id, answer);
        try {
            String line = "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":\"" + method + "\",\"params\":"
                    + params.replace('\n', ' ').replace('\r', ' ') + "}\n"; // which occur only between JSON tokens
            server.stdin().write(line); // at once: no other caller's request comes in between
            await(server.stdin().drain()); // a server that does not read suspends its callers, and holds no memory
            return await(answer);
        } finally {
            waiting.remove(id); // also that of a cancelled caller: the answer is dropped
        }
    }

    private void readAnswers() {
        Throwable end;
        try {
            for (byte[] bytes; (bytes = await(server.stdout().readLine())) != null; ) {
                String line = new String(bytes, UTF_8).strip();
                Map<String, String> members = members(line);
                if (members.containsKey("method")) {
                    continue; // a notification, or a request of the server: this client offers nothing
                }
                String id = members.getOrDefault("id", "");
                if (!id.matches("\\d{1,18}")) {
                    throw new IOException("Not an answer: " + line);
                }
                Future<String> caller = waiting.get(Long.parseLong(id));
                if (caller != null) {
                    caller.trySetResult(line);
                }
            }
            end = new EOFException("The server has closed its stdout: " + server);
        } catch (Exception e) {
            end = e;
        }
        for (Future<String> caller : waiting.values()) {
            caller.trySetException(end);
        }
    }

    /**
     * The names in the outermost object, with the numbers that follow them: as much JSON as is needed to match answers,
     * which may also have an id and a method inside. The callers parse their content.
     */
    private static Map<String, String> members(String json) {
        Map<String, String> members = new HashMap<>();
        int depth = 0;
        int nameBegin = 0;
        int nameEnd = 0;
        for (int i = 0; i < json.length(); i++) {
            char c = json.charAt(i);
            if (c == '{' || c == '[') {
                depth++;
            } else if (c == '}' || c == ']') {
                depth--;
            } else if (c == '"') {
                nameBegin = i + 1;
                do {
                    i += i + 1 < json.length() && json.charAt(i) == '\\' ? 2 : 1;
                } while (i < json.length() && json.charAt(i) != '"');
                nameEnd = Math.min(i, json.length());
            } else if (c == ':' && depth == 1) {
                int begin = i + 1;
                while (i + 1 < json.length() && "-0123456789 \t".indexOf(json.charAt(i + 1)) >= 0) {
                    i++;
                }
                members.put(
                        json.substring(nameBegin, nameEnd),
                        json.substring(begin, i + 1).strip());
            }
        }
        return members;
    }

    /** Fails the calls that are still waiting; the scope ends the child. */
    private Mono<Void> stop() {
        return answers.cancelAndJoin();
    }
}
