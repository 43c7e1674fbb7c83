package asyncio.streams;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The bytes received and not yet read: Netty buffers as they arrived, with small pieces collected in a shared one. They
 * are joined only for a search, so that a read of a number of bytes, however large, copies them once. The buffer
 * remembers how far it has been searched and for which separators, so that a long line in many pieces is searched once.
 * For one thread at a time.
 *
 * <p>Every method allocates memory first: if that fails, it has taken nothing.
 */
final class ReadBuffer {
    /** The size below which a piece is copied, in bytes. */
    private static final int WELL_FILLED = 1024;
    /** The size of the buffers in which small pieces are collected, in bytes. */
    private static final int SHARED = 64 * 1024;

    private final ByteBufAllocator allocator;
    private ByteBuf bytes = Unpooled.EMPTY_BUFFER;
    /** The buffers after {@link #bytes}; empty if {@code bytes} is empty. */
    private final ArrayDeque<ByteBuf> later = new ArrayDeque<>(0);

    private int laterSize;
    /** The number of bytes at the head in which no separator of {@link #searchedFor} starts. */
    private int searched;

    private @Nullable Separators searchedFor;
    /** The position of the bytes in the stream, except for those that are {@link #returned}. */
    private long position;
    /**
     * Bytes that were put back while later bytes were held by another reader: their position in the stream and their
     * number. They are at the head of the buffer; bytes put back from in between are inserted at their place.
     */
    private final NavigableMap<Long, Integer> returned = new TreeMap<>();
    /** The start of the separator that was found last. */
    private int matchStart;

    ReadBuffer(ByteBufAllocator allocator) {
        this.allocator = allocator;
    }

    int size() {
        return bytes.readableBytes() + laterSize;
    }

    /** Returns the position in the stream of the first byte, even if it has not arrived. */
    long position() {
        return returned.isEmpty() ? position : returned.firstKey();
    }

    /** Returns the number of bytes available without joining. */
    int headSize() {
        return bytes.readableBytes();
    }

    /** Adds bytes at the end, and owns {@code more} from here on. */
    void append(ByteBuf more) {
        int n = more.readableBytes();
        if (!bytes.isReadable()) {
            replace(more);
        } else if (n >= WELL_FILLED && n >= more.capacity() / 4 * 3) {
            later.add(more);
            laterSize = Math.addExact(laterSize, n);
        } else { // a few bytes in a large buffer would cost more memory than the limit allows
            try {
                copy(more, n);
            } finally {
                more.release();
            }
        }
    }

    private void copy(ByteBuf more, int n) {
        if (later.isEmpty() && headSize() + n <= SHARED) {
            makeRoom(n);
            bytes.writeBytes(more);
            return;
        }
        ByteBuf last = later.peekLast();
        if (last == null || !hasRoom(last, n)) {
            last = allocator.buffer(Math.max(n, Math.min(SHARED, size())));
            later.add(last);
        }
        last.writeBytes(more);
        laterSize = Math.addExact(laterSize, n);
    }

    private void join() {
        if (laterSize > 0) {
            makeRoom(laterSize);
            laterSize = 0;
            for (ByteBuf next; (next = later.poll()) != null; ) {
                bytes.writeBytes(next);
                next.release();
            }
        }
    }

    /** Returns whether a buffer has room. A buffer with a slice in use must not change. */
    private static boolean hasRoom(ByteBuf bytes, int n) {
        return n <= bytes.maxFastWritableBytes() && bytes.refCnt() == 1 && !bytes.isReadOnly();
    }

    private void makeRoom(int n) {
        if (hasRoom(bytes, n)) {
            return;
        }
        int size = headSize();
        ByteBuf larger =
                allocator.buffer(Math.max(Math.addExact(size, n), (int) Math.min(2L * size, Integer.MAX_VALUE - 8)));
        larger.writeBytes(bytes);
        replace(larger);
    }

    private void replace(ByteBuf other) {
        bytes.release();
        bytes = other;
    }

    // ---- taking

    /** Removes bytes from the head. */
    byte[] take(int n) {
        byte[] head = new byte[n];
        for (int at = 0; at < n; ) {
            int length = Math.min(n - at, headSize());
            bytes.readBytes(head, at, length);
            at += length;
            nextIfEmpty();
        }
        removedFromHead(n);
        return head;
    }

    /** Removes bytes from the head, without copying if they arrived together; the caller releases the buffer. */
    ByteBuf takeRetained(int n) {
        if (n == 0) {
            return Unpooled.EMPTY_BUFFER;
        }
        ByteBuf head;
        if (n < headSize()) {
            head = bytes.readRetainedSlice(n);
        } else if (n == headSize()) {
            head = bytes;
            bytes = Unpooled.EMPTY_BUFFER;
        } else {
            head = allocator.buffer(n);
            while (head.readableBytes() < n) {
                bytes.readBytes(head, Math.min(n - head.readableBytes(), headSize()));
                nextIfEmpty();
            }
        }
        removedFromHead(n);
        return head;
    }

