package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Task;
import asyncio.TaskGroup;
import asyncio.streams.ConnectionHandler;
import asyncio.streams.Server;
import asyncio.streams.StreamConnection;
import asyncio.streams.Streams;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;

/**
 * Real sockets under virtual time: a chat server that greets clients, passes messages on, and drops clients that are
 * silent for ten minutes.
 */
@Timeout(120)
@ExtendWith(AsyncioExtension.class)
class ChatServerTest {
    private static final Duration PATIENCE = Duration.ofMinutes(10);

    private final Map<String, StreamConnection> members = new LinkedHashMap<>();
    private @Nullable Server server;

    @BeforeEach
    void start() throws Exception {
        listen(this::member);
    }

    @AfterEach
    void stop() throws Exception {
        closeServer();
        assertThat(members).isEmpty();
    }

    void listen(ConnectionHandler handler) throws Exception {
        server = await(Streams.startServerBody(handler, "127.0.0.1", 0));
    }

    Mono<StreamConnection> connect() {
        assertThat(server).isNotNull();
        return Streams.openConnection("127.0.0.1", server.port());
    }

    void closeServer() throws Exception {
        if (server != null) {
            await(server.closeAndWait());
        }
    }

    private void member(StreamConnection connection) throws Exception {
        try (connection) {
            String name = line(connection, PATIENCE);
            if (name == null) {
                return;
            }
            members.put(name, connection);
            try {
                tell(name + " is here");
                for (String said; (said = line(connection, PATIENCE)) != null; ) {
                    tell(name + ": " + said);
                }
                tell(name + " has left");
            } catch (TimeoutException e) {
                tell(name + " has fallen asleep");
            } finally {
                members.remove(name);
            }
        }
    }

    private void tell(String text) throws Exception {
        for (StreamConnection member : List.copyOf(members.values())) {
            member.writer().write(text + "\n");
            await(member.writer().drain());
        }
    }

    private static @Nullable String line(StreamConnection connection, Duration limit) throws Exception {
        byte[] line = await(waitFor(connection.reader().readLine(), limit));
        return line == null ? null : new String(line, UTF_8).strip();
    }

    private StreamConnection join(String name) throws Exception {
        StreamConnection connection = await(connect());
        connection.writer().write(name + "\n");
        return connection;
    }

    private static List<String> all(StreamConnection connection) throws Exception {
        List<String> lines = new ArrayList<>();
        for (String line; (line = line(connection, Duration.ofDays(1))) != null; ) {
            lines.add(line);
        }
        return lines;
    }

    @AsyncioTest
    void whoSaysNothingIsDroppedAfterTenMinutes(TaskGroup group, TestClock clock) throws Exception {
        StreamConnection ann = join("ann");
        assertThat(line(ann, PATIENCE)).isEqualTo("ann is here");
        StreamConnection bob = join("bob");
        assertThat(line(ann, PATIENCE)).isEqualTo("bob is here");
        Task<List<String>> heardByBob = createTask(async(() -> all(bob)));
        group.createTask(async(() -> {
            for (int hour = 0; hour < 12; hour++) {
                await(sleep(Duration.ofMinutes(5)));
                ann.writer().write("still here\n");
            }
            ann.writer().writeEof();
        }));
        List<String> heardByAnn = all(ann);
        assertThat(heardByAnn.stream().filter("ann: still here"::equals)).hasSize(12);
        assertThat(heardByAnn).contains("bob has fallen asleep").endsWith("ann has left");
        assertThat(clock.now()).isEqualTo(Duration.ofHours(1));
        assertThat(await(heardByBob)).startsWith("bob is here").endsWith("bob has fallen asleep");
        ann.close();
        bob.close();
    }

    @AsyncioTest
    void timeDoesNotPassWhileBytesAreUnderWay(TestClock clock) throws Exception {
        StreamConnection ann = join("ann");
        assertThat(line(ann, PATIENCE)).isEqualTo("ann is here");
        Task<Void> timer = createTask(sleep(PATIENCE.minusMillis(1)));
        for (int i = 0; i < 500; i++) {
            ann.writer().write("message " + i + "\n");
            assertThat(line(ann, Duration.ofMillis(1))).isEqualTo("ann: message " + i);
        }
        assertThat(clock.now()).isZero();
        timer.cancel();
        ann.close();
    }
}
