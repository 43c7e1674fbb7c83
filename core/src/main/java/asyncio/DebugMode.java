package asyncio;

import java.security.CodeSource;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The part of debug mode that all loops share: whether it is on from the start, and the places in its reports. */
final class DebugMode {
    /**
     * {@code -Dasyncio.debug.enabled=true} or {@code ASYNCIO_DEBUG=1}: the mode of new loops, and of objects made off
     * every loop.
     */
    static final boolean ENABLED = Boolean.getBoolean("asyncio.debug.enabled") || isOn(System.getenv("ASYNCIO_DEBUG"));

    /** Whether it has been on for any loop. */
    static boolean everOn = ENABLED;

    private static final String PACKAGE = "asyncio.";
    private static final Set<String> PACKAGES = Set.of(
            "asyncio",
            "asyncio.bridge",
            "asyncio.internal.loop",
            "asyncio.queue",
            "asyncio.streams",
            "asyncio.subprocess",
            "asyncio.sync",
            "asyncio.testkit");
    /** The number that asyncio keeps. */
    private static final int MOST_FRAMES = 10;
    /** Which classes of package asyncio belong to the library; its tests are in that package too. */
    private static final Map<String, Boolean> OURS = new ConcurrentHashMap<>();

    private DebugMode() {}

    static boolean isOn(@Nullable String variable) {
        return variable != null
                && !Set.of("", "0", "false", "no", "off")
                        .contains(variable.trim().toLowerCase(Locale.ROOT));
    }

    /** Returns whether a class is the library's: it may lie between a line of the user's and the object made by it. */
    static boolean isOurs(String className) {
        if (!className.startsWith(PACKAGE)) {
            return false;
        }
        int nested = className.indexOf('$');
        return OURS.computeIfAbsent(nested < 0 ? className : className.substring(0, nested), DebugMode::comesWithUs);
    }

    /**
     * Returns whether it comes from the same place as its package-info: tests and users may have classes in our
     * packages.
     */
    private static boolean comesWithUs(String className) {
        String packageName = className.substring(0, className.lastIndexOf('.'));
        if (!PACKAGES.contains(packageName)) {
            return false;
        }
        String description = packageName + ".package-info";
        ClassLoader loader = DebugMode.class.getClassLoader();
        try {
            return Objects.equals(
                    source(Class.forName(className, false, loader)), source(Class.forName(description, false, loader)));
        } catch (ClassNotFoundException | LinkageError e) {
            return false; // of another class loader
        }
    }

    private static @Nullable CodeSource source(Class<?> type) {
        return type.getProtectionDomain().getCodeSource();
    }

    /** Returns the user's line that is calling into this library. */
    static String callerPlace() {
        return StackWalker.getInstance()
                .walk(frames ->
                        frames.filter(frame -> !isOurs(frame.getClassName())).findFirst())
                .map(frame -> frame.toStackTraceElement().toString())
                .orElse("an unknown place");
    }

    /** Returns the user's stack at the line that is calling into this library, innermost first. */
    static List<StackTraceElement> callerFrames() {
        return StackWalker.getInstance()
                .walk(frames -> frames.dropWhile(frame -> isOurs(frame.getClassName()))
                        .limit(MOST_FRAMES)
                        .map(StackWalker.StackFrame::toStackTraceElement)
                        .toList());
    }

    /** Returns the same for a stack trace that was taken earlier. */
    static List<StackTraceElement> userFrames(StackTraceElement[] stack) {
        return List.of(stack).stream()
                .dropWhile(frame -> isOurs(frame.getClassName()))
                .limit(MOST_FRAMES)
                .toList();
    }
}
