package asyncio.examples.modular;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static java.nio.charset.StandardCharsets.UTF_8;

import asyncio.Asyncio;
import asyncio.Task;
import asyncio.queue.Queue;
import asyncio.streams.Server;
import asyncio.streams.StreamConnection;
import asyncio.streams.Streams;
import asyncio.subprocess.Command;
import asyncio.subprocess.Subprocess;
import asyncio.sync.Lock;

/** A queue, a lock, a connection and a child process: {@code java -p JARS -m asyncio.examples.modular/...Modular}. */
public final class Modular {
    private Modular() {}

    public static void main(String[] args) throws Exception {
        Asyncio.run(() -> {
            Queue<String> queue = new Queue<>(1);
            Lock lock = new Lock();
            Task<Void> producer = createTask(lock.withLock(queue.put("queued")));
            System.out.println(await(queue.get()));
            await(producer);

            Server server = await(Streams.startServerBody(
                    connection -> {
                        try (connection) {
                            connection.writer().write("served\n");
                            await(connection.writer().drain());
                        }
                    },
                    "localhost",
                    0));
            try (server;
                    StreamConnection connection = await(Streams.openConnection("localhost", server.port()))) {
                System.out.print(new String(await(connection.reader().readLine()), UTF_8));
            }

            System.out.print(
                    await(Subprocess.run(Command.of("echo", "ran"))).check().out());
        });
    }
}
