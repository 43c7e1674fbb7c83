package asyncio;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/**
 * The library's log while it is open; needs {@code -Dreactor.logging.fallback=JDK}. Leak reports are kept apart, since
 * those of other tests come whenever the garbage collector finds one; the message about the threads of bodies is left
 * out, since the first body of a JVM logs it.
 */
public class LogCapture extends Handler implements AutoCloseable {
    private final Logger logger = Logger.getLogger("asyncio");
    private final List<LogRecord> records = new CopyOnWriteArrayList<>();

    @SuppressWarnings("this-escape") // to the logger; subclasses have no fields
    public LogCapture() {
        setLevel(Level.ALL);
        logger.addHandler(this);
        logger.setUseParentHandlers(false);
    }

    /** Returns all records except for leak reports. */
    public List<LogRecord> records() {
        return records.stream().filter(record -> !isOfForgotten(record)).toList();
    }

    public List<String> messages() {
        return texts(records());
    }

    /** Returns the reports of leaked coroutines, operators and exceptions that mention a text. */
    List<LogRecord> forgottenRecords(String what) {
        return records.stream()
                .filter(record -> isOfForgotten(record)
                        && (record.getMessage().contains(what)
                                || String.valueOf(record.getThrown()).contains(what)))
                .toList();
    }

    List<String> forgotten(String what) {
        return texts(forgottenRecords(what));
    }

    private static List<String> texts(List<LogRecord> records) {
        return records.stream().map(LogRecord::getMessage).toList();
    }

    private static boolean isOfForgotten(LogRecord record) {
        return record.getMessage().contains(" was never ");
    }

    @Override
    public void publish(LogRecord record) {
        if (!record.getMessage().startsWith("Bodies run on ")) {
            records.add(record);
        }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
        logger.removeHandler(this);
        logger.setUseParentHandlers(true);
    }
}
