package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.Future;
import asyncio.Task;
import asyncio.streams.LeakCheck;
import asyncio.streams.Server;
import asyncio.streams.StreamConnection;
import asyncio.streams.Streams;
import io.netty.channel.ChannelOption;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;

/** The same script has the same effects over TCP and in memory. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ExtendWith(LeakCheck.class)
class SocketParityTest {
    /** Records the events of the two ends. */
    interface Script {
        void run(StreamConnection client, StreamConnection server, List<String> seen) throws Exception;
    }

    private static DynamicTest test(String name, Script script) {
        return DynamicTest.dynamicTest(name, () -> {
            List<String> overTcp = new ArrayList<>();
            Asyncio.run(() -> {
                Future<StreamConnection> accepted = new Future<>();
                try (Server listener = await(Streams.startServerBody(accepted::setResult, "127.0.0.1", 0));
                        StreamConnection client = await(Streams.openConnection("127.0.0.1", listener.port()));
                        StreamConnection server = await(accepted)) {
                    script.run(client, server, overTcp);
                }
            });
            List<String> inMemory = new ArrayList<>();
            Asyncio.run(() -> {
                try (MemoryPair pair = MemoryPair.open()) {
                    script.run(pair.client(), pair.server(), inMemory);
                }
            });
            assertThat(inMemory).isEqualTo(overTcp).isNotEmpty();
        });
    }

    private static String outcome(Mono<?> work) throws Exception {
        try {
            Object result = await(Asyncio.waitFor(work, Duration.ofSeconds(10)));
            return result instanceof byte[] bytes ? new String(bytes, UTF_8) : "" + result;
        } catch (IOException e) {
            // the messages of operating systems differ: "Broken pipe", "Connection reset by peer"
            return "lost";
        }
    }

    private static void reset(StreamConnection end) {
        end.writer().channel().config().setOption(ChannelOption.SO_LINGER, 0);
        end.close();
    }

    /** Epoll notices only at the second write. */
    private static void writeUntilLost(StreamConnection end) throws Exception {
        do {
            end.writer().write("x");
            await(sleep(Duration.ofMillis(1)));
        } while (!outcome(end.writer().drain()).equals("lost"));
    }

    @TestFactory
    Stream<DynamicTest> scripts() {
        return Stream.of(
                test("question and answer, then the end", (client, server, seen) -> {
                    client.writer().write("question\n");
                    seen.add(outcome(server.reader().readLine()));
                    server.writer().write("answer\n");
                    server.close();
                    seen.add(outcome(client.reader().readLine()));
                    seen.add(outcome(client.reader().readLine()));
                    seen.add(client.reader().atEof() + " " + client.writer().isClosing());
                    seen.add(outcome(server.writer().waitClosed()));
                }),
                test("half-close, and the answer afterwards", (client, server, seen) -> {
                    client.writer().write("all");
                    client.writer().writeEof();
                    seen.add(outcome(server.reader().readAll()));
                    seen.add(
                            "" + client.writer().canWriteEof() + server.writer().isClosing());
                    server.writer().write("answer");
                    server.writer().writeEof();
                    seen.add(outcome(client.reader().readAll()));
                    seen.add("" + client.writer().isClosing() + server.writer().isClosing());
                    seen.add(outcome(client.writer().drain()));
                }),
                test("a reset while the other reads", (client, server, seen) -> {
                    Task<String> read =
                            createTask(async(() -> outcome(client.reader().readLine())));
                    await(sleep(Duration.ZERO));
                    reset(server);
                    seen.add(await(read));
                    seen.add(outcome(client.reader().read(1)));
                    seen.add(outcome(client.writer().drain()));
                    seen.add(outcome(client.writer().waitClosed()));
                    seen.add(outcome(server.writer().waitClosed()));
                    seen.add("" + client.writer().isClosing());
                }),
                test("writing to one that has closed", (client, server, seen) -> {
                    server.close();
                    await(server.writer().waitClosed());
                    seen.add(outcome(client.reader().readLine()));
                    writeUntilLost(client);
                    seen.add(outcome(client.writer().waitClosed()));
                }),
                test("both close", (client, server, seen) -> {
                    client.writer().write("a");
                    server.writer().write("b");
                    seen.add(outcome(
                            gather(server.reader().read(1), client.reader().read(1))
                                    .map(both -> both.size())));
                    client.close();
                    server.close();
                    seen.add(outcome(client.writer().waitClosed()));
                    seen.add(outcome(server.writer().waitClosed()));
                    seen.add(outcome(client.reader().read(1)));
                }),
                test("closing with bytes unread", (client, server, seen) -> {
                    client.writer().write("x".repeat(1_000_000)); // the reader is paused, and the rest is under way
                    await(sleep(Duration.ofMillis(20)));
                    server.close();
                    // on NIO the end of the stream comes before the reset, which an end that neither reads nor writes
                    // does not see
                    writeUntilLost(client);
                    seen.add(outcome(client.writer().waitClosed()));
                    seen.add(outcome(server.writer().waitClosed()));
                }),
                test("a reader that is paused, and gets all in the end", (client, server, seen) -> {
                    client.writer().write("x".repeat(3_000_000) + "\n");
                    client.close();
                    await(sleep(Duration.ofMillis(20)));
                    int bytes = 0;
                    for (byte[] piece; (piece = await(server.reader().read(70_000))) != null; ) {
                        bytes += piece.length;
                    }
                    seen.add("" + bytes);
                    seen.add(outcome(client.writer().waitClosed()));
                }));
    }
}
