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
 * The standard input of this process, which one loop at a time reads. Each read of the descriptor is a job in a thread,
 * since it may be a file, or another process may take the bytes that a loop was told of: no loop waits for it, and the
 * descriptor, which this process may share with its parent, stays blocking as it is. One such read is under way at a
 * time. What it brings is kept here until the {@link StandardReading} that reads now takes it, so that a loop that is
 * closed meanwhile loses nothing: the next has it, with what the former had buffered before it.
 */
final class StandardInput {
    static final StandardInput STDIN = new StandardInput(new FileInputStream(FileDescriptor.in), 0);

    /** For {@link #number} where nothing can be waited for but by reading. */
    static final int NONE = -1;

    private static final int CHUNK = 64 * 1024;
    private static final byte[] END = {};

    private final InputStream input;
    /** Of the descriptor, or {@link #NONE}. */
    final int number;

    /** Guarded by this. */
    private @Nullable StandardReading owner;
    /** The bytes that were read and not taken; guarded by this. */
    private final ArrayDeque<byte[]> kept = new ArrayDeque<>();
    /** Guarded by this. */
    private boolean reading;
    /** Guarded by this. */
    private boolean ended;
    /** Of the last read, after which there is none; guarded by this. */
    private @Nullable Throwable failure;

    /** @param input never closed here */
    StandardInput(InputStream input, int number) {
        this.input = input;
        this.number = number;
    }

    /** The reader of the loop that runs where this is subscribed to, or of a shared one. */
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
                throw new IllegalStateException("stdin is read on " + present.loop + ", and cannot be read on " + loop
                        + " as well: the bytes would go to either. Read it on one loop, and pass on what has come");
            }
            claimed = new StandardReading(this, loop, limit);
            owner = claimed;
        }
        claimed.start();
        return claimed.reader;
    }

    /** Takes what has come; an empty array at the end; null if there is nothing yet. */
    synchronized byte @Nullable [] take() throws Throwable {
        byte[] next = kept.poll();
        if (next == null && failure != null) {
            throw failure;
        }
        return next == null && ended ? END : next;
    }

    /** Has the owner told when there is something to take. */
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
        } catch (Throwable e) { // the reader hears of it, whatever it is
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

    /** The loop of the owner is closed. */
    synchronized void release(byte[] unread) {
        owner = null;
        if (unread.length > 0) {
            kept.addFirst(unread);
        }
    }
}
