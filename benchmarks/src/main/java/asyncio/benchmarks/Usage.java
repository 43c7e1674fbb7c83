package asyncio.benchmarks;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.DoubleStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * The number of processors kept busy between two moments by this process and by others, so that disturbed measurements
 * can be left out.
 *
 * @param seconds the time between them
 * @param own the number of processors that this process kept busy
 * @param others the number of processors that other processes kept busy; zero without {@code /proc/stat}
 */
record Usage(double seconds, double own, double others) {
    private static final Path STAT = Path.of("/proc/stat");
    /** The kernel counts in hundredths of a second. */
    private static final double TICKS_PER_SECOND = 100;

    /** A point in time. */
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

    /** The busy time of all processors: user, nice, system, irq, softirq, steal; not idle and iowait. */
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

    /** Returns the median of several measurements. */
    static double median(DoubleStream values) {
        double[] sorted = values.sorted().toArray();
        return sorted[sorted.length / 2];
    }
}
