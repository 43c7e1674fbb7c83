package asyncio.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Fails a test that leaves a thread or a listener behind. Threads started during the test have time to end; those of
 * pools of the JVM or of Reactor, which are created once, may stay. Listeners count if the fixture with which they are
 * registered reports them: {@link #registered}.
 *
 * <p>It checks after the test's own {@code @AfterEach} methods have run.
 */
final class LeakCheck implements BeforeEachCallback, AfterEachCallback {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final Map<Object, Throwable> LISTENERS = new ConcurrentHashMap<>();
    /** The groups of virtual threads' carriers, and of the JDK's own threads. */
    private static final Set<String> GROUPS_OF_THE_JDK = Set.of("CarrierThreads", "InnocuousThreadGroup");

    private static final List<String> SHARED = List.of(
            "parallel-",
            "boundedElastic-",
            "single-",
            "ForkJoinPool.commonPool",
            "CompletableFutureDelayScheduler",
            "globalEventExecutor-",
            "asyncio-watchdog", // one for all loops, which stays for some seconds after the last
            "Common-Cleaner",
            "Reference Handler",
            "junit-",
            "surefire-",
            "process reaper");

    private final Set<Thread> before = new HashSet<>();

    private static boolean isShared(Thread thread) {
        ThreadGroup group = thread.getThreadGroup(); // null if it has ended
        return group != null && GROUPS_OF_THE_JDK.contains(group.getName())
                || SHARED.stream().anyMatch(thread.getName()::startsWith);
    }

    /** A listener was registered with a fixture. */
    static void registered(Object listener) {
        LISTENERS.put(listener, new Throwable("registered here"));
    }

    /** The listener was removed again. */
    static void unregistered(Object listener) {
        LISTENERS.remove(listener);
    }

    @Override
    public void beforeEach(ExtensionContext test) {
        LISTENERS.clear();
        before.clear();
        before.addAll(Thread.getAllStackTraces().keySet());
    }

    @Override
    public void afterEach(ExtensionContext test) throws Exception {
        assertThat(LISTENERS).as("listeners that are still registered").isEmpty();
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        List<String> left = new ArrayList<>();
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (!before.contains(thread) && !isShared(thread)) {
                thread.join(Math.max(1, (deadline - System.nanoTime()) / 1_000_000));
                if (thread.isAlive()) {
                    left.add(thread + " at " + List.of(thread.getStackTrace()));
                }
            }
        }
        assertThat(left).as("threads that are still alive").isEmpty();
    }
}
