package asyncio.internal.loop;

import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import org.jspecify.annotations.Nullable;

/**
 * A channel that the {@link SelectorThread} watches for a loop without a selector. After it has become ready for an
 * operation, that operation is not watched again until the loop has handled it. The state belongs to the selector
 * thread.
 */
final class ThreadWatch extends ChannelWatch {
    private final SelectorThread thread;
    private @Nullable SelectionKey key;
    /** The operations reported to the loop and not handled yet. */
    private int told;

    private boolean cancelled;

    ThreadWatch(LoopCore core, SelectableChannel channel, SelectorThread thread) {
        super(core, channel);
        this.thread = thread;
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
        } catch (IllegalBlockingModeException e) {
            key = null;
            core.enqueue(new Told(this::blocks));
        } catch (ClosedChannelException | CancelledKeyException e) {
            key = null; // its owner has closed it
        }
    }

    /**
     * Releases a channel that is no longer watched, or the loop of which is closed, so that its descriptor is freed as
     * soon as its owner closes it.
     */
    private void letGo() {
        SelectionKey key = this.key;
        if (key != null) {
            this.key = null;
            thread.deregister(key);
        }
    }

    /** Called when the channel is ready. */
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

    /** Runs the callbacks on the loop, then watches again. */
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
