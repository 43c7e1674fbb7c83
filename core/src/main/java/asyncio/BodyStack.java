package asyncio;

import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The user's lines in the stack of a body's thread; from any thread. A task without a body has no stack: its work is in
 * the Mono that it was made from.
 */
final class BodyStack {
    private BodyStack() {}

    /**
     * Returns the lines, innermost first; empty if there is no body, or it has not begun or has ended.
     *
     * @param thread the body's thread
     */
    static List<StackTraceElement> of(@Nullable Thread thread, BooleanSupplier ended) {
        if (thread == null || ended.getAsBoolean()) {
            return List.of();
        }
        StackTraceElement[] stack = thread.getStackTrace();
        // if the body ended meanwhile, its thread may run another one
        return ended.getAsBoolean() ? List.of() : userFrames(stack);
    }

    /** Returns the user's lines of an error that a task ended with, innermost first. */
    static List<StackTraceElement> of(Throwable error) {
        return userFrames(error.getStackTrace());
    }

    /**
     * Removes the frames below the body, and the frames of the await or library call that the user's innermost line
     * makes; frames of the JDK that the user's code calls stay.
     */
    private static List<StackTraceElement> userFrames(StackTraceElement[] stack) {
        int outermost = stack.length;
        while (outermost > 0 && !DebugMode.isOurs(stack[outermost - 1].getClassName())) {
            outermost--;
        }
        if (outermost == 0) {
            outermost = stack.length; // a foreign thread
        }
        int innermost = 0;
        while (innermost < outermost && isOfJdk(stack[innermost])) {
            innermost++; // a parked thread; JDK frames called by user code are kept below
        }
        if (innermost < outermost && !DebugMode.isOurs(stack[innermost].getClassName())) {
            innermost = 0;
        }
        return Arrays.stream(stack, innermost, outermost)
                .filter(frame -> !DebugMode.isOurs(frame.getClassName()))
                .filter(frame -> !isPlumbing(frame.getClassName()))
                .toList();
    }

    /** Returns whether a frame belongs to a lambda or to reflection, and so to no line of source. */
    private static boolean isPlumbing(String type) {
        return type.contains("$$Lambda")
                || type.startsWith("java.lang.reflect.")
                || type.startsWith("jdk.internal.reflect.")
                || type.startsWith("java.lang.invoke.");
    }

    /**
     * Formats a line as in a stack trace, without the loaders and versions that its {@code toString} may begin with.
     */
    static String describe(StackTraceElement frame) {
        @Nullable String file = frame.getFileName();
        return frame.getClassName() + "." + frame.getMethodName() + "(" + (file == null ? "Unknown Source" : file)
                + (frame.getLineNumber() < 0 ? "" : ":" + frame.getLineNumber()) + ")";
    }

    static boolean isOfJdk(StackTraceElement frame) {
        String type = frame.getClassName();
        return type.startsWith("java.") || type.startsWith("jdk.") || type.startsWith("sun.");
    }
}
