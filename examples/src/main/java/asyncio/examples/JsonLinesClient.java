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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import reactor.core.publisher.Mono;

/**
 * Asks a server that is a child of ours and speaks JSON lines on its standard streams (JSON-RPC, as servers of the
 * Model Context Protocol do). Any number of callers at once: each request has an id, and its answer brings that back,
 * in whichever order. A call that takes too long fails alone. If the server ends, or says what is no answer, all calls
 * fail that wait; at the end of the scope it is closed, and killed if it does not heed that. Used on one loop.
 *
 * <pre>{@code
 * Mono<String> tools = JsonLinesClient.use(
 *         Command.of("npx", "-y", "some-mcp-server"), client -> client.call("tools/list", "{}"));
 * }</pre>
 */
public final class JsonLinesClient {
    private static final Duration CALL_LIMIT = Duration.ofSeconds(30);
    /** Enough of JSON to match answers; what is in them is the callers' to parse. */
    private static final Pattern ID = Pattern.compile("\"id\"\\s*:\\s*(-?\\d+)");

    private static final Pattern METHOD = Pattern.compile("\"method\"\\s*:");

    private final Subprocess server;
    private final Map<Long, Future<String>> waiting = new HashMap<>();
    private final Task<Void> answers;
    private long lastId;

    private JsonLinesClient(Subprocess server) {
        this.server = server;
        this.answers = createTask(async(this::readAnswers));
    }

    /**
     * Starts a server, works with it, and ends it. Its stderr stays ours. Nothing happens until subscription; a task
     * that cancels this goes on when the server is gone.
     */
    public static <T> Mono<T> use(Command server, Function<JsonLinesClient, Mono<T>> work) {
        return Subprocess.use(
                server.stdin(Stdio.PIPE).stdout(Stdio.PIPE).limit(16 << 20),
                child -> Mono.usingWhen(
                        Mono.fromSupplier(() -> new JsonLinesClient(child)), work, client -> cleanup(client.stop())));
    }

    /**
     * Sends a request, and gives the line of its answer. Nothing happens until subscription. Fails with
     * {@link java.util.concurrent.TimeoutException} after 30 seconds, with {@link IOException} if the server has ended;
     * cancelling drops the answer.
     *
     * @param params JSON
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
            // one write for each request: no other caller's comes in between
            server.stdin()
                    .write("{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":\"" + method + "\",\"params\":" + params
                            + "}\n");
            await(server.stdin().drain()); // a server that does not read holds up its callers, and no memory
            return await(answer);
        } finally {
            waiting.remove(id); // also that of a caller who has gone: the answer finds nobody
        }
    }

    private void readAnswers() {
        Throwable end;
        try {
            for (byte[] bytes; (bytes = await(server.stdout().readLine())) != null; ) {
                String line = new String(bytes, UTF_8).strip();
                Matcher id = ID.matcher(line);
                if (METHOD.matcher(line).find()) {
                    continue; // a notification, or a request of the server's: this client has nothing to offer
                }
                if (!id.find()) {
                    throw new IOException("Not an answer: " + line);
                }
                Future<String> caller = waiting.get(Long.parseLong(id.group(1)));
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

    /** Calls that still wait fail; the child is its scope's. */
    private Mono<Void> stop() {
        return answers.cancelAndJoin();
    }
}
