package asyncio.internal.loop;

import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import org.jspecify.annotations.Nullable;

/**
 * A channel that the {@link SelectorThread} watches for a loop that has no selector. What it is ready for is not looked
 * for again until the loop has done something about it. State belongs to that thread.
 */
final class ThreadWatch extends ChannelWatch {
    private final SelectorThread thread = SelectorThread.get();
    private @Nullable SelectionKey key;
    /** The operations that the loop has been told of and has not handled. */
    private int told;

    private boolean cancelled;

    ThreadWatch(LoopCore core, SelectableChannel channel) {
        super(core, channel);
    }

    @Override
    void changed() {
        thread.execute(this::apply);
    }

    @Override
    void cancel() {
        thread.execute(() -> {
            cancelled = true;
            letGo();
        });
    }

    private void apply() {
        int interest = cancelled || !channel.isOpen() ? 0 : interest();
        if (interest == 0) {
            letGo();
            return;
        }
        try {
            SelectionKey key = this.key;
            if (key == null) {
                this.key = thread.register(channel, interest & ~told, this);
            } else {
                key.interestOps(interest & ~told);
            }
        } catch (ClosedChannelException | CancelledKeyException | IllegalBlockingModeException e) {
            key = null; // its owner has closed it, or made it block
        }
    }

    /**
     * Lets go of a channel that is no longer watched, or whose loop is closed: when its owner closes it, its descriptor
     * goes at once.
     */
    private void letGo() {
        SelectionKey key = this.key;
        if (key != null) {
            this.key = null;
            thread.deregister(key);
        }
    }

    /** It is ready for something. */
    void ready(SelectionKey key) {
        try {
            int ready = key.readyOps();
            told |= ready;
            key.interestOps(key.interestOps() & ~ready);
            if (!core.enqueue(new Told(() -> runAndLook(ready)))) {
                key.cancel();
                this.key = null;
            }
        } catch (CancelledKeyException e) {
            this.key = null; // its owner has closed it
        }
    }

    /** On the loop. */
    private void runAndLook(int ready) {
        try {
            run(ready);
        } finally {
            thread.execute(() -> {
                told &= ~ready;
                apply();
            });
        }
    }
}
