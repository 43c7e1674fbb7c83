package asyncio.streams;

import org.jspecify.annotations.Nullable;

/**
 * The source of a reader's bytes, for the messages of reads that fail.
 *
 * @param connection null if somebody feeds it
 * @param limitSetting what raises its limit: {@code ConnectOptions.limit}
 */
record ReaderSource(@Nullable Outgoing connection, String limitSetting) {
    static final ReaderSource FED = new ReaderSource(null, "StreamReader.create(loop, limit)");

    /** The end of a message, which names the connection. */
    String suffix() {
        return connection == null ? "" : ": " + connection.peers();
    }
}
