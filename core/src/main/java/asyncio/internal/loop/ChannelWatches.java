package asyncio.internal.loop;

import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.SelectableChannel;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The channels of {@code java.nio} that a loop watches for others: by its own selector if it has one, by one that is
 * nested in its epoll if there can be, else by the {@link SelectorThread}. One watch a channel, with a reader and a
 * writer in it, since a selector has one key a channel. It stays when nobody watches the channel any more, until that
 * is closed: registering again in the tick of a deregistration makes Netty's NIO select by itself and drop what it
 * finds. From any thread.
 */
public final class ChannelWatches {
    private final LoopCore core;
    /** Guarded by this. */
    private final IdentityHashMap<SelectableChannel, ChannelWatch> watches = new IdentityHashMap<>();
    /** Guarded by this. */
    private boolean closed;
    /** Guarded by this. */
    private boolean fallenBack;

    ChannelWatches(LoopCore core) {
        this.core = core;
    }

    /**
     * Sets or removes the reader or the writer of a channel.
     *
     * @param writer which of the two
     * @param callbacks gives what is to be run, on the loop, each time when the channel is ready; null for nothing
     * @return whether there was one before
     * @throws IllegalBlockingModeException if the channel blocks
     * @throws IllegalArgumentException if the channel is closed, or cannot become ready in this way
     * @throws IllegalStateException if the loop is closed
     */
    public boolean set(SelectableChannel channel, boolean writer, @Nullable Supplier<? extends Runnable> callbacks) {
        ChannelWatch watch;
        boolean before;
        List<ChannelWatch> gone = new ArrayList<>(0);
        synchronized (this) {
            watch = watches.get(channel);
            if (callbacks == null) {
                if (watch == null) {
                    return false;
                }
            } else {
                check(channel, writer);
                if (watch == null) {
                    watches.values().removeIf(known -> !known.channel.isOpen() && gone.add(known));
                    watch = core.selects() && !fallenBack
                            ? new NioWatch(core, channel)
                            : new ThreadWatch(core, channel);
                    watches.put(channel, watch);
                }
            }
            before = watch.set(writer, callbacks);
            if (!channel.isOpen()) {
                watches.remove(channel);
            }
        }
        gone.forEach(ChannelWatch::changed);
        watch.changed();
        return before;
    }

    private void check(SelectableChannel channel, boolean writer) {
        if (closed) {
            throw new IllegalStateException("The event loop is closed");
        }
        if (!channel.isOpen()) {
            throw new IllegalArgumentException("A channel that is closed is never ready: " + channel);
        }
        if (channel.isBlocking()) {
            throw new IllegalBlockingModeException();
        }
        if ((channel.validOps() & (writer ? ChannelWatch.WRITER : ChannelWatch.READER)) == 0) {
            throw new IllegalArgumentException(
                    (writer ? "Nothing can be written to " : "Nothing can be read from ") + channel);
        }
    }

    /** The loop's selector does not take this one: the thread does, and those that follow. */
    void fallBack(ChannelWatch refused) {
        ChannelWatch watch;
        synchronized (this) {
            fallenBack = true;
            if (closed || watches.get(refused.channel) != refused) {
                return;
            }
            watch = new ThreadWatch(core, refused.channel);
            watch.takeOver(refused);
            watches.put(watch.channel, watch);
        }
        watch.changed();
    }

    /** Returns the number of open channels that the loop's own handler does not know of. */
    synchronized int foreign() {
        int count = 0;
        for (ChannelWatch watch : watches.values()) {
            count += watch instanceof ThreadWatch && watch.channel.isOpen() ? 1 : 0;
        }
        return count;
    }

    /** The loop is being closed. The channels stay open: they are others'. */
    void close() {
        List<ChannelWatch> all;
        synchronized (this) {
            closed = true;
            all = new ArrayList<>(watches.values());
            watches.clear();
        }
        all.forEach(ChannelWatch::cancel);
    }
}
