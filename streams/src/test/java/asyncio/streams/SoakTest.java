package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Mono;

/** Connections that are opened, used and dropped at any point: nothing of them is left behind. */
@ExtendWith(LeakCheck.class)
@Timeout(1200)
class SoakTest {
    private static final int CONNECTIONS = Integer.getInteger("asyncio.soak.connections", 1000);
    private static final int AT_A_TIME = 20;
    private static final String HOST = "127.0.0.1";

    @TempDir
    private Path directory;

    static long descriptors() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
            return files.count();
        }
    }

    @Test
    void nothingStays() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", new Random().nextLong());
        Random random = new Random(seed);
        try {
            Asyncio.run(() -> warmUpAndSoak(random));
        } catch (Throwable e) {
            throw new AssertionError("with -Dasyncio.test.seed=" + seed, e);
        }
    }

    private void warmUpAndSoak(Random random) throws Exception {
        EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> {
            if (!(what.exception() instanceof IOException)) { // handlers fail when their clients leave
                loop.defaultExceptionHandler(what);
                throw new AssertionError(what.message(), what.exception());
            }
        });
        soak(random, 50); // loads everything that is loaded only once
        long before = descriptors();
        soak(random, CONNECTIONS);
        long patience = System.nanoTime() + 10_000_000_000L;
        long now;
        while ((now = descriptors()) > before && System.nanoTime() < patience) {
            await(sleep(Duration.ofMillis(1))); // NIO releases a socket in the selects after its close
        }
        assertThat(now).isLessThanOrEqualTo(before);
        assertThat(Asyncio.allTasks()).hasSize(1); // this one
    }

    private void soak(Random random, int connections) throws Exception {
        Path path = directory.resolve("s");
        List<Server> servers = List.of(
                await(Streams.startServerBody(SoakTest::serve, HOST, 0)),
                await(Streams.startServerBody(SoakTest::serve, HOST, 0, TestCertificates.server())),
                await(Streams.startUnixServerBody(SoakTest::serve, path)));
        List<Mono<StreamConnection>> openings = List.of(
                Streams.openConnection(HOST, servers.get(0).port()),
                Streams.openConnection(HOST, servers.get(1).port(), TestCertificates.client()),
                Streams.openUnixConnection(path));
        List<Task<Void>> clients = new ArrayList<>();
        for (int i = 0; i < connections; i++) {
            Mono<StreamConnection> opening = openings.get(random.nextInt(openings.size()));
            int lines = random.nextInt(5);
            int end = random.nextInt(4);
            Task<Void> client = createTask(async(() -> use(opening, lines, end)));
            clients.add(client);
            if (random.nextInt(3) == 0) {
                Duration later = Duration.ofNanos(random.nextInt(5_000_000));
                EventLoop.getRunningLoop().callLater(later, client::cancel);
            }
            if (clients.size() == AT_A_TIME) {
                endOf(clients.remove(0));
            }
        }
        for (Task<Void> client : clients) {
            endOf(client);
        }
        for (Server server : servers) {
            server.close();
            server.closeClients();
            server.abortClients();
            await(server.waitClosed());
        }
        while (Asyncio.allTasks().size() > 1) {
            await(sleep(Duration.ZERO)); // handlers see the end
        }
    }

    private static void endOf(Task<Void> client) throws Exception {
        try {
            await(client);
        } catch (CancelledException | IOException e) {
            // dropped
        }
    }

    private static void use(Mono<StreamConnection> opening, int lines, int end) throws Exception {
        StreamConnection connection = await(opening);
        try {
            for (int i = 0; i < lines; i++) {
                connection.writer().write("x".repeat(2000) + "\n");
                await(connection.reader().readLine());
            }
            connection.writer().write("half a line");
            if (end == 0) {
                await(connection.writer().drain());
                connection.close();
                await(connection.writer().waitClosed());
            }
        } finally {
            if (end == 1) {
                connection.writer().abort();
            } else {
                connection.close();
            }
        }
    }

    private static void serve(StreamConnection connection) throws Exception {
        TlsTest.echoLines(connection);
    }
}
