package asyncio;

import asyncio.internal.loop.BodyThreads;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The processor time that a thread has used, in nanoseconds. The JVM does not provide it for virtual threads, nor
 * without the module {@code java.management}: then it is that of the whole process, which is not less.
 */
final class CpuTime {
    private static final @Nullable Object THREADS = find();

    private CpuTime() {}

    private static @Nullable Object find() {
        try {
            ThreadMXBean threads = ManagementFactory.getThreadMXBean();
            return threads.isThreadCpuTimeSupported() && threads.isThreadCpuTimeEnabled() ? threads : null;
        } catch (LinkageError | UnsupportedOperationException e) {
            return null;
        }
    }

    /** Returns whether many more threads want to run on this machine than it has processors. */
    static boolean isScarce() {
        try {
            return ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage()
                    > 2.0 * Runtime.getRuntime().availableProcessors();
        } catch (LinkageError e) {
            return false;
        }
    }

    static long of(Thread thread) {
        if (THREADS instanceof ThreadMXBean threads && !BodyThreads.isVirtual(thread)) {
            long nanos = threads.getThreadCpuTime(thread.getId());
            if (nanos >= 0) {
                return nanos;
            }
        }
        return ProcessHandle.current()
                .info()
                .totalCpuDuration()
                .map(Duration::toNanos)
                .orElseGet(System::nanoTime);
    }
}
