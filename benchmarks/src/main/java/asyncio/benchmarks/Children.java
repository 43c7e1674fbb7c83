package asyncio.benchmarks;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.mapConcurrentUnordered;

import asyncio.Asyncio;
import asyncio.subprocess.Command;
import asyncio.subprocess.Output;
import asyncio.subprocess.Stdio;
import asyncio.subprocess.Subprocess;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Subprocesses, compared with {@code children.py}, which runs both and prints a table. Prints one row name and number
 * per line.
 */
public final class Children {
    private static final Command TRUE = Command.of("/bin/true").stderr(Stdio.PIPE);
    private static final Command CAT = Command.of("cat").stdin(Stdio.PIPE).stdout(Stdio.PIPE);
    private static final byte[] NOTHING = new byte[0];
    private static final int BLOCK = 65_536;

    private Children() {}

    /** Warms up, then measures each row once. */
    public static void main(String[] arguments) throws Exception {
        Asyncio.run(() -> {
            oneByOne(200);
            await(atOnce(200));
            pipe(1 << 28, false);
            pipe(1 << 28, true);
            long start = System.nanoTime();
            oneByOne(500);
            print("500 one by one, s", start);
            start = System.nanoTime();
            await(atOnce(500));
            print("500, 16 at a time, s", start);
            start = System.nanoTime();
            pipe(1L << 30, false);
            print("1 GiB through cat, s", start);
            start = System.nanoTime();
            pipe(1L << 30, true);
            print("1 GiB through cat, retained, s", start);
            live();
        });
    }

    private static Mono<Output> once() {
        return Subprocess.run(TRUE, NOTHING).doOnNext(output -> {
            if (output.returnCode() != 0) {
                throw new IllegalStateException("/bin/true: " + output);
            }
        });
    }

    private static void oneByOne(int count) throws Exception {
        for (int i = 0; i < count; i++) {
            await(once());
        }
    }

    private static Mono<Void> atOnce(int count) {
        return mapConcurrentUnordered(Flux.range(0, count), 16, i -> once()).then();
    }

    private static void pipe(long total, boolean retained) throws Exception {
        await(Subprocess.use(CAT, cat -> {
            int count = (int) (total / BLOCK);
            Publisher<Void> written;
            Flux<Integer> read;
            if (retained) {
                ByteBuf block =
                        Unpooled.unreleasableBuffer(Unpooled.directBuffer(BLOCK).writeZero(BLOCK));
                written = cat.stdin()
                        .writeFromBuffers(Flux.range(0, count).map(i -> block.duplicate()))
                        .doOnTerminate(cat.stdin()::close);
                read = cat.stdout().chunksRetained(BLOCK).map(bytes -> {
                    int n = bytes.readableBytes();
                    bytes.release();
                    return n;
                });
            } else {
                byte[] block = new byte[BLOCK];
                written = cat.stdin()
                        .writeFrom(Flux.range(0, count).map(i -> block))
                        .doOnTerminate(cat.stdin()::close);
                read = cat.stdout().chunks(BLOCK).map(bytes -> bytes.length);
            }
            Mono<Long> come = read.reduce(0L, Long::sum).doOnNext(n -> {
                if (n != total) {
                    throw new IllegalStateException(n + " bytes of " + total);
                }
            });
            return Mono.when(written, come);
        }));
    }

    private static void live() throws Exception {
        long start = System.nanoTime();
        List<Subprocess> cats = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            cats.add(await(Subprocess.start(CAT.stderr(Stdio.PIPE))));
        }
        print("start 200, s", start);
        start = System.nanoTime();
        for (int round = 0; round < 20; round++) {
            for (Subprocess cat : cats) {
                cat.stdin().write("hello, child\n");
            }
            for (Subprocess cat : cats) {
                await(cat.stdout().readLine());
            }
        }
        print("20 rounds of echo with 200, s", start);
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            String[] words = line.split("\\s+");
            if (words[0].equals("VmRSS:")) {
                System.out.println("resident with 200, MiB\t" + Integer.parseInt(words[1]) / 1024.0);
            } else if (words[0].equals("Threads:")) {
                System.out.println("threads with 200\t" + words[1]);
            }
        }
        System.out.println("descriptors with 200\t" + descriptors());
        for (Subprocess cat : cats) {
            cat.stdin().close();
        }
        for (Subprocess cat : cats) {
            await(async(() -> await(cat.waitFor())));
        }
    }

    private static long descriptors() throws IOException {
        try (var all = Files.list(Path.of("/proc/self/fd"))) {
            return all.count();
        }
    }

    private static void print(String row, long start) {
        System.out.println(row + "\t" + (System.nanoTime() - start) / 1e9);
    }
}
