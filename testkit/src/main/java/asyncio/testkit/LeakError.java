package asyncio.testkit;

import asyncio.Leftover;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Thrown when a test has left something behind: tasks, permits, connections. The message names each leftover and where
 * it was created; exceptions among them are added as suppressed exceptions.
 */
public final class LeakError extends AssertionError {
    private static final long serialVersionUID = 1;
    private static final int MOST_FRAMES = 4;

    private final transient List<Leftover> leftovers;

    LeakError(String when, List<Leftover> leftovers) {
        super(describe(when, leftovers));
        this.leftovers = List.copyOf(leftovers);
        for (Leftover leftover : leftovers) {
            if (leftover.exception() != null) {
                addSuppressed(leftover.exception());
            }
        }
    }

    /** Returns the leftovers. */
    public List<Leftover> leftovers() {
        return leftovers;
    }

    private static String describe(String when, List<Leftover> leftovers) {
        Map<Leftover.Kind, List<Leftover>> byKind = new EnumMap<>(Leftover.Kind.class);
        leftovers.forEach(leftover -> byKind.computeIfAbsent(leftover.kind(), kind -> new ArrayList<>())
                .add(leftover));
        StringBuilder text = new StringBuilder("The test has left something behind, ")
                .append(when)
                .append(':');
        byKind.forEach((kind, all) -> {
            text.append("\n  ").append(heading(kind)).append(':');
            all.forEach(leftover -> append(text, leftover));
        });
        return text.toString();
    }

    private static void append(StringBuilder text, Leftover leftover) {
        leftover.description().lines().forEach(line -> text.append("\n    ").append(line));
        leftover.createdAt().stream()
                .takeWhile(frame -> !isRunner(frame.getClassName()))
                .limit(MOST_FRAMES)
                .forEach(frame -> text.append("\n        at ").append(frame));
    }

    /** Returns whether it is a frame of the test runner, below those of the test. */
    private static boolean isRunner(String className) {
        return className.startsWith("org.junit.")
                || className.startsWith("jdk.internal.reflect.")
                || className.startsWith("java.lang.reflect.");
    }

    private static String heading(Leftover.Kind kind) {
        return switch (kind) {
            case TASK -> "tasks that have not ended; await them, or cancel them and await that";
            case COROUTINE -> "coroutines that were never awaited";
            case EXCEPTION -> "exceptions that were never retrieved or handled";
            case PERMIT -> "permits that were not released";
            case CONNECTION -> "connections and servers that were not closed";
            case PROCESS -> "child processes that are still running; close them, preferably with Subprocess.use";
            case BUFFER -> "buffers that were not released";
            case THREAD -> "threads that have not ended";
        };
    }
}
