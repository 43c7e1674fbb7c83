package asyncio.streams;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.Charset;

/** The form in which a read returns its bytes. */
interface ReadForm<T> {
    /** The result of reads of no bytes. */
    byte[] NOTHING = {};

    /** A copy. */
    ReadForm<byte[]> BYTES = new ReadForm<>() {
        @Override
        public byte[] take(ReadBuffer buffer, int n) {
            return n == 0 ? NOTHING : buffer.take(n);
        }

        @Override
        public ByteBuf bytes(byte[] taken) {
            return Unpooled.wrappedBuffer(taken);
        }
    };

    /** A buffer that the caller releases. */
    ReadForm<ByteBuf> RETAINED = new ReadForm<>() {
        @Override
        public ByteBuf take(ReadBuffer buffer, int n) {
            return buffer.takeRetained(n);
        }

        @Override
        public ByteBuf bytes(ByteBuf taken) {
            return taken;
        }
    };

    /** Removes bytes from the head of the buffer. */
    T take(ReadBuffer buffer, int n);

    /** Returns the bytes again; the caller owns the buffer. */
    ByteBuf bytes(T taken);

    /** A line as text, without its {@code "\n"} or {@code "\r\n"}. */
    static ReadForm<String> line(Charset charset) {
        return new ReadForm<>() {
            @Override
            public String take(ReadBuffer buffer, int n) {
                ByteBuf bytes = buffer.peek();
                int start = bytes.readerIndex();
                int length = n;
                if (length > 0 && bytes.getByte(start + length - 1) == '\n') {
                    length--;
                    if (length > 0 && bytes.getByte(start + length - 1) == '\r') {
                        length--;
                    }
                }
                String line = bytes.toString(start, length, charset);
                buffer.skip(n);
                return line;
            }

            @Override
            public ByteBuf bytes(String taken) {
                throw new UnsupportedOperationException("The line ending is no longer known");
            }
        };
    }
}
