package asyncio.streams;

import asyncio.EventLoop;
import asyncio.streams.internal.PipeThreads;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The standard input of this process, read by one loop at a time. Each read of the descriptor is a job on another
 * thread, since it may be a file, or another process may take the bytes that a loop was told of. So no loop blocks, and
 * the descriptor, which this process may share with its parent, can stay blocking. Only one such read runs at a time.
 * Its bytes are kept here until the current {@link StandardReading} takes them, so that a loop that is closed meanwhile
 * loses nothing: the next one gets them, after the bytes that the former had buffered.
 */
final class StandardInput {
    static final StandardInput STDIN = new StandardInput(new FileInputStream(FileDescriptor.in), 0);

    /** The {@link #number} of an input that can only be waited for by reading. */
    static final int NONE = -1;

    private static final int CHUNK = 64 * 1024;
    private static final byte[] END = {};

    private final InputStream input;
    /** The number of the descriptor, or {@link #NONE}. */
    final int number;

    /** Guarded by this. */
    private @Nullable StandardReading owner;
    /** The bytes read and not yet taken; guarded by this. */
    private final ArrayDeque<byte[]> kept = new ArrayDeque<>();
    /** Guarded by this. */
    private boolean reading;
    /** Guarded by this. */
    private boolean ended;
    /** The error of the last read, after which there are no more reads; guarded by this. */
    private @Nullable Throwable failure;

    /** @param input the stream to read, which is never closed here */
    StandardInput(InputStream input, int number) {
        this.input = input;
        this.number = number;
    }

    /** The reader of the loop that is running at subscription, or of a shared one. */
    Mono<StreamReader> reader(int limit) {
        return OnLoop.call(loop -> claim(loop, limit));
    }

    /** On the loop. */
    private StreamReader claim(EventLoop loop, int limit) {
        StandardReading claimed;
        synchronized (this) {
            StandardReading present = owner;
            if (present != null && present.loop == loop) {
                return present.reader;
            }
            if (present != null) {
                throw new IllegalStateException(
                        "stdin is read on " + present.loop + ", and cannot be read on " + loop
                                + " as well: its bytes would be split between the two. Read it on one loop and pass the data on");
            }
            claimed = new StandardReading(this, loop, limit);
            owner = claimed;
        }
        claimed.start();
        return claimed.reader;
    }

    /** Takes the next bytes; an empty array at the end; null if there are none yet. */
    synchronized byte @Nullable [] take() throws Throwable {
        byte[] next = kept.poll();
        if (next == null && failure != null) {
            throw failure;
        }
        return next == null && ended ? END : next;
    }

    /** Starts a read, after which the owner is told. */
    synchronized void read() {
        if (!reading) {
            PipeThreads.POOL.execute(this::readOnce);
            reading = true;
        }
    }

    private void readOnce() {
        byte[] chunk = new byte[CHUNK];
        int n = -1;
        Throwable failure = null;
        try {
            n = input.read(chunk);
        } catch (Throwable e) { // reported to the reader
            failure = e;
        }
        StandardReading owner;
        synchronized (this) {
            reading = false;
            if (n > 0) {
                kept.add(Arrays.copyOf(chunk, n));
            } else if (failure != null) {
                this.failure = failure;
            } else {
                ended = true;
            }
            owner = this.owner;
        }
        if (owner != null) {
            owner.tell();
        }
    }

    /** Called when the loop of the owner is closed. */
    synchronized void release(byte[] unread) {
        owner = null;
        if (unread.length > 0) {
            kept.addFirst(unread);
        }
    }
}
