package asyncio.streams;

import asyncio.EventLoop;
import asyncio.streams.internal.PipeEnd;
import io.netty.buffer.Unpooled;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;

/**
 * The reading of {@link StandardInput} on one loop, until that is closed. On epoll it waits for the descriptor there,
 * and a thread is used only for a read that has something to read; elsewhere, and for what epoll does not take, such as
 * files, the thread waits. All of it is the loop's, but {@link #tell}.
 */
final class StandardReading implements StreamReader.Flow {
    private final StandardInput input;
    final EventLoop loop;
    private final Incoming incoming;
    final StreamReader reader;
    /** Null where it is a thread that waits. */
    private @Nullable ReadableWatch watch;

    private boolean paused;
    private boolean over;
    /** While a read is under way that has something to read: nobody else knows of bytes on their way. */
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

    /** Something has come, or comes no more; from any thread. */
    void tell() {
        try {
            loop.netty().execute(this::proceed);
        } catch (RejectedExecutionException e) {
            // the loop is closed: whoever reads next takes it
        }
    }

    /** Takes what has come, until there is enough or nothing is left; then waits for more. */
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
            read(); // which may take for ever: time goes on
        }
    }

    /** There is something to read. */
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
        } catch (Throwable e) { // there is no thread for it
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

    /** On the thread that closes it. What nobody has read is the next loop's. */
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
        tell(); // not here: somebody is taking bytes
    }

    @Override
    public String toString() {
        return "stdin on " + loop;
    }
}
