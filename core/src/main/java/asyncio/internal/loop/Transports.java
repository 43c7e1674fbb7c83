package asyncio.internal.loop;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoOps;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.nio.NioIoHandler;
import org.jspecify.annotations.Nullable;

/** The kinds of IO, in a separate class since epoll's classes may be absent. */
public final class Transports {
    private Transports() {}

    public static boolean epollIsAvailable() {
        return Epoll.isAvailable();
    }

    public static @Nullable Throwable whyNoEpoll() {
        return Epoll.unavailabilityCause();
    }

    public static IoHandlerFactory epoll() {
        return EpollIoHandler.newFactory();
    }

    public static IoHandlerFactory nio() {
        return NioIoHandler.newFactory();
    }

    /** Returns whether a handler is epoll's, whose classes may be absent. */
    static boolean isEpoll(IoHandler io) {
        return io.getClass().getName().equals("io.netty.channel.epoll.EpollIoHandler");
    }

    public static boolean kqueueIsAvailable() {
        return Boolean.TRUE.equals(kqueue("isAvailable"));
    }

    public static @Nullable Throwable whyNoKqueue() {
        return (Throwable) kqueue("unavailabilityCause");
    }

    /**
     * Asks Netty's classes for kqueue, by name: they come with the native library, on macOS and BSD only.
     *
     * @return null without these classes
     */
    private static @Nullable Object kqueue(String question) {
        try {
            return Class.forName("io.netty.channel.kqueue.KQueue")
                    .getMethod(question)
                    .invoke(null);
        } catch (ReflectiveOperationException | LinkageError e) {
            return question.equals("unavailabilityCause") ? e : null;
        }
    }

    /**
     * Returns Netty's handler for kqueue.
     *
     * @throws IllegalStateException unless it {@linkplain #kqueueIsAvailable is available}
     */
    public static IoHandlerFactory kqueue() {
        try {
            return (IoHandlerFactory) Class.forName("io.netty.channel.kqueue.KQueueIoHandler")
                    .getMethod("newFactory")
                    .invoke(null);
        } catch (ReflectiveOperationException | LinkageError e) {
            throw new IllegalStateException("Netty's handler for kqueue cannot be used", e);
        }
    }

    /**
     * Registers a handle.
     *
     * @param pollSoon called on the loop when the next select has work to do
     * @param cancelled called once, when the registration is cancelled
     */
    static IoRegistration register(IoHandler io, IoHandle handle, Runnable pollSoon, Runnable cancelled)
            throws Exception {
        IoRegistration registration = io.register(handle);
        if (isEpoll(io)) {
            return new NeverEmpty(registration, cancelled);
        }
        return new LetGo(registration, pollSoon, cancelled);
    }

    /**
     * A registration with NIO, which closes a channel's socket only in the select after the channel's close; until then
     * a server's port is in use. On kqueue the additional select does no harm.
     */
    private record LetGo(IoRegistration registration, Runnable pollSoon, Runnable cancelled) implements IoRegistration {
        @Override
        @SuppressWarnings("TypeParameterUnusedInFormals") // Netty's signature
        public <T> T attachment() {
            return registration.attachment();
        }

        @Override
        public long submit(IoOps ops) {
            return registration.submit(ops);
        }

        @Override
        public boolean isValid() {
            return registration.isValid();
        }

        @Override
        public boolean cancel() {
            pollSoon.run();
            return Transports.cancel(registration, cancelled);
        }
    }

    private static boolean cancel(IoRegistration registration, Runnable cancelled) {
        boolean first = registration.cancel();
        if (first) {
            cancelled.run();
        }
        return first;
    }

    /**
     * Netty (4.2.13 to 4.2.17 at least, since netty/netty#16689) removes a descriptor from epoll when its channel has
     * no interest, and cannot add it again: the next interest fails with ENOENT. That happens to a channel that has
     * seen the end of its peer, or is paused then. Here the descriptor stays in epoll with only the edge-triggered
     * flag, which reports errors and hang-ups once instead of forever.
     */
    private record NeverEmpty(IoRegistration registration, Runnable cancelled) implements IoRegistration {
        @Override
        @SuppressWarnings("TypeParameterUnusedInFormals") // Netty's signature
        public <T> T attachment() {
            return registration.attachment();
        }

        @Override
        public long submit(IoOps ops) {
            return registration.submit(EpollIoOps.NONE.equals(ops) ? EpollIoOps.EPOLLET : ops);
        }

        @Override
        public boolean isValid() {
            return registration.isValid();
        }

        @Override
        public boolean cancel() {
            return Transports.cancel(registration, cancelled);
        }
    }
}
