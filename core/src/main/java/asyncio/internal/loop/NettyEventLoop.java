package asyncio.internal.loop;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelPromise;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoRegistration;
import io.netty.util.concurrent.AbstractScheduledEventExecutor;
import io.netty.util.concurrent.BlockingOperationException;
import io.netty.util.concurrent.DefaultPromise;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.ImmediateEventExecutor;
import io.netty.util.concurrent.Promise;
import io.netty.util.concurrent.Ticker;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** The part of Netty's event loop that is the same for every loop; {@link LoopCore} does the work. */
public abstract class NettyEventLoop extends AbstractScheduledEventExecutor implements IoEventLoop {
    final IoHandler io;
    final Ticker ticker;
    /** Passed on by {@link LoopDriver}; the thread that holds it counts as "in the event loop". */
    final Baton baton = Baton.create();
    /** Whether {@code close} has started, so that no new channel may be registered, since it would not be closed. */
    volatile boolean closing;

    /** The number of registrations that have not been cancelled. */
    final AtomicInteger registered = new AtomicInteger();

    private final Promise<?> termination = new DefaultPromise<Void>(ImmediateEventExecutor.INSTANCE) {
        /** Replaces the check of that executor, which takes every thread for its own and so sees a deadlock on each. */
        @Override
        protected void checkDeadLock() {
            if (inEventLoop()) {
                throw new BlockingOperationException(NettyEventLoop.this + " cannot wait for its own end");
            }
        }
    };

    NettyEventLoop(IoHandlerFactory factory, Ticker ticker) {
        this.io = factory.newHandler(this);
        this.ticker = ticker;
    }

    /** Adds an entry to the ready queue and wakes the loop if necessary; returns false if the loop is closed. */
    public abstract boolean enqueue(Runnable entry);

    public abstract boolean isClosed();

    /** Called when the loop is closed. */
    final void terminated() {
        termination.trySuccess(null);
    }

    @Override
    public Ticker ticker() {
        return ticker;
    }

    @Override
    public boolean inEventLoop(Thread thread) {
        return baton.isOwner(thread);
    }

    @Override
    public boolean isExecutorThread(Thread thread) {
        return baton.isOwner(thread);
    }

    @Override
    public void execute(Runnable command) {
        if (!enqueue(Objects.requireNonNull(command))) {
            throw new RejectedExecutionException("The event loop is closed");
        }
    }

    @Override
    public IoEventLoop next() {
        return this;
    }

    @Override
    public @Nullable IoEventLoopGroup parent() {
        return null;
    }

    /** Returns the number of registrations that have not been cancelled; from any thread. */
    final int registered() {
        return registered.get();
    }

    /** Makes the next tick begin with a select; on the loop. */
    abstract void pollSoon();

    @Override
    public Future<IoRegistration> register(IoHandle handle) {
        Promise<IoRegistration> promise = newPromise();
        Runnable registration = () -> {
            if (closing) {
                promise.setFailure(new RejectedExecutionException("The event loop is being closed"));
                return;
            }
            register(handle, promise);
        };
        if (inEventLoop()) {
            registration.run();
        } else {
            execute(registration);
        }
        return promise;
    }

    /** Registers a handle, on the loop. */
    void register(IoHandle handle, Promise<IoRegistration> promise) {
        try {
            promise.setSuccess(registerNow(handle));
        } catch (Exception e) {
            promise.setFailure(e);
        }
    }

    /** Registers a handle of the loop's own kind, on the loop. */
    IoRegistration registerNow(IoHandle handle) throws Exception {
        IoRegistration registration = Transports.register(io, handle, this::pollSoon, () -> deregistered(handle));
        registered.incrementAndGet();
        return registration;
    }

    /** A handle of the loop's own kind has left it; on the loop. */
    void deregistered(IoHandle handle) {
        registered.decrementAndGet();
    }

    @Override
    @Deprecated
    public ChannelFuture register(Channel channel) {
        return register(new DefaultChannelPromise(channel, this));
    }

    @Override
    @Deprecated
    public ChannelFuture register(ChannelPromise promise) {
        promise.channel().unsafe().register(this, promise);
        return promise;
    }

    @Override
    @Deprecated
    public ChannelFuture register(Channel channel, ChannelPromise promise) {
        channel.unsafe().register(this, promise);
        return promise;
    }

    @Override
    public boolean isCompatible(Class<? extends IoHandle> handleType) {
        return io.isCompatible(handleType);
    }

    @Override
    public boolean isIoType(Class<? extends IoHandler> handlerType) {
        return io.getClass().equals(handlerType);
    }

    @Override
    public boolean isShuttingDown() {
        return closing || isClosed();
    }

    @Override
    public boolean isShutdown() {
        return isClosed();
    }

    @Override
    public boolean isTerminated() {
        return isClosed();
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
        return termination.await(timeout, unit);
    }

    /** Unsupported: a loop is closed by its own {@code close()}, not by the libraries that borrow it. */
    @Override
    @Deprecated
    public void shutdown() {
        throw new UnsupportedOperationException("Use EventLoop.close(), or Asyncio.run which does it for you");
    }

    @Override
    public Future<?> shutdownGracefully(long quietPeriod, long timeout, TimeUnit unit) {
        throw new UnsupportedOperationException("Use EventLoop.close(), or Asyncio.run which does it for you");
    }

    @Override
    public Future<?> terminationFuture() {
        return termination;
    }
}
