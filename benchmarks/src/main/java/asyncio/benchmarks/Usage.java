package asyncio.benchmarks;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.DoubleStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * The number of processors that were busy between two moments, with this process and with others: a measurement that
 * others have disturbed can be left out.
 *
 * @param seconds the time between them
 * @param own processors that this process kept busy
 * @param others processors that other processes kept busy; zero where there is no {@code /proc/stat} to tell
 */
record Usage(double seconds, double own, double others) {
    private static final Path STAT = Path.of("/proc/stat");
    /** The kernel counts in hundredths of a second. */
    private static final double TICKS_PER_SECOND = 100;

    /** A moment. */
    record Moment(long nanos, long ownNanos, long allTicks) {
        static Moment now() throws IOException {
            com.sun.management.OperatingSystemMXBean system =
                    (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
            return new Moment(System.nanoTime(), system.getProcessCpuTime(), busyTicks());
        }

        Usage untilNow() throws IOException {
            Moment end = now();
            double seconds = (end.nanos - nanos) / 1e9;
            double own = (end.ownNanos - ownNanos) / 1e9 / seconds;
            double all = (end.allTicks - allTicks) / TICKS_PER_SECOND / seconds;
            return new Usage(seconds, own, Math.max(0, all - own));
        }
    }

    /** Of all processors: user, nice, system, irq, softirq, steal; not idle and iowait. */
    private static long busyTicks() throws IOException {
        if (!Files.isReadable(STAT)) {
            return 0;
        }
        try (Stream<String> lines = Files.lines(STAT)) {
            String[] words = lines.findFirst().orElseThrow().split("\\s+");
            return LongStream.of(1, 2, 3, 6, 7, 8)
                    .map(i -> Long.parseLong(words[(int) i]))
                    .sum();
        }
    }

    /** Whether others took less than a tenth of a processor. */
    boolean undisturbed() {
        return others < 0.1;
    }

    /** Of several measurements. */
    static double median(DoubleStream values) {
        double[] sorted = values.sorted().toArray();
        return sorted[sorted.length / 2];
    }
}
