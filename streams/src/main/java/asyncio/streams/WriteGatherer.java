package asyncio.streams;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.jspecify.annotations.Nullable;

/**
 * Gathers written bytes before they are passed to the channel, since more may follow that can be sent in the same
 * write: small arrays, which are copied into one buffer, or adjacent pieces of one buffer, such as lines that arrived
 * together, which become one piece again. On the loop.
 */
final class WriteGatherer {
    /** The size of the buffer for arrays, in bytes. */
    private static final int ARRAYS = 16 * 1024;
    /** The maximum size of joined pieces, in bytes, which is the most that one read from a socket returns. */
    private static final int PIECES = 64 * 1024;

    private final ByteBufAllocator allocator;
    /** The buffer of the arrays; or the first of the pieces, which keeps all of them from being freed. */
    private @Nullable ByteBuf bytes;
    /** The buffer that the pieces belong to; null for arrays. */
    private @Nullable ByteBuf whole;
    /** The size of all pieces, in bytes. */
    private int size;

    WriteGatherer(ByteBufAllocator allocator) {
        this.allocator = allocator;
    }

    int size() {
        return whole != null ? size : bytes != null ? bytes.readableBytes() : 0;
    }

    // ---- arrays

    /** Appends a copy of an array to those gathered; returns false if there are none, or no room. */
    boolean add(byte[] array) {
        ByteBuf arrays = bytes;
        if (arrays == null || whole != null || arrays.writableBytes() < array.length) {
            return false;
        }
        arrays.writeBytes(array);
        return true;
    }

    /** Starts with an array, after a {@link #take}; returns false if it is too large to be worth gathering. */
    boolean begin(byte[] array) {
        if (array.length > ARRAYS / 2) {
            return false;
        }
        bytes = allocator.ioBuffer(ARRAYS, ARRAYS).writeBytes(array);
        return true;
    }

    // ---- pieces

    /** Adds a piece that starts where the gathered ones end; returns false if it does not. */
    boolean add(ByteBuf piece) {
        ByteBuf first = bytes;
        ByteBuf whole = this.whole;
        if (first == null || whole == null || !isOf(whole, piece)) {
            return false;
        }
        int n = piece.readableBytes();
        if (n > PIECES - size || address(piece) != address(first) + size) {
            return false;
        }
        size += n;
        piece.release(); // the first piece keeps the shared buffer
        return true;
    }

    /**
     * Starts with a piece, after a {@link #take}; returns false if it is not a piece, or has no address to find its
     * neighbours by.
     */
    boolean begin(ByteBuf piece) {
        ByteBuf whole = piece.unwrap();
        if (whole == null || !piece.hasMemoryAddress() || !whole.hasMemoryAddress()) {
            return false;
        }
        this.whole = whole;
        bytes = piece;
        size = piece.readableBytes();
        return true;
    }

    /**
     * Returns whether a piece belongs to a buffer. The last piece may be the buffer itself, from whose head the others
     * were taken.
     */
    @SuppressWarnings("ReferenceEquality") // equal bytes elsewhere do not count
    private static boolean isOf(ByteBuf whole, ByteBuf piece) {
        return piece == whole || piece.unwrap() == whole;
    }

    private static long address(ByteBuf piece) {
        return piece.memoryAddress() + piece.readerIndex();
    }

    // ---- out

    /** Returns the gathered bytes, which the caller owns from here on; null if there are none. */
    @Nullable ByteBuf take() {
        ByteBuf taken = bytes;
        if (taken == null) {
            return null;
        }
        ByteBuf whole = this.whole;
        ByteBuf all = whole == null ? thrifty(taken) : size == taken.readableBytes() ? taken : joined(taken, whole);
        bytes = null; // only now: if there is no memory to join them, they are still here
        this.whole = null;
        return all;
    }

    /** Drops the gathered bytes. */
    void discard() {
        ByteBuf dropped = bytes;
        bytes = null;
        whole = null;
        if (dropped != null) {
            dropped.release();
        }
    }

    private ByteBuf joined(ByteBuf first, ByteBuf whole) {
        ByteBuf all = whole.retainedSlice((int) (address(first) - whole.memoryAddress()), size);
        first.release();
        return all;
    }

    /** Copies a few bytes to a smaller buffer, since they may stay in the write buffer for a long time. */
    private ByteBuf thrifty(ByteBuf arrays) {
        if (arrays.readableBytes() >= ARRAYS / 4) {
            return arrays;
        }
        ByteBuf few;
        try {
            few = allocator.ioBuffer(arrays.readableBytes());
        } catch (OutOfMemoryError e) {
            return arrays; // no memory to save memory with
        }
        few.writeBytes(arrays);
        arrays.release();
        return few;
    }
}
