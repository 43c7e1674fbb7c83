package asyncio.streams;

import asyncio.EventLoop;
import asyncio.streams.internal.PipeEnd;
import io.netty.buffer.Unpooled;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;

/**
 * Reads {@link StandardInput} on one loop, until that is closed. On epoll the loop waits for the descriptor, and a
 * thread is used only once there is something to read; elsewhere, and for descriptors that epoll does not accept, such
 * as files, the thread waits. Must be used on the loop, except for {@link #tell}.
 */
final class StandardReading implements StreamReader.Flow {
    private final StandardInput input;
    final EventLoop loop;
    private final Incoming incoming;
    final StreamReader reader;
    /** Null if a thread waits. */
    private @Nullable ReadableWatch watch;

    private boolean paused;
    private boolean over;
    /** Holds virtual time during a read that has something to read, since nothing else knows of these bytes. */
    private Disposable hold = Disposables.disposed();

    StandardReading(StandardInput input, EventLoop loop, int limit) {
        this.input = input;
        this.loop = loop;
        this.incoming = new Incoming(
                loop.netty(), StreamReader.HEAP, limit, this, new ReaderSource(null, "the limit of Streams.stdin"));
        this.reader = new StreamReader(incoming, null);
    }

    void start() {
        loop.onClose(this::loopClosed);
        if (input.number != StandardInput.NONE && PipeEnd.hasEpoll(loop)) {
            watch = ReadableWatch.of(loop.netty(), input.number, this::readable);
        }
        proceed();
    }

    /** Reports that a read has ended, with bytes, the end or an error; from any thread. */
    void tell() {
        try {
            loop.netty().execute(this::proceed);
        } catch (RejectedExecutionException e) {
            // the loop is closed: the next reader takes the bytes
        }
    }

    /** Takes bytes until there are enough or none are left; then waits for more. */
    private void proceed() {
        hold.dispose();
        while (!paused && !over) {
            byte[] bytes;
            try {
                bytes = input.take();
            } catch (Throwable e) {
                end();
                incoming.fail(e);
                return;
            }
            if (bytes == null) {
                waitForMore();
                return;
            }
            if (bytes.length == 0) {
                end();
                incoming.feedEof();
            } else {
                incoming.feed(Unpooled.wrappedBuffer(bytes));
            }
        }
    }

    private void waitForMore() {
        if (watch != null) {
            watch.await();
        } else {
            read(); // this may take forever, so virtual time is not held
        }
    }

    /** Called when there is something to read. */
    private void readable() {
        if (!paused && !over) {
            hold.dispose();
            hold = loop.holdTime(this, null);
            read();
        }
    }

    private void read() {
        try {
            input.read();
        } catch (Throwable e) { // no thread could be started
            end();
            incoming.fail(e);
        }
    }

    private void end() {
        over = true;
        hold.dispose();
        if (watch != null) {
            watch.cancel();
        }
    }

    /** Called on the thread that closes the loop. Unread bytes go to the next loop. */
    private void loopClosed() {
        end();
        input.release(ReadForm.BYTES.take(incoming.buffer, incoming.buffer.size()));
        incoming.feedEof();
    }

    @Override
    public void pauseReading() {
        paused = true;
    }

    @Override
    public void resumeReading() {
        paused = false;
        tell(); // not on this stack: bytes are being taken
    }

    @Override
    public String toString() {
        return "stdin on " + loop;
    }
}
