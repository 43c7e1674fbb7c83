package asyncio;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The stack trace of an object's creation; taken in debug mode only, where it costs about a microsecond. */
final class Origin extends Throwable {
    private static final long serialVersionUID = 1;

    /** The time of creation, on the clock of {@link System#nanoTime}. */
    final long nanos = System.nanoTime();

    Origin() {
        super("It was made here");
    }

    /** Returns the user's part of the stack, innermost first. */
    List<StackTraceElement> frames() {
        return DebugMode.userFrames(getStackTrace());
    }

    /** Returns the site as an Origin if {@link Leftovers#site} returned one, otherwise null. */
    static @Nullable Origin of(@Nullable Throwable site) {
        return site instanceof Origin origin ? origin : null;
    }

    static List<StackTraceElement> framesOf(@Nullable Origin origin) {
        return origin == null ? List.of() : origin.frames();
    }

    /** Returns {@code created at File.java:12}, or an empty text. */
    static String describe(@Nullable Origin origin) {
        List<StackTraceElement> frames = framesOf(origin);
        return frames.isEmpty() || frames.get(0).getClassName().equals("java.lang.Thread")
                ? ""
                : " created at " + frames.get(0).getFileName() + ":"
                        + frames.get(0).getLineNumber();
    }
}
