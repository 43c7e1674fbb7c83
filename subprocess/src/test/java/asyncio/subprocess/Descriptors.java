package asyncio.subprocess;

import java.io.File;
import java.io.IOException;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;

/** The descriptors and children of this process, to find leaks; there are no descriptors except on Linux. */
final class Descriptors {
    private static final File HERE = new File("/proc/self/fd");

    private final int count;

    private Descriptors(int count) {
        this.count = count;
    }

    /** Counts, after a loop and a child of each kind, which leave resources for the next ones. */
    static Descriptors now() {
        Subprocess.run(Command.of("cat"), new byte[1]).block();
        Subprocess.run(Command.of("/no/such/program"))
                .onErrorComplete(IOException.class)
                .block();
        return new Descriptors(count());
    }

    static int count() {
        return HERE.isDirectory() ? Objects.requireNonNull(HERE.list()).length : 0;
    }

    /** Waits, since some are closed on threads. */
    void assertNoneLeft() {
        assertGoneUnless(() -> {});
    }

    /** Like {@link #assertNoneLeft}, running an attempt meanwhile. */
    void assertGoneUnless(Runnable attempt) {
        long deadline = System.nanoTime() + 10_000_000_000L;
        while (count() > count + 2
                || ProcessHandle.current().children().count() > 0) { // a collector or a log may have some open
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("there were " + count + " descriptors before, now " + count() + "; children: "
                        + ProcessHandle.current()
                                .children()
                                .map(ProcessHandle::info)
                                .toList());
            }
            attempt.run();
            LockSupport.parkNanos(5_000_000);
        }
    }
}
