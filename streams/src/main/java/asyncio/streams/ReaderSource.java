package asyncio.streams;

import org.jspecify.annotations.Nullable;

/**
 * The source of a reader's bytes, for the messages of reads that fail.
 *
 * @param connection the connection; null for a reader that is fed by hand
 * @param limitSetting the setting that raises its limit, such as {@code ConnectOptions.limit}
 */
record ReaderSource(@Nullable Outgoing connection, String limitSetting) {
    static final ReaderSource FED = new ReaderSource(null, "StreamReader.create(loop, limit)");

    /** Returns the end of a message, which names the connection. */
    String suffix() {
        return connection == null ? "" : ": " + connection.peers();
    }
}
