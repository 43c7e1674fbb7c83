package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static java.nio.charset.StandardCharsets.UTF_8;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.Task;
import asyncio.streams.internal.PipeThreads;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** The programs run by the children of {@link StandardStreamsTest}: the first argument selects one. */
final class StandardPrograms {
    private StandardPrograms() {}

    public static void main(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "echo" -> Asyncio.run(() -> echo());
            case "count" -> Asyncio.run(() -> count());
            case "leave" -> Asyncio.run(() -> leave());
            case "cancel" -> Asyncio.run(() -> cancel());
            case "twice" -> twice();
            case "flags" -> Asyncio.run(() -> flags());
            case "undrained" -> Asyncio.run(() -> await(Streams.stdout()).write("x".repeat(199_999) + "\n"));
            case "close" -> Asyncio.run(() -> close());
            case "flood" -> Asyncio.run(() -> flood());
            case "both" -> Asyncio.run(() -> both());
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static String line(StreamReader reader) throws Exception {
        byte[] line = await(reader.readLine());
        return line == null ? "the end" : new String(line, UTF_8).strip();
    }

    /** Echoes until the end of its input, or the line "quit". */
    private static void echo() throws Exception {
        StreamReader stdin = await(Streams.stdin());
        StreamWriter stdout = await(Streams.stdout());
        stdout.write("ready\n");
        for (String line; !(line = line(stdin)).equals("the end"); ) {
            stdout.write("> " + line + "\n");
            await(stdout.drain());
            if (line.equals("quit")) {
                return;
            }
        }
        stdout.write("at the end\n");
    }

    private static void count() throws Exception {
        StreamReader stdin = await(Streams.stdin());
        long size = 0;
        long sum = 0;
        for (byte[] chunk; (chunk = await(stdin.read(10_000))) != null; size += chunk.length) {
            for (byte b : chunk) {
                sum = sum * 31 + b;
            }
        }
        await(Streams.stdout()).write(size + " bytes, " + sum + "\n");
    }

    /** Ends while stdin is open and a task waits for it. */
    private static void leave() throws Exception {
        StreamReader stdin = await(Streams.stdin());
        createTask(async(() -> line(stdin)));
        await(sleep(Duration.ofMillis(10)));
        await(Streams.stdout()).write("leaving\n");
    }

    private static void cancel() throws Exception {
        StreamReader stdin = await(Streams.stdin());
        for (int i = 0; i < 100; i++) {
            Task<String> read = createTask(async(() -> line(stdin)));
            await(sleep(Duration.ZERO));
            read.cancel();
            try {
                throw new AssertionError(await(read));
            } catch (CancelledException e) {
                // expected
            }
        }
        StreamWriter stdout = await(Streams.stdout());
        stdout.write("cancelled\n");
        await(stdout.drain());
        while (PipeThreads.POOL.getActiveCount()
                > (System.getProperty("asyncio.transport", "").equals("nio") ? 1 : 0)) {
            await(sleep(Duration.ofMillis(1)));
        }
        stdout.write("no thread\n");
        stdout.write("then " + line(stdin) + "\n");
    }

    private static void twice() throws Exception {
        Asyncio.run(() -> {
            String line = line(await(Streams.stdin()));
            await(Streams.stdout()).write("first " + line + "\n");
        });
        Asyncio.run(() -> {
            StreamReader stdin = await(Streams.stdin());
            await(Streams.stdout()).write("second " + line(stdin) + ", " + line(stdin) + "\n");
        });
        System.out.println("by System.out");
        Asyncio.run(() -> await(Streams.stderr()).write("third " + line(await(Streams.stdin())) + "\n"));
    }

    private static void flags() throws Exception {
        StreamReader stdin = await(Streams.stdin());
        StreamWriter stdout = await(Streams.stdout());
        line(stdin);
        for (int i = 0; i < 3; i++) {
            String flags = Files.readAllLines(Path.of("/proc/self/fdinfo/" + i)).stream()
                    .filter(line -> line.startsWith("flags:"))
                    .findFirst()
                    .orElseThrow();
            boolean nonBlocking = (Integer.parseInt(flags.substring(6).strip(), 8) & 04000) != 0;
            stdout.write(i + (nonBlocking ? " does not block\n" : " blocks\n"));
        }
    }

    private static void close() throws Exception {
        StreamWriter stdout = await(Streams.stdout());
        stdout.write("last words\n");
        stdout.close();
        await(stdout.waitClosed());
        System.out.println("past the end");
        stdout.write("past the end");
        StreamWriter again = await(Streams.stdout());
        System.err.println("the same writer: " + (again == stdout));
    }

    /** Writes to a reader that does not read. */
    private static void flood() throws Exception {
        StreamWriter stdout = await(Streams.stdout());
        try {
            while (true) {
                stdout.write(new byte[10_000]);
                await(stdout.drain());
            }
        } catch (IOException e) {
            await(Streams.stderr()).write(e.getClass().getSimpleName() + ": " + e.getMessage() + "\n");
        }
    }

    /** Writes many lines to both outputs, in order. */
    private static void both() throws Exception {
        Task<Void> out = createTask(async(() -> {
            write(await(Streams.stdout()), "out ");
            return null;
        }));
        write(await(Streams.stderr()), "err ");
        await(out);
    }

    private static void write(StreamWriter writer, String prefix) throws Exception {
        for (int i = 0; i < 1000; i++) {
            writer.write(prefix + i + "\n");
            await(writer.drain());
        }
    }
}
