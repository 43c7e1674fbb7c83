package asyncio;

import java.security.CodeSource;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The part of debug mode that all loops have in common: whether it is on from the start, and what it says. */
final class DebugMode {
    /**
     * {@code -Dasyncio.debug.enabled=true} or {@code ASYNCIO_DEBUG=1}: the mode of new loops, and of what is made off
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
    /** As many as asyncio keeps. */
    private static final int MOST_FRAMES = 10;
    /** Which classes of package asyncio come with the library; its tests are in that package too. */
    private static final Map<String, Boolean> OURS = new ConcurrentHashMap<>();

    private DebugMode() {}

    static boolean isOn(@Nullable String variable) {
        return variable != null
                && !Set.of("", "0", "false", "no", "off")
                        .contains(variable.trim().toLowerCase(Locale.ROOT));
    }

    /** Whether a class is the library's: it may stand between a line of the user's and what that makes. */
    static boolean isOurs(String className) {
        if (!className.startsWith(PACKAGE)) {
            return false;
        }
        int nested = className.indexOf('$');
        return OURS.computeIfAbsent(nested < 0 ? className : className.substring(0, nested), DebugMode::comesWithUs);
    }

    /** It comes from where its package's description does: tests, and users, may have put classes into our packages. */
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

    /** The line of the user's that is calling into this library. */
    static String callerPlace() {
        return StackWalker.getInstance()
                .walk(frames ->
                        frames.filter(frame -> !isOurs(frame.getClassName())).findFirst())
                .map(frame -> frame.toStackTraceElement().toString())
                .orElse("an unknown place");
    }

    /** The user's lines that lead to the one that is calling into this library, innermost first. */
    static List<StackTraceElement> callerFrames() {
        return StackWalker.getInstance()
                .walk(frames -> frames.dropWhile(frame -> isOurs(frame.getClassName()))
                        .limit(MOST_FRAMES)
                        .map(StackWalker.StackFrame::toStackTraceElement)
                        .toList());
    }

    /** The same of a stack trace that was taken before. */
    static List<StackTraceElement> userFrames(StackTraceElement[] stack) {
        return List.of(stack).stream()
                .dropWhile(frame -> isOurs(frame.getClassName()))
                .limit(MOST_FRAMES)
                .toList();
    }
}
