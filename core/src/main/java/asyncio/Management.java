package asyncio;

import java.lang.reflect.InvocationTargetException;

/**
 * Announces to tools that inspect this process from outside that it has loops. The classes they call are in package
 * {@code asyncio.management}, which is not loaded otherwise, since some images lack {@code java.management}.
 */
final class Management {
    /** The system property that is set as soon as there may be a loop, so that tools that list processes can tell. */
    private static final String MARK = "io.asyncio.loops";

    private Management() {}

    static void begin() {
        System.setProperty(MARK, "true");
        if (Boolean.getBoolean("asyncio.jmx")) {
            register();
        }
    }

    private static void register() {
        try {
            Class.forName("asyncio.management.Loops", true, Management.class.getClassLoader())
                    .getMethod("register")
                    .invoke(null);
        } catch (InvocationTargetException e) {
            failed(e.getCause() == null ? e : e.getCause());
        } catch (ReflectiveOperationException | LinkageError e) {
            failed(e);
        }
    }

    private static void failed(Throwable e) {
        Log.warn("asyncio.jmx is true, but the loops could not be registered for JMX; is java.management present?", e);
    }
}
