package asyncio.benchmarks;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Measures the memory of one suspended body: heap after a full collection, and resident memory. Resident memory is
 * meaningful only in a fresh JVM with a pre-touched heap ({@code -Xms2g -Xmx2g -XX:+AlwaysPreTouch}): it then shows the
 * memory outside the heap, mainly stacks.
 *
 * <p>Usage: {@code ParkedBodies [number of bodies]}. Prints one line: {@code parkedHeapBytes N parkedResidentBytes M}.
 */
public final class ParkedBodies {
    private ParkedBodies() {}

    public static void main(String[] args) throws Exception {
        int bodies = args.length > 0 ? Integer.parseInt(args[0]) : 100_000;
        Asyncio.run(() -> {
            park(1_000); // loads classes, grows queues
            System.out.println(park(bodies));
        });
    }

    private static String park(int bodies) throws Exception {
        Future<Integer> gate = EventLoop.getRunningLoop().createFuture();
        Task<?>[] tasks = new Task<?>[bodies];
        long heapBefore = usedHeap();
        long residentBefore = residentBytes();
        for (int i = 0; i < bodies; i++) {
            tasks[i] = createTask(async(() -> await(gate)));
        }
        await(sleep(Duration.ZERO));
        await(sleep(Duration.ZERO));
        long heap = (usedHeap() - heapBefore) / bodies;
        long resident = (residentBytes() - residentBefore) / bodies;
        gate.setResult(1);
        for (Task<?> task : tasks) {
            await(task);
        }
        return "parkedHeapBytes " + heap + " parkedResidentBytes " + (residentBefore < 0 ? "n/a" : resident);
    }

    private static long usedHeap() {
        Runtime runtime = Runtime.getRuntime();
        System.gc();
        System.gc();
        return runtime.totalMemory() - runtime.freeMemory();
    }

    /** Linux only; -1 elsewhere. */
    private static long residentBytes() throws IOException {
        Path statm = Path.of("/proc/self/statm");
        return Files.isReadable(statm) ? Long.parseLong(Files.readString(statm).split(" ")[1]) * 4096 : -1;
    }
}
