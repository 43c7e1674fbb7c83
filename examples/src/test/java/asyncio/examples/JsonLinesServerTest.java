package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.Task;
import asyncio.subprocess.Command;
import asyncio.subprocess.Output;
import asyncio.subprocess.Stdio;
import asyncio.subprocess.Subprocess;
import java.io.File;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

/** The server as a child of its client, each in its own JVM. */
@Timeout(120)
class JsonLinesServerTest {
    private static final Command SERVER = Command.of(
                    System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
                    JsonLinesServer.class.getName())
            .env("CLASSPATH", System.getProperty("java.class.path"))
            .exitGrace(Duration.ofSeconds(60));

    @Test
    void aClientIsAnsweredOutOfOrder() throws Exception {
        Asyncio.run(() -> await(JsonLinesClient.use(
                SERVER,
                client -> async(() -> {
                    Task<String> slow = createTask(client.call("wait", "3600000"));
                    assertThat(await(client.call("tools/list", "{}"))).contains("\"name\":\"echo\"");
                    assertThat(await(client.call("no/such", "{}"))).contains("\"code\":-32601");
                    String large = "\"" + "x".repeat(1_000_000) + "\"";
                    List<Mono<String>> calls = new ArrayList<>();
                    for (int i = 0; i < 10; i++) {
                        calls.add(client.call("echo", large));
                    }
                    assertThat(await(gather(calls))).allMatch(answer -> answer.endsWith(large + "}"));
                    assertThat(slow.done()).isFalse();
                    slow.cancel();
                    return null;
                }))));
    }

    @Test
    void theEndOfStdinEndsTheServerAndWhatItDoes() throws Exception {
        String requests = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wait\",\"params\":3600000}\n"
                + "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n";
        Output output = Subprocess.run(SERVER.stderr(Stdio.PIPE), requests.getBytes(UTF_8))
                .block();
        assertThat(output.returnCode()).as(output.err()).isZero();
        assertThat(output.out()).isEmpty();
    }
}
