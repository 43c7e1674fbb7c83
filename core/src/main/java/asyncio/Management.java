package asyncio;

import java.lang.reflect.InvocationTargetException;

/**
 * Announces that this process has loops, to the tools that look into it from outside. What these call is in package
 * {@code asyncio.management}, and loaded by nobody else: there are images without {@code java.management}.
 */
final class Management {
    /** Set as soon as there may be a loop, so that a list of processes can tell. */
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
        Log.warn(
                "asyncio.jmx is true, but the loops could not be registered for JMX; is module java.management there?",
                e);
    }
}
