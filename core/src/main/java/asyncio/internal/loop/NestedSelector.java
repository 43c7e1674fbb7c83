package asyncio.internal.loop;

import io.netty.channel.IoEvent;
import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoOps;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.nio.NioIoHandle;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.concurrent.Promise;
import java.io.IOException;
import java.nio.channels.Selector;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A selector of {@code java.nio} on a loop with epoll: on Linux a selector is itself an epoll descriptor, so epoll can
 * watch it. A {@link SelectorProbe} finds the descriptor, on a separate thread; until then registrations wait, and if
 * it is not found they fail. Used on the loop.
 *
 * <p>A selector passes changes of interest on to the system, and releases closed channels, only in a select, so it is
 * {@linkplain #isDue due} after each change and from time to time.
 */
final class NestedSelector {
    /** {@code thread} leaves the selector to the {@link SelectorThread}. */
    private static final String KIND_PROPERTY = "asyncio.selector";

    /**
     * The longest time that the descriptor of a watched channel lives after the close of the channel, while the loop is
     * busy.
     */
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    private final LoopCore core;
    private final SelectorProbe.Recording provider = new SelectorProbe.Recording();
    private final IoHandler nio;
    private final List<Runnable> waiting = new ArrayList<>();
    private TimeHolds.@Nullable Hold hold;
    private boolean probed;
    private @Nullable IoRegistration registration;
    private boolean due;
    private long lastRun;

    /** Searches for the descriptor of a selector, which may block; returns -1 if it is not found. */
    interface Probe {
        int descriptorOf(Selector selector) throws IOException;
    }

    NestedSelector(LoopCore core, Probe probe) {
        this.core = core;
        this.nio = NioIoHandler.newFactory(provider).newHandler(core);
        nio.initialize();
        this.hold = core.hold(this, null);
        Thread thread = new Thread(null, () -> probe(probe), "asyncio-selector-probe", 0, false);
        thread.setDaemon(true);
        thread.setContextClassLoader(ClassLoader.getSystemClassLoader()); // not that of the first caller
        thread.start();
    }

    /** Returns whether loops on epoll should have a nested selector. */
    static boolean isWanted() {
        return !System.getProperty(KIND_PROPERTY, "auto").equals("thread");
    }

    /** Returns whether handles of this kind belong to a selector. */
    static boolean takes(Class<? extends IoHandle> type) {
        return NioIoHandle.class.isAssignableFrom(type);
    }

    /** Runs on the probe's thread. */
    private void probe(Probe probe) {
        int descriptor = -1;
        try {
            descriptor = probe.descriptorOf(provider.selector());
        } catch (IOException | RuntimeException e) {
            // there is no /proc, or its contents differ; or the loop was closed meanwhile
        } finally {
            int found = descriptor;
            core.enqueue(new ChannelWatch.Told(() -> probed(found)));
        }
    }

    private void probed(int descriptor) {
        if (descriptor >= 0) {
            try {
                IoRegistration registration =
                        Transports.register(core.io, new Nested(descriptor), core::pollSoon, () -> {});
                registration.submit(EpollIoOps.EPOLLIN);
                this.registration = registration;
            } catch (Exception e) { // treated as not found
                registration = null;
            }
        }
        probed = true;
        TimeHolds.Hold hold = this.hold;
        this.hold = null;
        if (hold != null) {
            hold.release();
        }
        List.copyOf(waiting).forEach(Runnable::run);
        waiting.clear();
    }

    /** The selector, as a descriptor that is readable when a channel is ready. */
    private final class Nested implements EpollIoHandle {
        private final FileDescriptor descriptor;

        Nested(int number) {
            this.descriptor = new FileDescriptor(number);
        }

        @Override
        public FileDescriptor fd() {
            return descriptor;
        }

        @Override
        public void handle(IoRegistration registration, IoEvent event) {
            due = true;
        }

        /** Does nothing: the selector closes the descriptor. */
        @Override
        public void close() {}
    }

    void register(IoHandle handle, Promise<IoRegistration> promise) {
        if (!probed) {
            waiting.add(() -> register(handle, promise));
        } else if (registration == null) {
            promise.setFailure(new UnsupportedOperationException(
                    "This loop on epoll takes no channels of java.nio: the descriptor of its selector cannot be"
                            + " found. Use EventLoop.builder().transport(\"nio\")"));
        } else {
            try {
                IoRegistration registered = nio.register(handle);
                core.registered.incrementAndGet();
                change();
                promise.setSuccess(new Changing(registered));
            } catch (Exception e) {
                promise.setFailure(e);
            }
        }
    }

    private void change() {
        due = true;
        core.pollSoon();
    }

    /** A registration in the selector; changes take effect in the next select. */
    private final class Changing implements IoRegistration {
        private final IoRegistration registration;

        Changing(IoRegistration registration) {
            this.registration = registration;
        }

        @Override
        @SuppressWarnings("TypeParameterUnusedInFormals") // Netty's signature
        public <T> T attachment() {
            return registration.attachment();
        }

        @Override
        public long submit(IoOps ops) {
            change();
            return registration.submit(ops);
        }

        @Override
        public boolean isValid() {
            return registration.isValid();
        }

        @Override
        public boolean cancel() {
            change();
            boolean first = registration.cancel();
            if (first) {
                core.registered.decrementAndGet();
            }
            return first;
        }
    }

    /**
     * Returns whether the loop must not wait in epoll before the next {@link #run}; also true when a step has run since
     * the last one, which may have closed a channel.
     */
    boolean isDue() {
        return due || core.stepped && !provider.selector().keys().isEmpty();
    }

    /** Handles ready channels, if there may be any; returns the number of handles. */
    int run() {
        long now = System.nanoTime();
        if (!due && (registration == null || now - lastRun < LOOK_NANOS && !isDue())) {
            return 0;
        }
        due = false;
        core.stepped = false;
        lastRun = now;
        return nio.run(AT_ONCE);
    }

    private static final IoHandlerContext AT_ONCE = new IoHandlerContext() {
        @Override
        public boolean canBlock() {
            return false;
        }

        @Override
        public long delayNanos(long currentTimeNanos) {
            return 0;
        }

        @Override
        public long deadlineNanos() {
            return -1;
        }
    };

    /** Closes the handles; the loop is being closed. */
    void prepareToDestroy() {
        nio.prepareToDestroy();
    }

    void destroy() {
        if (registration != null) {
            registration.cancel();
        }
        if (hold != null) {
            hold.release();
        }
        nio.destroy();
    }
}
