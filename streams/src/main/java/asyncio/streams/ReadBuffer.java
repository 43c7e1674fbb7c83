package asyncio.streams;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;

/**
 * The bytes that have come and were not read yet: one Netty buffer, which grows. It remembers how far it has been
 * searched, so that a long line in many pieces is searched once. For one thread at a time.
 */
final class ReadBuffer {
    private final ByteBufAllocator allocator;
    private ByteBuf bytes = Unpooled.EMPTY_BUFFER;
    /** No separator is among so many bytes at the head. */
    private int searched;

    ReadBuffer(ByteBufAllocator allocator) {
        this.allocator = allocator;
    }

    int size() {
        return bytes.readableBytes();
    }

    /** Adds bytes at the end, and owns {@code more} from here on. */
    void append(ByteBuf more) {
        if (!bytes.isReadable()) {
            replace(more);
            return;
        }
        try {
            makeRoom(more.readableBytes());
            bytes.writeBytes(more);
        } finally {
            more.release();
        }
    }

    private void makeRoom(int n) {
        if (n <= bytes.maxFastWritableBytes() && bytes.refCnt() == 1 && !bytes.isReadOnly()) {
            return;
        }
        int size = size();
        ByteBuf larger =
                allocator.buffer(Math.max(Math.addExact(size, n), (int) Math.min(2L * size, Integer.MAX_VALUE - 8)));
        larger.writeBytes(bytes);
        replace(larger);
    }

    private void replace(ByteBuf other) {
        bytes.release();
        bytes = other;
    }

    /** Removes bytes from the head. */
    byte[] take(int n) {
        byte[] head = new byte[n];
        bytes.readBytes(head);
        removedFromHead();
        return head;
    }

    /** Drops bytes from the head. */
    void skip(int n) {
        bytes.skipBytes(n);
        removedFromHead();
    }

    private void removedFromHead() {
        searched = 0;
        if (!bytes.isReadable()) {
            replace(Unpooled.EMPTY_BUFFER);
        }
    }

    /** Undoes a {@link #take}. */
    void putBack(byte[] head) {
        replace(Unpooled.wrappedBuffer(join(head)));
        searched = 0;
    }

    /**
     * The bytes so far move to the Java heap, for the garbage collector: the connection has ended, and nobody may ever
     * come for them. Nothing may be appended after that.
     */
    void moveToHeap() {
        if (bytes.isReadable()) {
            replace(Unpooled.wrappedBuffer(join(new byte[0])));
        }
    }

    private byte[] join(byte[] head) {
        byte[] all = new byte[head.length + size()];
        System.arraycopy(head, 0, all, 0, head.length);
        bytes.getBytes(bytes.readerIndex(), all, head.length, size());
        return all;
    }

    /** How many bytes stand before the first {@code separator}, or -1 if there is none. */
    int find(byte separator) {
        int start = bytes.readerIndex();
        int index = searched < size() ? bytes.indexOf(start + searched, bytes.writerIndex(), separator) : -1;
        searched = index < 0 ? size() : index - start;
        return index < 0 ? -1 : searched;
    }
}
