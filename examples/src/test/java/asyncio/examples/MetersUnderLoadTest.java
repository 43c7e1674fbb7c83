package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import asyncio.metrics.AsyncioMetrics;
import asyncio.streams.Server;
import asyncio.streams.StreamConnection;
import asyncio.streams.Streams;
import asyncio.subprocess.Command;
import asyncio.subprocess.Stdio;
import asyncio.subprocess.Subprocess;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

/** The meters of a loop with many connections, children and tasks, compared with the work that the test does. */
@Timeout(120)
class MetersUnderLoadTest {
    private static final int CLIENTS = 100;
    private static final int ROUNDS = 10;
    private static final int CHILDREN = 10;
    private static final byte[] LINE = {'a', '\n'};

    private final EventLoop loop = EventLoop.newEventLoop();
    private final MeterRegistry registry = new SimpleMeterRegistry();

    @AfterEach
    void close() {
        loop.close();
    }

    private double gauge(String name) {
        return registry.get("asyncio.loop." + name).gauge().value();
    }

    private double ended(String outcome) {
        return registry.get("asyncio.tasks.ended")
                .tag("outcome", outcome)
                .counter()
                .count();
    }

    private static Mono<Void> echo(StreamConnection client) {
        return async(() -> {
            for (byte[] line = await(client.reader().readLine());
                    line != null;
                    line = await(client.reader().readLine())) {
                client.writer().write(line);
            }
            client.close();
        });
    }

    @Test
    void connectionsChildrenAndTasksAreWhatTheTestHasMade() throws Exception {
        List<Double> most = new ArrayList<>();
        loop.runUntilComplete(async(() -> {
            Server server = await(Streams.startServer(MetersUnderLoadTest::echo, "127.0.0.1", 0));
            StreamConnection early = await(Streams.openConnection("127.0.0.1", server.port()));
            AsyncioMetrics.bindTo(registry, loop); // counts those that are open already
            List<Task<Void>> clients = new ArrayList<>();
            Future<Void> end = loop.createFuture();
            for (int i = 0; i < CLIENTS; i++) {
                clients.add(loop.createTask(async(() -> {
                    try (StreamConnection client = await(Streams.openConnection("127.0.0.1", server.port()))) {
                        for (int round = 0; round < ROUNDS; round++) {
                            client.writer().write(LINE);
                            assertThat(await(client.reader().readLine())).isEqualTo(LINE);
                        }
                        most.add(gauge("connections"));
                        await(end);
                    }
                })));
            }
            List<Subprocess> children = new ArrayList<>();
            for (int i = 0; i < CHILDREN; i++) {
                children.add(await(Subprocess.start(Command.of("cat").stdin(Stdio.PIPE))));
                assertThat(gauge("children")).isEqualTo(children.size());
            }
            while (most.size() < CLIENTS) {
                await(sleep(Duration.ofMillis(1)));
            }
            assertThat(gauge("connections")).isEqualTo(2 * (CLIENTS + 1)); // both sides of each
            assertThat(gauge("tasks")).isEqualTo(CLIENTS + 2 * (CLIENTS + 1) + 1); // a handler with its body; this one
            assertThat(gauge("channels"))
                    .isEqualTo(2 * (CLIENTS + 1) + 1 + CHILDREN); // the server; stdin of each child

            for (Subprocess child : children) {
                await(child.closeAndWait());
            }
            assertThat(gauge("children")).isZero();
            end.setResult(null);
            await(gather(clients));
            early.close();
            await(server.closeAndWait());
            while (gauge("connections") > 0 || loop.statistics().tasks() > 1) { // the clients' ends, the last handlers
                await(sleep(Duration.ofMillis(1)));
            }
        }));
        assertThat(most).allMatch(open -> open >= 2 && open <= 2 * (CLIENTS + 1));
        assertThat(ended("result")).isEqualTo(CLIENTS + 2 * (CLIENTS + 1) + 1);
        assertThat(ended("exception") + ended("cancelled")).isZero();
        assertThat(registry.get("asyncio.exceptions").counter().count()).isZero();
    }
}
