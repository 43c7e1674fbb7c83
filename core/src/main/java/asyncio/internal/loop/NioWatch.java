package asyncio.internal.loop;

import io.netty.channel.IoRegistration;
import io.netty.channel.nio.NioIoOps;
import io.netty.channel.nio.NioSelectableChannelIoHandle;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import org.jspecify.annotations.Nullable;

/** A channel watched by the selector of its loop. */
final class NioWatch extends ChannelWatch {
    private boolean registering;
    private @Nullable IoRegistration registration;

    NioWatch(LoopCore core, SelectableChannel channel) {
        super(core, channel);
    }

    private final class Handle extends NioSelectableChannelIoHandle<SelectableChannel> {
        Handle() {
            super(channel);
        }

        @Override
        protected void handle(SelectableChannel ready, SelectionKey key) {
            int ops = key.readyOps();
            core.enqueue(new Told(() -> NioWatch.this.run(ops))); // in this tick, and before the next select
        }

        /** Does nothing when the loop is being closed: the channel belongs to its owner. */
        @Override
        public void close() {}
    }

    @Override
    void changed() {
        if (core.inEventLoop()) {
            apply();
        } else {
            core.enqueue(this::apply);
        }
    }

    private void apply() {
        IoRegistration registration = this.registration;
        if (registration != null && !channel.isOpen()) {
            this.registration = null;
            registration.cancel(); // so that the next select releases its descriptor
        } else if (registration != null) {
            submit(registration);
        } else if (!registering && interest() != 0 && channel.isOpen()) {
            registering = true;
            core.register(new Handle()).addListener(done -> {
                if (done.isSuccess()) {
                    this.registration = (IoRegistration) done.getNow();
                    apply();
                } else if (!core.isShuttingDown() && channel.isOpen()) {
                    refused(done.cause()); // otherwise it was closed meanwhile
                }
            });
        }
    }

    private void refused(Throwable cause) {
        if (cause instanceof IllegalBlockingModeException) {
            core.enqueue(new Told(this::blocks));
        } else if (cause instanceof UnsupportedOperationException) {
            core.watches.fallBack(this);
        } else {
            core.watches.later(
                    () -> { // there is no descriptor for a selector, say
                        registering = false;
                        apply();
                    },
                    cause);
        }
    }

    private void submit(IoRegistration registration) {
        if (registration.isValid()) {
            try {
                registration.submit(NioIoOps.valueOf(interest()));
            } catch (CancelledKeyException e) {
                // another thread has just closed it
            }
        }
    }

    /** Does nothing: the handler releases its channels itself. */
    @Override
    void cancel() {}
}
