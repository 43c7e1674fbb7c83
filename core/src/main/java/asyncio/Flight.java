package asyncio;

/**
 * Access to the JVM's flight recorder for the library's own modules: tells whether this Java has one, before an event
 * class is touched. From any thread.
 */
public final class Flight {
    /**
     * False in images without module {@code jdk.jfr}, and in programs on the module path that do not resolve it. A
     * constant, so that event code costs nothing there.
     */
    public static final boolean PRESENT = isPresent();

    private static final int MOST_FRAMES = 64;

    private Flight() {}

    private static boolean isPresent() {
        try {
            Class.forName("jdk.jfr.Event", false, Flight.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException | LinkageError e) {
            return false;
        }
    }

    /** A permit of a lock or a semaphore was dropped without being released. */
    public static void permitDropped(String message) {
        if (PRESENT) {
            FlightEvents.permitDropped(message);
        }
    }

    /**
     * Returns a stack for a field of an event, one frame per line; the event's own stack is that of the committing
     * thread.
     */
    static String text(Iterable<StackTraceElement> stack) {
        StringBuilder text = new StringBuilder();
        int frames = 0;
        for (StackTraceElement frame : stack) {
            if (frames++ == MOST_FRAMES) {
                break;
            }
            text.append(frames == 1 ? "" : "\n").append(withoutLoader(frame));
        }
        return text.toString();
    }

    /** Returns the frame without the names of its class loader and module, which make long lines. */
    private static StackTraceElement withoutLoader(StackTraceElement frame) {
        return new StackTraceElement(
                frame.getClassName(), frame.getMethodName(), frame.getFileName(), frame.getLineNumber());
    }
}
