package asyncio.streams;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * Passes the incoming bytes of a transport to a reader.
 *
 * <p>asyncio: {@code StreamReaderProtocol}.
 */
final class StreamReaderProtocol implements Protocol {
    private final StreamHandler handler;
    final Incoming reader;

    StreamReaderProtocol(StreamHandler handler, Incoming reader) {
        this.handler = handler;
        this.reader = reader;
    }

    @Override
    public void dataReceivedRetained(ByteBuf data) {
        reader.feed(data);
    }

    @Override
    public boolean eofReceived() {
        reader.feedEof();
        return handler.tls() == null;
    }

    @Override
    public void connectionLost(@Nullable Throwable cause) {
        try {
            if (cause != null) {
                reader.fail(cause);
            }
        } finally {
            reader.connectionLost();
        }
    }

    /** {@code <StreamReaderProtocol of <StreamWriter ...>>}. */
    @Override
    public String toString() {
        return "<StreamReaderProtocol of " + handler.writer() + ">";
    }
}
