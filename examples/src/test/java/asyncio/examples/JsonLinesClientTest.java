package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.Task;
import asyncio.subprocess.Command;
import java.io.EOFException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

/** A server as a child process: answers out of order, no answer, nonsense, its end, and a refusal to end. */
@Timeout(30)
class JsonLinesClientTest {
    /** Answers each request with its params, the first of two only after the second; sends other lines in between. */
    private static final Command SWAPS = server(
            "while read a && read b; do echo '{\"method\":\"log\",\"id\":1}'; answer \"$b\"; answer \"$a\"; done");

    private static final Command ECHOES = server("while read a; do answer \"$a\"; done");
    private static final Command HANGS = server("trap '' TERM; while :; do sleep 0.05; done")
            .exitGrace(Duration.ofMillis(50))
            .terminateGrace(Duration.ofMillis(50));
    private static final Command ENDS = server("read a; exit 3");
    private static final Command BABBLES = server("read a; echo hello; read a");

    private static Command server(String loop) {
        return Command.shell("answer() { id=${1#*\"id\\\":\"}; p=${1#*\"params\\\":\"};"
                + " echo \"{\\\"jsonrpc\\\":\\\"2.0\\\",\\\"id\\\":${id%%,*},\\\"result\\\":${p%\\}}}\"; }; " + loop);
    }

    @AfterEach
    void noServerIsLeft() {
        assertThat(ProcessHandle.current().children()).isEmpty();
    }

    @Test
    void answersFindTheirCallers() throws Exception {
        Asyncio.run(() -> {
            String both = await(JsonLinesClient.use(
                    SWAPS, client -> Mono.zip(client.call("a", "1"), client.call("b", "2"), (a, b) -> a + b)));
            assertThat(both)
                    .isEqualTo(
                            "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":2}");
        });
    }

    @Test
    void anIdAndAMethodInsideAnAnswerAreItsOwnAffair() throws Exception {
        Command answersOutOfOrder = Command.shell("read a; read b; cat <<'END'\n"
                + "{\"result\":{\"id\":1,\"method\":\"no\",\"text\":\"\\\\\\\"id\\\": 1}{\"},\"id\":2}\n"
                + "{\"id\" : 1, \"result\":[{\"method\":2,\"id\":2}]}\nEND\nread a");
        Asyncio.run(() -> {
            List<String> answers = await(JsonLinesClient.use(
                    answersOutOfOrder, client -> gather(client.call("a", "{\n}"), client.call("b", "[\r\n]"))));
            assertThat(answers.get(0)).startsWith("{\"id\" : 1");
            assertThat(answers.get(1)).endsWith("\"id\":2}");
        });
    }

    @Test
    void hundredsOfCallersAtOnce() throws Exception {
        Asyncio.run(() -> {
            List<String> answers = await(JsonLinesClient.use(ECHOES, client -> {
                List<Mono<String>> calls = new ArrayList<>();
                for (int i = 1; i <= 500; i++) {
                    calls.add(client.call("echo", "\"" + "x".repeat(200) + i + "\""));
                }
                return gather(calls);
            }));
            for (int i = 1; i <= 500; i++) {
                assertThat(answers.get(i - 1)).contains("\"id\":" + i + ",").endsWith("x" + i + "\"}");
            }
        });
    }

    @Test
    void aCallThatTakesTooLongFailsAloneAndAServerThatHangsIsKilled() throws Exception {
        Asyncio.run(() -> assertThatThrownBy(() -> await(JsonLinesClient.use(
                        HANGS, client -> waitFor(client.call("wait", "{}"), Duration.ofMillis(50)))))
                .isInstanceOf(TimeoutException.class));
    }

    @Test
    void aCallerWhoGoesLeavesTheOthers() throws Exception {
        Asyncio.run(() -> {
            String second = await(JsonLinesClient.use(
                    SWAPS,
                    client -> async(() -> {
                        Task<String> first = createTask(client.call("gone", "1"));
                        await(sleep(Duration.ofMillis(20)));
                        first.cancel();
                        assertThatThrownBy(() -> await(first)).isInstanceOf(CancelledException.class);
                        return await(client.call("stays", "2"));
                    })));
            assertThat(second).contains("\"result\":2");
        });
    }

    @Test
    void theEndOfTheServerIsTheEndOfAllCalls() throws Exception {
        Asyncio.run(() -> {
            await(JsonLinesClient.use(
                    ENDS,
                    client -> async(() -> {
                        Task<String> one = createTask(client.call("one", "1"));
                        Task<String> two = createTask(client.call("two", "2"));
                        assertThatThrownBy(() -> await(one)).isInstanceOf(EOFException.class);
                        assertThatThrownBy(() -> await(two)).isInstanceOf(IOException.class);
                        assertThatThrownBy(() -> await(client.call("three", "3")))
                                .isInstanceOf(IOException.class);
                    })));
            assertThatThrownBy(() -> await(JsonLinesClient.use(BABBLES, client -> client.call("what", "1"))))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("hello");
        });
    }

    @Test
    void aCancelledScopeLeavesNoServer() throws Exception {
        Asyncio.run(() -> {
            Task<String> work = createTask(JsonLinesClient.use(HANGS, client -> client.call("wait", "{}")));
            await(sleep(Duration.ofMillis(100)));
            work.cancel();
            assertThatThrownBy(() -> await(work)).isInstanceOf(CancelledException.class);
            assertThat(ProcessHandle.current().children()).isEmpty();
        });
    }
}
