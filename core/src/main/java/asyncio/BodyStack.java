package asyncio;

import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The user's lines of a body, as its thread's stack has them; from any thread. A task without a body has no stack: what
 * it does is in the Mono that it was made of.
 */
final class BodyStack {
    private BodyStack() {}

    /**
     * Innermost first; empty if there is no body, or it has not begun or has ended.
     *
     * @param thread of the body
     */
    static List<StackTraceElement> of(@Nullable Thread thread, BooleanSupplier ended) {
        if (thread == null || ended.getAsBoolean()) {
            return List.of();
        }
        StackTraceElement[] stack = thread.getStackTrace();
        // a body that ended meanwhile has given its thread to another one
        return ended.getAsBoolean() ? List.of() : userFrames(stack);
    }

    /** The user's lines of an error that a task ended with, innermost first. */
    static List<StackTraceElement> of(Throwable error) {
        return userFrames(error.getStackTrace());
    }

    /**
     * Without what lies below the body, and above the await or call of this library that the user's innermost line is
     * in; of a line that is in the JDK, the caller is the user's.
     */
    private static List<StackTraceElement> userFrames(StackTraceElement[] stack) {
        int outermost = stack.length;
        while (outermost > 0 && !DebugMode.isOurs(stack[outermost - 1].getClassName())) {
            outermost--;
        }
        if (outermost == 0) {
            outermost = stack.length; // of a thread of others
        }
        int innermost = 0;
        while (innermost < outermost && isOfJdk(stack[innermost])) {
            innermost++; // a parked thread; of one that calls the JDK from the user's code they stay
        }
        if (innermost < outermost && !DebugMode.isOurs(stack[innermost].getClassName())) {
            innermost = 0;
        }
        return Arrays.stream(stack, innermost, outermost)
                .filter(frame -> !DebugMode.isOurs(frame.getClassName()))
                .filter(frame -> !isPlumbing(frame.getClassName()))
                .toList();
    }

    /** Lambdas and reflection: lines that stand in no source. */
    private static boolean isPlumbing(String type) {
        return type.contains("$$Lambda")
                || type.startsWith("java.lang.reflect.")
                || type.startsWith("jdk.internal.reflect.")
                || type.startsWith("java.lang.invoke.");
    }

    /** A line as a stack trace has it, without the loaders and versions that its own text may begin with. */
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
