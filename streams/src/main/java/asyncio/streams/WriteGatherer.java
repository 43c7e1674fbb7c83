package asyncio.streams;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.jspecify.annotations.Nullable;

/**
 * The bytes that were written and the channel does not have yet, since more may come that can go out in the same write:
 * small arrays, which are copied into one buffer, or neighbouring pieces of one buffer, such as the lines that came
 * together, which become one piece again. On the loop.
 */
final class WriteGatherer {
    /** Of what is written as arrays so much goes out as one buffer, in bytes. */
    private static final int ARRAYS = 16 * 1024;
    /** So much of pieces goes out as one, which is what one read from a socket brings at most. */
    private static final int PIECES = 64 * 1024;

    private final ByteBufAllocator allocator;
    /** Of arrays; or the first of the pieces, which keeps all of them from being freed. */
    private @Nullable ByteBuf bytes;
    /** The buffer that the pieces are of; null for arrays. */
    private @Nullable ByteBuf whole;
    /** Of all pieces, in bytes. */
    private int size;

    WriteGatherer(ByteBufAllocator allocator) {
        this.allocator = allocator;
    }

    int size() {
        return whole != null ? size : bytes != null ? bytes.readableBytes() : 0;
    }

    // ---- arrays

    /** Copies an array behind those that are here; false if there are none, or no room. */
    boolean add(byte[] array) {
        ByteBuf arrays = bytes;
        if (arrays == null || whole != null || arrays.writableBytes() < array.length) {
            return false;
        }
        arrays.writeBytes(array);
        return true;
    }

    /** Begins with an array, after a {@link #take}; false if it is so large that nothing is gained. */
    boolean begin(byte[] array) {
        if (array.length > ARRAYS / 2) {
            return false;
        }
        bytes = allocator.ioBuffer(ARRAYS, ARRAYS).writeBytes(array);
        return true;
    }

    // ---- pieces

    /** Takes a piece that begins where those that are here end; false if this is not such a one. */
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
        piece.release(); // the first one holds what they share
        return true;
    }

    /** Begins with a piece, after a {@link #take}; false if it is none, or has no address to tell its neighbours by. */
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

    /** The last piece may be the buffer itself, of which the others were taken from the head. */
    @SuppressWarnings("ReferenceEquality") // equal bytes elsewhere are not meant
    private static boolean isOf(ByteBuf whole, ByteBuf piece) {
        return piece == whole || piece.unwrap() == whole;
    }

    private static long address(ByteBuf piece) {
        return piece.memoryAddress() + piece.readerIndex();
    }

    // ---- out

    /** All that is here, which the caller owns from here on; null if there is nothing. */
    @Nullable ByteBuf take() {
        ByteBuf taken = bytes;
        if (taken == null) {
            return null;
        }
        ByteBuf whole = this.whole;
        ByteBuf all = whole == null ? thrifty(taken) : size == taken.readableBytes() ? taken : joined(taken, whole);
        bytes = null; // only now: if there was no memory to join them, they are all still here
        this.whole = null;
        return all;
    }

    /** Drops all that is here. */
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

    /** A few bytes may lie in the write buffer for long. */
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
