package asyncio.internal.loop;

import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.SelectableChannel;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The channels of {@code java.nio} that a loop watches for other code: with its own selector if it has one, with one
 * nested in its epoll if that is possible, otherwise with the {@link SelectorThread}. There is one watch per channel,
 * with a reader and a writer, since a selector has one key per channel. The watch stays without readers and writers
 * until the channel is closed: registering again in the tick of a deregistration makes Netty's NIO select again and
 * drop the ready keys it finds. From any thread.
 */
public final class ChannelWatches {
    private static final int RETRY_MILLIS = 100;

    private final LoopCore core;
    /** Guarded by this. */
    private final IdentityHashMap<SelectableChannel, ChannelWatch> watches = new IdentityHashMap<>();
    /** Guarded by this. */
    private boolean closed;
    /** Guarded by this. */
    private boolean fallenBack;
    /** Used on the loop. */
    private boolean lackTold;
    /** Gives the thread, or fails where its selector gets no descriptor. */
    Supplier<SelectorThread> thread = SelectorThread::get;

    ChannelWatches(LoopCore core) {
        this.core = core;
    }

    /**
     * Sets or removes the reader or the writer of a channel.
     *
     * @param writer whether to set the writer or the reader
     * @param callbacks returns the callback to run on the loop each time the channel is ready; null to remove it
     * @return whether there was one before
     * @throws IllegalBlockingModeException if the channel is in blocking mode
     * @throws IllegalArgumentException if the channel is closed, or does not support that operation
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
                            : new ThreadWatch(core, channel, thread.get());
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

    /**
     * Moves a channel that the loop's selector refuses, and all later ones, to the selector thread; tries again later
     * if there is no descriptor for that one's selector. On the loop.
     */
    void fallBack(ChannelWatch refused) {
        ChannelWatch watch = null;
        UncheckedIOException lack = null;
        synchronized (this) {
            if (closed || watches.get(refused.channel) != refused) {
                return;
            }
            try {
                watch = new ThreadWatch(core, refused.channel, thread.get());
                fallenBack = true;
                watch.takeOver(refused);
                watches.put(watch.channel, watch);
            } catch (UncheckedIOException e) {
                lack = e;
            }
        }
        if (watch != null) {
            watch.changed();
        } else { // outside the monitor, since it calls the exception handler
            later(() -> fallBack(refused), Objects.requireNonNull(lack));
        }
    }

    /**
     * Tries something again that lacked a descriptor, soon, in real time, and says so the first time; on the loop.
     * Virtual time waits.
     */
    void later(Runnable again, Throwable because) {
        if (!lackTold) {
            lackTold = true;
            core.report(
                    again,
                    new IOException(
                            "Channels cannot be watched yet, since their selector cannot be made. The loop tries again until"
                                    + " there are descriptors: raise the limit (ulimit -n), or close some",
                            because));
        }
        TimeHolds.Hold hold = core.hold(this, null);
        GlobalEventExecutor.INSTANCE.schedule(
                () -> core.enqueue(new ChannelWatch.Told(() -> {
                    if (hold != null) {
                        hold.release();
                    }
                    again.run();
                })),
                RETRY_MILLIS,
                TimeUnit.MILLISECONDS);
    }

    /** Forgets a channel; false if another watch has taken its place. */
    synchronized boolean drop(ChannelWatch watch) {
        return watches.remove(watch.channel, watch);
    }

    /** Returns the number of open channels that are not registered with the loop's own handler. */
    synchronized int foreign() {
        int count = 0;
        for (ChannelWatch watch : watches.values()) {
            count += watch instanceof ThreadWatch && watch.channel.isOpen() ? 1 : 0;
        }
        return count;
    }

    /** Cancels all watches, since the loop is being closed. The channels stay open: they belong to other code. */
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