    /** Returns all bytes without removing them. */
    ByteBuf peek() {
        join();
        return bytes;
    }

    /** Drops bytes from the head. */
    void skip(int n) {
        for (int left = n; left > 0; ) {
            int length = Math.min(left, headSize());
            bytes.skipBytes(length);
            left -= length;
            nextIfEmpty();
        }
        removedFromHead(n);
    }

    /** Drops all bytes. */
    void clear() {
        position += size();
        returned.clear();
        laterSize = 0;
        replace(Unpooled.EMPTY_BUFFER);
        for (ByteBuf next; (next = later.poll()) != null; ) {
            next.release();
        }
    }

    private void nextIfEmpty() {
        if (!bytes.isReadable()) {
            ByteBuf next = later.poll();
            if (next == null) {
                replace(Unpooled.EMPTY_BUFFER);
            } else {
                laterSize -= next.readableBytes();
                replace(next);
            }
        }
    }

    private void removedFromHead(int n) {
        searched = 0;
        int left = n;
        for (Map.Entry<Long, Integer> first; left > 0 && (first = returned.pollFirstEntry()) != null; ) {
            int length = first.getValue();
            if (left < length) {
                returned.put(first.getKey() + left, length - left);
            }
            left = Math.max(0, left - length);
        }
        position += left;
        nextIfEmpty();
    }

    /**
     * Undoes a {@link #take} or {@link #takeRetained}, and owns the buffer from here on.
     *
     * @param from the {@link #position} before it was taken
     */
    void putBack(ByteBuf taken, long from) {
        int n = taken.readableBytes();
        int before = 0;
        if (returned.isEmpty() && from + n == position) {
            position = from;
        } else {
            for (int length : returned.headMap(from).values()) {
                before += length;
            }
            returned.put(from, n);
        }
        searched = 0;
        insert(taken, before);
    }

    /** Inserts a piece after {@code before} bytes. */
    private void insert(ByteBuf piece, int before) {
        if (before > 0) {
            ByteBuf first = bytes.readRetainedSlice(Math.min(before, headSize()));
            nextIfEmpty();
            insert(piece, before - first.readableBytes());
            insert(first, 0);
        } else if (bytes.isReadable()) {
            later.addFirst(bytes);
            laterSize = Math.addExact(laterSize, headSize());
            bytes = piece;
        } else {
            replace(piece);
        }
    }

    /**
     * Moves the bytes to the Java heap, for the garbage collector: the connection has ended, and they may never be
     * read. Nothing may be appended after that.
     */
    void moveToHeap() {
        int n = size();
        if (n > 0) {
            ByteBuf all = Unpooled.wrappedBuffer(new byte[n]).clear();
            all.writeBytes(bytes);
            for (ByteBuf next; (next = later.poll()) != null; ) {
                all.writeBytes(next);
                next.release();
            }
            laterSize = 0;
            replace(all);
        }
    }

    // ---- searching

    /**
     * Returns the end of the separator that ends first, counted from the head; -1 if there is none.
     * {@link #matchStart()} then says where it starts, the shortest of those that end there.
     */
    int find(Separators separators) {
        if (searchedFor != separators) {
            searchedFor = separators;
            searched = 0;
        }
        join();
        int head = bytes.readerIndex();
        int end = bytes.writerIndex();
        int from = head + searched;
        int found = -1;
        for (int i = 0; i < separators.count(); i++) {
            byte[] separator = separators.get(i);
            int start = find(separator, from, end);
            if (start >= 0) {
                found = start + separator.length;
                matchStart = start - head;
                end = found - 1; // a match that ends there or later does not matter
            }
        }
        if (found >= 0) {
            return found - head;
        }
        searched = searchedWithout(separators);
        return -1;
    }

    int matchStart() {
        return matchStart;
    }

    /** Returns the number of bytes at the head that cannot be part of a separator, if none was found so far. */
    int searchedWithout(Separators separators) {
        return Math.max(0, size() + 1 - separators.longest());
    }

    private int find(byte[] separator, int from, int end) {
        int last = end - separator.length;
        for (int at = from; at <= last; at++) {
            at = bytes.indexOf(at, last + 1, separator[0]);
            if (at < 0) {
                return -1;
            }
            int i = 1;
            while (i < separator.length && bytes.getByte(at + i) == separator[i]) {
                i++;
            }
            if (i == separator.length) {
                return at;
            }
        }
        return -1;
    }
}
