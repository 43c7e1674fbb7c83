package asyncio;

import org.jspecify.annotations.Nullable;
import reactor.util.Logger;
import reactor.util.Loggers;

/** The library's log, named {@code asyncio}; Reactor's console logger does not take null for "no exception". */
final class Log {
    private static final Logger LOG = Loggers.getLogger("asyncio");

    private Log() {}

    /** What an object says of itself; its {@code toString} is the user's, and the one who logs may hold a loop. */
    static String text(Object object) {
        try {
            return object.toString();
        } catch (RuntimeException e) {
            return object.getClass().getName() + " (whose toString failed: "
                    + e.getClass().getName() + ")";
        }
    }

    static void error(String message, @Nullable Throwable exception) {
        if (exception == null) {
            LOG.error(message);
        } else {
            LOG.error(message, exception);
        }
    }

    static void warn(String message, @Nullable Throwable exception) {
        if (exception == null) {
            LOG.warn(message);
        } else {
            LOG.warn(message, exception);
        }
    }
}
