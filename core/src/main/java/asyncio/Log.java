package asyncio;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import reactor.util.Logger;
import reactor.util.Loggers;

/**
 * The library's log, named {@code asyncio}, and text for it. For the library's own modules; from any thread.
 *
 * <p>Logging throws no exception: the logging code may hold a loop, or run on a thread that would not be started again.
 * The failure of a logger is passed to the thread's {@linkplain Thread#getUncaughtExceptionHandler handler of uncaught
 * exceptions}, as the JVM would.
 */
public final class Log {
    private static final Logger LOG = Loggers.getLogger("asyncio");
    /** Without a logging library Reactor prints INFO to stdout, which belongs to the program and may be its data. */
    private static final boolean INFO_ON_STDOUT = LOG.getClass().getName().endsWith("ConsoleLogger");

    private static final int MOST_FRAMES = 64;

    private Log() {}

    private enum Level {
        ERROR,
        WARN,
        INFO,
        DEBUG
    }

    // ---- text

    /**
     * Returns the {@code toString} of an object. This is user code and may throw; then the result is the name of the
     * class, with a note.
     */
    public static String text(@Nullable Object object) {
        try {
            return String.valueOf(object);
        } catch (RuntimeException | StackOverflowError | AssertionError | LinkageError e) {
            return nameOf(object) + " (whose toString failed: " + e.getClass().getName() + ")";
        }
    }

    private static String nameOf(@Nullable Object object) {
        return object == null ? "null" : object.getClass().getName();
    }

    /** Returns the message of an exception, like {@link #text}. */
    public static @Nullable String message(Throwable exception) {
        try {
            return exception.getMessage();
        } catch (RuntimeException | StackOverflowError | AssertionError | LinkageError e) {
            return nameOf(exception) + " (whose getMessage failed: "
                    + e.getClass().getName() + ")";
        }
    }

    // ---- logging

    /** Logs an error, with its exception if there is one. */
    public static void error(String message, @Nullable Throwable exception) {
        log(Level.ERROR, message, exception);
    }

    /** Logs a warning, with an exception, or a place in the code in the form of one, if there is one. */
    public static void warn(String message, @Nullable Throwable exception) {
        log(Level.WARN, message, exception);
    }

    /** Logs an event of normal operation, unless it would be printed to stdout. */
    public static void info(String message) {
        if (!INFO_ON_STDOUT) {
            log(Level.INFO, message, null);
        }
    }

    /** Logs a message for debugging. */
    public static void debug(String message, @Nullable Throwable exception) {
        log(Level.DEBUG, message, exception);
    }

    private static void log(Level level, String message, @Nullable Throwable exception) {
        try {
            write(level, message, exception);
        } catch (RuntimeException | StackOverflowError failure) {
            writeWithoutException(level, message, exception, failure);
        }
    }

    /** Logs once more, in case it was the exception that could not be printed. */
    private static void writeWithoutException(
            Level level, String message, @Nullable Throwable exception, Throwable failure) {
        String text = exception == null
                ? message
                : message + stack("\n", exception, Collections.newSetFromMap(new IdentityHashMap<>()));
        if (exception != null) {
            try {
                write(level, text, null);
                return;
            } catch (RuntimeException | StackOverflowError again) {
                Suppressed.add(failure, again);
            }
        }
        Thread thread = Thread.currentThread();
        try {
            thread.getUncaughtExceptionHandler()
                    .uncaughtException(thread, new IllegalStateException("The logger failed to log: " + text, failure));
        } catch (RuntimeException last) {
            // no handler is left; the JVM ignores it, too
        }
    }

    /** Reactor's console logger does not take null for "no exception". */
    private static void write(Level level, String message, @Nullable Throwable exception) {
        switch (level) {
            case ERROR -> {
                if (exception == null) {
                    LOG.error(message);
                } else {
                    LOG.error(message, exception);
                }
            }
            case WARN -> {
                if (exception == null) {
                    LOG.warn(message);
                } else {
                    LOG.warn(message, exception);
                }
            }
            case INFO -> {
                if (exception == null) {
                    LOG.info(message);
                } else {
                    LOG.info(message, exception);
                }
            }
            case DEBUG -> {
                if (exception == null) {
                    LOG.debug(message);
                } else {
                    LOG.debug(message, exception);
                }
            }
        }
    }

    /** Returns the frames of an exception; {@code getStackTrace} may be overridden as well. */
    static StackTraceElement[] frames(Throwable exception) {
        try {
            return exception.getStackTrace();
        } catch (RuntimeException e) {
            return new StackTraceElement[0];
        }
    }

    /** Returns the stack trace of an exception that cannot print itself. */
    private static String stack(String heading, Throwable exception, Set<Throwable> seen) {
        StringBuilder text = new StringBuilder(heading).append(text(exception));
        if (seen.add(exception)) {
            StackTraceElement[] frames = frames(exception);
            for (int i = 0; i < Math.min(frames.length, MOST_FRAMES); i++) {
                text.append("\n    at ").append(frames[i]);
            }
            for (Throwable other : exception.getSuppressed()) {
                text.append(stack("\nSuppressed: ", other, seen));
            }
            Throwable cause = Suppressed.causeOf(exception);
            if (cause != null) {
                text.append(stack("\nCaused by: ", cause, seen));
            }
        }
        return text.toString();
    }
}
