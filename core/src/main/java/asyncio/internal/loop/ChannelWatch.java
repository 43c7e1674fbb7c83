package asyncio.internal.loop;

import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A channel that a loop watches; see {@link ChannelWatches}. */
abstract class ChannelWatch {
    static final int READER = SelectionKey.OP_READ | SelectionKey.OP_ACCEPT;
    static final int WRITER = SelectionKey.OP_WRITE | SelectionKey.OP_CONNECT;

    final LoopCore core;
    final SelectableChannel channel;
    private volatile @Nullable Supplier<? extends Runnable> reader;
    private volatile @Nullable Supplier<? extends Runnable> writer;

    ChannelWatch(LoopCore core, SelectableChannel channel) {
        this.core = core;
        this.channel = channel;
    }

    /** Sets the reader or writer; returns whether there was one before. Under the monitor of {@link ChannelWatches}. */
    final boolean set(boolean isWriter, @Nullable Supplier<? extends Runnable> callbacks) {
        boolean before = (isWriter ? writer : reader) != null;
        if (isWriter) {
            writer = callbacks;
        } else {
            reader = callbacks;
        }
        return before;
    }

    /** Takes the reader and the writer over from another watch; under the monitor of {@link ChannelWatches}. */
    final void takeOver(ChannelWatch other) {
        reader = other.reader;
        writer = other.writer;
        other.reader = null;
        other.writer = null;
    }

    /** Updates the registered interest, which may have changed; from any thread. */
    abstract void changed();

    /** Called when the loop is being closed. */
    abstract void cancel();

    /** Returns the operations to watch for; a channel cannot be written to until its connect has finished. */
    final int interest() {
        int interest = reader == null ? 0 : channel.validOps() & READER;
        if (writer != null) {
            interest |= channel instanceof SocketChannel socket && socket.isConnectionPending()
                    ? SelectionKey.OP_CONNECT
                    : SelectionKey.OP_WRITE;
        }
        return interest;
    }

    /**
     * The channel cannot be watched any more, since its owner has made it block: its callbacks are called once more, so
     * that those who wait find out; on the loop.
     */
    final void blocks() {
        if (core.watches.drop(this)) {
            try {
                run(READER | WRITER);
            } finally {
                reader = null;
                writer = null;
            }
        }
    }

    /** Runs the callbacks for which the channel is ready; on the loop. */
    final void run(int ready) {
        try {
            run(ready & READER, reader);
        } finally {
            run(ready & WRITER, writer);
        }
    }

    /** An entry of the loop's queue, dropped if the loop is closed first. */
    static final class Told extends Entry {
        private final Runnable action;

        Told(Runnable action) {
            this.action = action;
        }

        @Override
        public void run() {
            action.run();
        }

        @Override
        protected void loopClosed() {}
    }

    private static void run(int ready, @Nullable Supplier<? extends Runnable> callbacks) {
        if (ready != 0 && callbacks != null) {
            callbacks.get().run();
        }
    }
}
