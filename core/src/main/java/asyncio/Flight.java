package asyncio;

/**
 * The JVM's flight recorder, for the library's own modules: whether this Java has one, before a class of events is
 * touched. From any thread.
 */
public final class Flight {
    /**
     * False in images without module {@code jdk.jfr}, and in programs on the module path that do not resolve it. A
     * constant, so that code of events costs nothing there.
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
     * Returns a stack as a field of an event, a line each; an event has its own stack of the thread that commits it.
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

    /** The same frame without the names of its class loader and module, which make long lines. */
    private static StackTraceElement withoutLoader(StackTraceElement frame) {
        return new StackTraceElement(
                frame.getClassName(), frame.getMethodName(), frame.getFileName(), frame.getLineNumber());
    }
}
