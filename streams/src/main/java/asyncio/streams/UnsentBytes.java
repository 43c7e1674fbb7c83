package asyncio.streams;

import asyncio.Closings;
import asyncio.Log;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.FileRegion;

/** The unsent bytes of a connection that is being closed, for which the end of the program waits. */
final class UnsentBytes {
    private UnsentBytes() {}

    static void await(StreamHandler stream) {
        Closings.await(stream.writer().closed(), () -> giveUp(stream));
    }

    /** Aborts the connection, so that the peer does not take the bytes it has for the whole stream. */
    private static void giveUp(StreamHandler stream) {
        Outgoing out = stream.writer();
        long size = size(out);
        if (size > 0) {
            Log.warn(
                    out + " was closed with " + size + " bytes unsent to " + out.remoteAddress
                            + ": its peer had not taken them when its event loop was closed. Before the program ends,"
                            + " await waitClosed()",
                    null);
            stream.abort();
        }
    }

    /** Returns the number of flushed bytes that the socket has not accepted yet. */
    static long size(Outgoing out) {
        ChannelOutboundBuffer buffer = out.channel.unsafe().outboundBuffer();
        long[] size = {0};
        if (buffer != null) {
            try {
                buffer.forEachFlushedMessage(message -> {
                    size[0] += message instanceof ByteBuf bytes
                            ? bytes.readableBytes()
                            : message instanceof FileRegion file ? file.count() - file.transferred() : 0;
                    return true;
                });
            } catch (Exception e) {
                throw new IllegalStateException(e); // the lambda throws none
            }
        }
        return size[0];
    }
}
