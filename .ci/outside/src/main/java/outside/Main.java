package outside;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;

import asyncio.Asyncio;
import asyncio.TaskGroup;
import asyncio.bridge.Callbacks;
import asyncio.queue.Queue;
import asyncio.streams.StreamConnection;
import asyncio.streams.Streams;
import asyncio.subprocess.Command;
import asyncio.subprocess.Subprocess;
import asyncio.sync.Lock;

/** Uses a little of each artifact. */
public final class Main {
    private Main() {}

    public static void main(String[] args) throws Exception {
        Asyncio.run(() -> {
            Queue<String> lines = new Queue<>(1);
            Lock lock = new Lock();
            String all = await(TaskGroup.scopeBody(group -> {
                group.createTask(async(() -> {
                    await(lines.put(await(Callbacks.<String>mono(callback -> callback.success("called back")))));
                    await(lines.put(await(Subprocess.run(Command.of("echo", "out"))).out().strip()));
                }));
                return await(lock.withLock(lines.get())) + ", " + await(lines.get());
            }));
            System.out.println(all + ", " + StreamConnection.class.getSimpleName() + ", " + Streams.class.getModule());
        });
    }
}
