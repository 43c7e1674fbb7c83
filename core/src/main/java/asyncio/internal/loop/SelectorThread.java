package asyncio.internal.loop;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * The single thread that watches channels of {@code java.nio} for loops on epoll, which needs descriptors, while a
 * channel does not reveal its own. A daemon thread, started by the first watch.
 */
final class SelectorThread implements Runnable {
    /** The longest time that the descriptor of a watched channel lives after the close of the channel. */
    private static final long LOOK_MILLIS = 500;

    private static @Nullable SelectorThread instance;

    private final Selector selector;
    private final Queue<Runnable> changes = new ConcurrentLinkedQueue<>();

    private SelectorThread(Selector selector) {
        this.selector = selector;
    }

    static synchronized SelectorThread get() {
        SelectorThread started = instance;
        if (started == null) {
            try {
                started = new SelectorThread(Selector.open());
            } catch (IOException e) {
                throw new UncheckedIOException("Cannot watch channels: " + e.getMessage(), e);
            }
            Thread thread = DaemonThreads.newThread(started, "asyncio-selector", 0);
            thread.setContextClassLoader(ClassLoader.getSystemClassLoader()); // not that of the first caller
            thread.start();
            instance = started;
        }
        return started;
    }

    /** Runs a change on the thread before it selects again; from any thread. */
    void execute(Runnable change) {
        changes.add(change);
        selector.wakeup();
    }

    /** Called on the thread. */
    SelectionKey register(SelectableChannel channel, int interest, ThreadWatch watch) throws ClosedChannelException {
        return channel.register(selector, interest, watch);
    }

    /** Called on the thread. */
    void deregister(SelectionKey key) {
        key.cancel();
        select(true); // otherwise the channel could not be registered again
    }

    @Override
    public void run() {
        while (true) {
            select(false);
            for (Runnable change; (change = changes.poll()) != null; ) {
                tryChange(change);
            }
        }
    }

    /** Runs a change; its failure concerns one loop, while all loops share the thread. */
    private static void tryChange(Runnable change) {
        try {
            change.run();
        } catch (RuntimeException e) {
            Thread thread = Thread.currentThread();
            thread.getUncaughtExceptionHandler().uncaughtException(thread, e);
        }
    }

    private void select(boolean now) {
        try {
            if (now) {
                selector.selectNow(SelectorThread::ready);
            } else {
                selector.select(SelectorThread::ready, selector.keys().isEmpty() ? 0 : LOOK_MILLIS);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Channels are no longer watched: " + e.getMessage(), e);
        }
    }

    private static void ready(SelectionKey key) {
        ((ThreadWatch) key.attachment()).ready(key);
    }
}
