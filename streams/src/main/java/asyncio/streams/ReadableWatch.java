package asyncio.streams;

import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.concurrent.Future;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/**
 * Watches a descriptor with a loop's epoll, on request, until it can be read. The descriptor itself is not changed. On
 * the loop.
 */
final class ReadableWatch implements EpollIoHandle {
    private final FileDescriptor descriptor;
    private final Runnable readable;
    private @Nullable IoRegistration registration;
    private boolean waiting;

    private ReadableWatch(FileDescriptor descriptor, Runnable readable) {
        this.descriptor = descriptor;
        this.readable = readable;
    }

    /**
     * Returns null if epoll does not accept the descriptor: a file, or a descriptor that is already registered.
     *
     * @param readable called once after each {@link #await}, when there are bytes, the end, or an error
     */
    static @Nullable ReadableWatch of(IoEventLoop loop, int number, Runnable readable) {
        ReadableWatch watch = new ReadableWatch(new FileDescriptor(number), readable);
        Future<IoRegistration> registered = loop.register(watch); // completes at once, since this is the loop
        if (!registered.isSuccess()) {
            return null;
        }
        watch.registration = registered.getNow();
        try {
            watch.submit(EpollIoOps.NONE);
        } catch (UncheckedIOException e) { // EPERM, EEXIST: only now it is added to epoll
            watch.cancel();
            return null;
        }
        return watch;
    }

    void await() {
        waiting = true;
        submit(EpollIoOps.EPOLLIN);
    }

    void cancel() {
        waiting = false;
        IoRegistration registration = this.registration;
        this.registration = null;
        if (registration != null) {
            registration.cancel();
        }
    }

    private void submit(EpollIoOps interest) {
        if (registration != null) {
            registration.submit(interest);
        }
    }

    @Override
    public FileDescriptor fd() {
        return descriptor;
    }

    @Override
    public void handle(IoRegistration registration, IoEvent event) {
        if (waiting) {
            waiting = false;
            submit(EpollIoOps.NONE);
            readable.run();
        }
    }

    /** The loop is being closed. */
    @Override
    public void close() {
        cancel();
    }
}
