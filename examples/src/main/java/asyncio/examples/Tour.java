package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.Task;
import asyncio.streams.Server;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import reactor.core.publisher.Mono;

/**
 * The guided tour: a line server and a hundred clients on one loop, a job in a thread, and a task that is cancelled and
 * cleans up. All of it runs on the thread that calls {@link Asyncio#run}; whenever a body awaits, the others have their
 * turn.
 *
 * <pre>
 * mvn -q -Ptour                                  a file of this project
 * mvn -q -Ptour -Dtour.args=FILE                 a file of yours
 * mvn -q -Ptour -Dtour.args="--serve PORT"       only the server, until it is interrupted: socat - TCP:127.0.0.1:PORT
 * </pre>
 */
public final class Tour {
    private static final int CLIENTS = 100;

    private Tour() {}

    public static void main(String[] args) {
        try {
            Arguments arguments = Arguments.parse(args);
            if (arguments.isServer()) {
                Asyncio.run(() -> serve(arguments.port()));
            } else {
                Asyncio.run(() -> tour(arguments.file()));
            }
        } catch (IOException | IllegalArgumentException e) {
            System.out.flush();
            System.err.println("tour: " + e.getMessage());
            System.exit(1);
        } catch (Exception e) {
            e.printStackTrace();
            System.exit(2);
        }
    }

    private static void tour(Path file) throws Exception {
        TextFile text = await(toThread(() -> TextFile.read(file)));
        System.out.printf("%s has %,d lines and %,d bytes%n", file, text.lines().size(), text.size());

        try (Server server = await(LineServer.start(0))) {
            System.out.printf(
                    "A line server listens on port %d, and %d clients send it the file%n", server.port(), CLIENTS);
            Task<String> straggler = createTask(straggler());
            Task<byte[]> digest = createTask(toThread(text::sha256));

            long began = System.nanoTime();
            List<Task<Integer>> clients = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                clients.add(createTask(LineClient.check(server.port(), text.lines(), text.answers())));
            }
            int answers = 0;
            for (Task<Integer> client : clients) {
                answers += await(client);
            }
            double seconds = (System.nanoTime() - began) / (double) TimeUnit.SECONDS.toNanos(1);
            System.out.printf(
                    Locale.ROOT,
                    "%,d answers, all right, in %.2f s: %,.0f lines per second%n",
                    answers,
                    seconds,
                    answers / seconds);

            System.out.println(
                    "Meanwhile a thread computed its SHA-256: " + HexFormat.of().formatHex(await(digest)));

            straggler.cancel();
            try {
                await(straggler);
            } catch (CancelledException e) {
                System.out.println("The straggler was cancelled, and had cleaned up before its task was done");
            }

            server.close();
            await(server.waitClosed());
            System.out.println("The server is closed, and its last client gone");
        }
    }

    /** Sleeps far too long. When it is cancelled, its {@code finally} block runs, and awaits in turn. */
    private static Mono<String> straggler() {
        return async(() -> {
            try {
                await(sleep(Duration.ofHours(1)));
                return "overslept";
            } finally {
                await(sleep(Duration.ofMillis(50)));
                System.out.println("The straggler cleans up, which takes it 50 ms");
            }
        });
    }

    private static void serve(int port) throws Exception {
        try (Server server = await(LineServer.start(port))) {
            System.out.printf(
                    "A line server listens on port %d and answers a line with its bytes and words; Ctrl-C ends it%n",
                    server.port());
            await(server.serveForever());
        }
    }
}
