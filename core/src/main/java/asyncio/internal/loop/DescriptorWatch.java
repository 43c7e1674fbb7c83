package asyncio.internal.loop;

import io.netty.channel.IoEvent;
import io.netty.channel.IoHandle;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoEvent;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import java.io.UncheckedIOException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A descriptor that a loop on epoll watches; see {@link DescriptorWatches}. In a class of its own since epoll's classes
 * may be absent. All but {@link #set} and {@link #isIdle} is on the loop.
 */
final class DescriptorWatch implements EpollIoHandle {
    private static final int READER = EpollIoOps.EPOLLIN.value();
    private static final int WRITER = EpollIoOps.EPOLLOUT.value();

    private final LoopCore core;
    private final FileDescriptor descriptor;
    private volatile @Nullable Supplier<? extends Runnable> reader;
    private volatile @Nullable Supplier<? extends Runnable> writer;
    private @Nullable IoRegistration registration;
    /** The poll during which it was registered; -1 for none. */
    private long registeredIn = -1;

    DescriptorWatch(LoopCore core, int number) {
        this.core = core;
        this.descriptor = new FileDescriptor(number);
    }

    /** Returns the descriptor that a handle for epoll has. */
    static int numberOf(IoHandle handle) {
        return ((EpollIoHandle) handle).fd().intValue();
    }

    /** Returns whether there was one before; under the monitor of {@link DescriptorWatches}. */
    boolean set(boolean isWriter, @Nullable Supplier<? extends Runnable> callbacks) {
        boolean before = (isWriter ? writer : reader) != null;
        if (isWriter) {
            writer = callbacks;
        } else {
            reader = callbacks;
        }
        return before;
    }

    boolean isIdle() {
        return reader == null && writer == null;
    }

    /**
     * Passes the interest on, which may be another now.
     *
     * @throws UncheckedIOException if epoll does not take the descriptor
     */
    void apply() throws Exception {
        if (!submit()) {
            cancel(); // the number was closed while it was watched, and is another file's now
            registeredIn = core.currentPoll();
            IoRegistration registered = core.registerNow(this);
            registration = registered;
            registered.submit(interest());
        }
    }

    private EpollIoOps interest() {
        return EpollIoOps.valueOf((reader == null ? 0 : READER) | (writer == null ? 0 : WRITER));
    }

    /** Returns whether the descriptor that was registered is still the one of this number. */
    boolean submit() {
        IoRegistration registration = this.registration;
        if (registration == null) {
            return false;
        }
        try {
            registration.submit(interest());
            return true;
        } catch (UncheckedIOException e) {
            return false;
        }
    }

    void cancel() {
        IoRegistration registration = this.registration;
        this.registration = null;
        if (registration != null) {
            registration.cancel();
        }
    }

    @Override
    public FileDescriptor fd() {
        return descriptor;
    }

    /**
     * A hang-up or an error is something to be read and to be written, as in CPython's selectors. An event of the poll
     * that was under way at the registration is one of the file that had the number before: what is ready is reported
     * again by the next poll.
     */
    @Override
    public void handle(IoRegistration registration, IoEvent event) {
        if (registeredIn == core.currentPoll()) {
            return;
        }
        int ops = ((EpollIoEvent) event).ops().value();
        boolean readable = (ops & ~WRITER) != 0;
        boolean writable = (ops & ~READER) != 0;
        core.enqueue(new ChannelWatch.Told(() -> run(readable, writable))); // in this tick, and before the next select
    }

    private void run(boolean readable, boolean writable) {
        try {
            run(readable, reader);
        } finally {
            run(writable, writer);
        }
    }

    private static void run(boolean ready, @Nullable Supplier<? extends Runnable> callbacks) {
        if (ready && callbacks != null) {
            callbacks.get().run();
        }
    }

    /** The loop is being closed. The descriptor is its owner's. */
    @Override
    public void close() {}
}
