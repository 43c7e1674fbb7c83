package asyncio;

import java.util.Objects;

/**
 * A line of a {@link FutureCallGraph#callStack() call stack}.
 *
 * <p>asyncio: {@code FrameCallGraphEntry}, where the frame is an object of the interpreter.
 *
 * @param frame the line as the JVM describes it
 * @since 0.1
 */
public record FrameCallGraphEntry(StackTraceElement frame) {
    /** Checks that the frame is not null. */
    public FrameCallGraphEntry {
        Objects.requireNonNull(frame, "frame");
    }

    /** {@code shop.Main.fetch(Main.java:12)}. */
    @Override
    public String toString() {
        return BodyStack.describe(frame);
    }
}
