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
 * The bytes that have come and were not read yet: one Netty buffer, which grows, and behind it others as they came,
 * which are joined to it when somebody wants to look at all of them. It remembers how far it has been searched and for
 * what, so that a long line in many pieces is searched once. For one thread at a time.
 */
final class ReadBuffer {
    /** Smaller pieces are copied. */
    private static final int WELL_FILLED = 1024;

    private final ByteBufAllocator allocator;
    private ByteBuf bytes = Unpooled.EMPTY_BUFFER;
    /** Come after {@link #bytes}; none if those are none. */
    private final ArrayDeque<ByteBuf> later = new ArrayDeque<>(0);

    private int laterSize;
    /** No separator of {@link #searchedFor} starts among so many bytes at the head. */
    private int searched;

    private @Nullable Separators searchedFor;
    /** Where in the stream the bytes are, but for those that are {@link #returned}. */
    private long position;
    /**
     * What was put back while bytes that come after it were out with another reader: where it is in the stream, and how
     * many bytes. It is at the head of all; what comes back from between takes its place there.
     */
    private final NavigableMap<Long, Integer> returned = new TreeMap<>();
    /** Where the separator starts that was found last. */
    private int matchStart;

    ReadBuffer(ByteBufAllocator allocator) {
        this.allocator = allocator;
    }

    int size() {
        return bytes.readableBytes() + laterSize;
    }

    /** Where in the stream the first byte is, or will be. */
    long position() {
        return returned.isEmpty() ? position : returned.firstKey();
    }

    /** How many bytes can be had without joining. */
    int headSize() {
        return bytes.readableBytes();
    }

    /** Adds bytes at the end, and owns {@code more} from here on. */
    void append(ByteBuf more) {
        int n = more.readableBytes();
        if (!bytes.isReadable()) {
            replace(more);
        } else if (n >= WELL_FILLED && n >= more.capacity() / 2) {
            later.add(more);
            laterSize = Math.addExact(laterSize, n);
        } else {
            join(); // a few bytes in a large buffer would cost more memory than the limit allows
            makeRoom(n);
            move(more);
        }
    }

    private void join() {
        if (laterSize > 0) {
            makeRoom(laterSize);
            laterSize = 0;
            for (ByteBuf next; (next = later.poll()) != null; ) {
                move(next);
            }
        }
    }

    private void move(ByteBuf more) {
        try {
            bytes.writeBytes(more);
        } finally {
            more.release();
        }
    }

    /** Bytes that were handed out as a slice keep their buffer, which must not change then. */
    private void makeRoom(int n) {
        if (n <= bytes.maxFastWritableBytes() && bytes.refCnt() == 1 && !bytes.isReadOnly()) {
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
        joinFor(n);
        byte[] head = new byte[n];
        bytes.readBytes(head);
        removedFromHead(n);
        return head;
    }

    /** Removes bytes from the head without copying them; the caller releases what it gets. */
    ByteBuf takeRetained(int n) {
        if (n == 0) {
            return Unpooled.EMPTY_BUFFER;
        }
        joinFor(n);
        ByteBuf head;
        if (n == headSize()) {
            head = bytes;
            bytes = Unpooled.EMPTY_BUFFER;
        } else {
            head = bytes.readRetainedSlice(n);
        }
        removedFromHead(n);
        return head;
    }

    private void joinFor(int n) {
        if (n > headSize()) {
            join();
        }
    }

    /** All bytes, which stay. */
    ByteBuf peek() {
        join();
        return bytes;
    }

    /** Drops bytes from the head. */
    void skip(int n) {
        joinFor(n);
        bytes.skipBytes(n);
        removedFromHead(n);
    }

    /** Drops all. */
    void clear() {
        position += size();
        returned.clear();
        laterSize = 0;
        replace(Unpooled.EMPTY_BUFFER);
        for (ByteBuf next; (next = later.poll()) != null; ) {
            next.release();
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
        join();
        if (!bytes.isReadable()) {
            replace(taken);
            return;
        }
        try {
            replace(Unpooled.wrappedBuffer(copyWith(taken, before)));
        } finally {
            taken.release();
        }
    }

    /**
     * The bytes so far move to the Java heap, for the garbage collector: the connection has ended, and nobody may ever
     * come for them. Nothing may be appended after that.
     */
    void moveToHeap() {
        join();
        if (bytes.isReadable()) {
            replace(Unpooled.wrappedBuffer(copyWith(Unpooled.EMPTY_BUFFER, 0)));
        }
    }

    private byte[] copyWith(ByteBuf more, int before) {
        int start = bytes.readerIndex();
        int length = more.readableBytes();
        byte[] all = new byte[Math.addExact(length, size())];
        bytes.getBytes(start, all, 0, before);
        more.getBytes(more.readerIndex(), all, before, length);
        bytes.getBytes(start + before, all, before + length, size() - before);
        return all;
    }

    // ---- searching

    /**
     * Where the separator ends that ends first, counted from the head; -1 if there is none. {@link #matchStart()} then
     * says where it starts, the shortest of those that end there.
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
                end = found - 1; // one that ends there or later is of no interest
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

    /** How many bytes at the head cannot be part of a separator when there is none yet. */
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
