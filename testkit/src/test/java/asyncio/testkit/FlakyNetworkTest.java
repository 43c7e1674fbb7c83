package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.EventLoop;
import asyncio.VirtualTime;
import asyncio.streams.LeakCheck;
import asyncio.streams.StreamConnection;
import java.io.EOFException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** A client of a line-based protocol, over a network that breaks at every byte in turn. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ExtendWith(LeakCheck.class)
class FlakyNetworkTest {
    private static final String REQUEST = "add 40 2\n";
    private static final String ANSWER = "42\n";
    /** Longer than three attempts with their pauses. */
    private static final Duration LONG = Duration.ofSeconds(10);

    /** Asks until it has an answer, at most three times. */
    private static class Client {
        final MemoryNetwork network;

        Client(MemoryNetwork network) {
            this.network = network;
        }

        String ask() throws Exception {
            IOException last = null;
            for (int attempt = 0; attempt < 3; attempt++) {
                try {
                    return askOnce();
                } catch (IOException e) {
                    last = e;
                } catch (TimeoutException e) {
                    last = new IOException("No answer in time", e);
                }
                await(sleep(Duration.ofMillis(100L << attempt)));
            }
            throw new IOException("No answer after 3 attempts", last);
        }

        String askOnce() throws Exception {
            return await(waitFor(async(this::exchange), Duration.ofSeconds(1)));
        }

        final String exchange() throws Exception {
            try (StreamConnection connection = await(network.connect("adder"))) {
                connection.writer().write(REQUEST);
                await(connection.writer().drain());
                return answer(await(connection.reader().readLine()));
            }
        }

        String answer(byte[] line) throws IOException {
            String text = line == null ? "" : new String(line, UTF_8);
            if (!text.endsWith("\n")) {
                throw new EOFException("The connection ended after \"" + text + "\", which is no line");
            }
            return text.strip();
        }
    }

    /** A bug: takes the rest of a stream for a line. */
    private static final class IgnoresTruncation extends Client {
        IgnoresTruncation(MemoryNetwork network) {
            super(network);
        }

        @Override
        String answer(byte[] line) {
            return line == null ? "" : new String(line, UTF_8).strip();
        }
    }

    /** A bug: waits forever. */
    private static final class HasNoTimeLimit extends Client {
        HasNoTimeLimit(MemoryNetwork network) {
            super(network);
        }

        @Override
        String askOnce() throws Exception {
            return exchange();
        }
    }

    private static void add(StreamConnection connection) throws Exception {
        try (connection) {
            for (byte[] line; (line = await(connection.reader().readLine())) != null; ) {
                String[] words = new String(line, UTF_8).strip().split(" ");
                if (words.length < 3) {
                    throw new EOFException("half a request");
                }
                connection.writer().write(Integer.parseInt(words[1]) + Integer.parseInt(words[2]) + "\n");
                await(connection.writer().drain());
            }
        }
    }

    /** The faulty wire of one run, its direction, and the number of connections affected, from the first. */
    private record Fault(Wire wire, boolean toServer, int connections) {
        void arrange(MemoryNetwork network) {
            Wire sound = Wire.direct().latency(Duration.ofMillis(20));
            network.toServer(number -> toServer && number <= connections ? wire : sound);
            network.toClient(number -> !toServer && number <= connections ? wire : sound);
        }
    }

    private static List<Fault> faults() {
        List<Fault> faults = new ArrayList<>();
        Wire slow = Wire.direct().latency(Duration.ofMillis(20)).chunks(1);
        for (boolean toServer : new boolean[] {true, false}) {
            int length = (toServer ? REQUEST : ANSWER).length();
            for (int n = 0; n <= length + 1; n++) {
                for (Wire wire : List.of(slow.endAfter(n), slow.resetAfter(n), slow.stallAfter(n))) {
                    for (int connections : new int[] {1, 2, 99}) {
                        faults.add(new Fault(wire, toServer, connections));
                    }
                }
            }
        }
        return faults;
    }

    /** Returns the client's result: an answer, an error, or that it hangs. */
    private static String run(Fault fault, Function<MemoryNetwork, Client> newClient) throws Exception {
        List<String> said = new ArrayList<>();
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            loop.setExceptionHandler((l, what) -> {}); // a server's handlers fail with their connections
            MemoryNetwork network = new MemoryNetwork();
            fault.arrange(network);
            try (MemoryServer server = network.startServerBody(FlakyNetworkTest::add, "adder")) {
                try {
                    said.add(await(waitFor(async(newClient.apply(network)::ask), LONG)));
                } catch (TimeoutException e) {
                    said.add("hangs");
                } catch (IOException e) {
                    said.add(e.getMessage());
                }
                for (MemoryPair pair : network.connections()) { // bytes held back by a stalled wire continue
                    pair.toServer().become(Wire.direct());
                    pair.toClient().become(Wire.direct());
                }
                server.close();
                await(waitFor(server.waitClosed(), LONG));
                await(sleep(Duration.ofSeconds(1)));
                assertThat(loop.allTasks())
                        .as("only this test's own: %s", loop.dumpTasks())
                        .hasSize(1);
            }
        });
        return said.get(0);
    }

    @Test
    void everyRunEndsWithAnAnswerOrAClearError() throws Exception {
        Set<String> outcomes = new HashSet<>();
        for (Fault fault : faults()) {
            String said = run(fault, Client::new);
            outcomes.add(said);
            if (fault.connections < 3) {
                assertThat(said).as("%s", fault).isEqualTo("42");
            } else {
                assertThat(said).as("%s", fault).isIn("42", "No answer after 3 attempts");
            }
        }
        assertThat(outcomes).hasSize(2);
    }

    @Test
    void aClientThatIgnoresTruncationIsCaught() throws Exception {
        Set<String> outcomes = new HashSet<>();
        for (Fault fault : faults()) {
            outcomes.add(run(fault, IgnoresTruncation::new));
        }
        assertThat(outcomes).contains("", "4");
    }

    @Test
    void aClientWithoutATimeLimitIsCaught() throws Exception {
        Set<String> outcomes = new HashSet<>();
        for (Fault fault : faults()) {
            outcomes.add(run(fault, HasNoTimeLimit::new));
        }
        assertThat(outcomes).contains("hangs");
    }
}
