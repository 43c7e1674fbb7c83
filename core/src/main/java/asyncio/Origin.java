package asyncio;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The stack that made something; taken in debug mode only, where it costs about a microsecond. */
final class Origin extends Throwable {
    private static final long serialVersionUID = 1;

    /** When, by the system's clock. */
    final long nanos = System.nanoTime();

    Origin() {
        super("It was made here");
    }

    /** The user's part of the stack, innermost first. */
    List<StackTraceElement> frames() {
        return DebugMode.userFrames(getStackTrace());
    }

    /** The site that {@link Leftovers#site} gave, or null. */
    static @Nullable Origin of(@Nullable Throwable site) {
        return site instanceof Origin origin ? origin : null;
    }

    static List<StackTraceElement> framesOf(@Nullable Origin origin) {
        return origin == null ? List.of() : origin.frames();
    }

    /** {@code created at File.java:12}, or nothing. */
    static String describe(@Nullable Origin origin) {
        List<StackTraceElement> frames = framesOf(origin);
        return frames.isEmpty() || frames.get(0).getClassName().equals("java.lang.Thread")
                ? ""
                : " created at " + frames.get(0).getFileName() + ":"
                        + frames.get(0).getLineNumber();
    }
}
