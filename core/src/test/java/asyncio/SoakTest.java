package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.internal.loop.BodyThreads;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import javax.management.JMException;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Mixed work on one loop, by the million, in constant memory. {@code mvn -Psoak -pl core test} runs ten million, the
 * ordinary build a hundred thousand; {@code -Dsoak.operations=N} with that profile sets another number,
 * {@code -Dasyncio.test.seed} replays.
 */
class SoakTest {
    private static final int OPERATIONS = Integer.getInteger("asyncio.soak.operations", 100_000);
    private static final int SAMPLES = 10;
    private static final int COLLECTIONS = 2;
    private static final int MOST_COLLECTIONS = 200;
    /**
     * The growth of the heap that is allowed from the second sample on: with ten million operations, a byte for ten of
     * them. The first sample is the warm-up.
     */
    private static final long GROWTH = 1 << 20;

    @TempDir
    Path directory;

    private record Sample(long operations, long heap, int platformThreads, long millis) {
        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "%,11d operations, %,11d bytes of heap, %d platform threads, %,d ms",
                    operations,
                    heap,
                    platformThreads,
                    millis);
        }
    }

    @Test
    @Timeout(600)
    void tenMillionMixedOperationsRunInConstantMemory() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        System.out.printf(
                "%s bodies, Java %s, replay with -Dasyncio.test.seed=%d -Dasyncio.soak.operations=%d%n",
                BodyThreads.KIND, Runtime.version(), seed, OPERATIONS);
        EventLoop loop = EventLoop.newEventLoop();
        List<Sample> samples = new ArrayList<>();
        long start = System.nanoTime();
        try (MixedWork work = new MixedWork(loop, seed)) {
            loop.runUntilComplete(async(() -> {
                for (int i = 1; i <= SAMPLES; i++) {
                    work.runUntil((long) OPERATIONS * i / SAMPLES);
                    samples.add(sample(work, start));
                    System.out.println(samples.get(i - 1));
                    checkHeap(samples); // checked at once: with a full heap, a loop may not even be able to fail
                }
            }));
            System.out.println(work.counts());
            assertThat(work.counts().values()).as("each kind of operation").allMatch(count -> count > 0);
        } catch (Throwable e) {
            throw new AssertionError("seed " + seed + " (replay with -Dasyncio.test.seed=" + seed + ")", e);
        }
        assertThat(samples.get(samples.size() - 1).operations).isGreaterThanOrEqualTo(OPERATIONS);
        assertThat(loop.allTasks()).as("tasks").isEmpty();
        assertThat(loop.core.timerCount()).as("timers").isZero();
        loop.close();
        assertThat(threadsOfBodies()).as("threads of bodies").isEmpty();
    }

    private static void checkHeap(List<Sample> samples) {
        if (samples.size() > 2) {
            assertThat(samples.get(samples.size() - 1).heap)
                    .as("heap after collections: %s", samples)
                    .isLessThanOrEqualTo(samples.get(1).heap + GROWTH);
        }
    }

    /**
     * Called in a body; takes a sample once the garbage collector has found the forgotten failures, and the loop has
     * told its handler.
     */
    private static Sample sample(MixedWork work, long start) throws Exception {
        for (int i = 0; i < COLLECTIONS || i < MOST_COLLECTIONS && work.forgottenAndNotTold() > 0; i++) {
            System.gc();
            LockSupport.parkNanos(1_000_000); // the JVM's reference handler needs CPU time, not a signal from us
            LeakDetector.report();
            await(sleep(Duration.ZERO));
        }
        assertThat(work.forgottenAndNotTold())
                .as("failures that nobody asked for and the handler was not told of")
                .isZero();
        return new Sample(
                work.operations(),
                ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed(),
                ManagementFactory.getThreadMXBean().getThreadCount(),
                (System.nanoTime() - start) / 1_000_000);
    }

    /** Returns the threads that are left; virtual ones are only in a thread dump. */
    private List<String> threadsOfBodies() throws Exception {
        List<String> left = new ArrayList<>();
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().contains("-body-")) {
                thread.join(10_000);
                if (thread.isAlive()) {
                    left.add(thread.getName());
                }
            }
        }
        if (BodyThreads.VIRTUAL) {
            left.addAll(virtualThreadsOfBodies());
        }
        return left;
    }

    private List<String> virtualThreadsOfBodies() throws JMException, IOException {
        Path dump = directory.resolve("threads");
        ManagementFactory.getPlatformMBeanServer()
                .invoke(
                        new ObjectName("com.sun.management:type=HotSpotDiagnostic"),
                        "dumpThreads",
                        new Object[] {dump.toString(), "TEXT_PLAIN"},
                        new String[] {String.class.getName(), String.class.getName()});
        try (Stream<String> lines = Files.lines(dump)) {
            return lines.filter(line -> line.matches(".*\"asyncio-([0-9]+-)?body-[0-9]+\".*"))
                    .toList();
        }
    }
}
