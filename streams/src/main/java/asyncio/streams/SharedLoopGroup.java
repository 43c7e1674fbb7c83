package asyncio.streams;

import asyncio.EventLoop;
import asyncio.SharedLoops;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelPromise;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.util.concurrent.AbstractEventExecutorGroup;
import io.netty.util.concurrent.DefaultPromise;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import io.netty.util.concurrent.Promise;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The shared loops as a Netty group, for channels only: a user of the group cannot shut it down.
 *
 * <p>Reactor Netty's own colocation uses a thread-local of the first thread that ran the loop. Here a loop moves
 * between threads, so this asks the loops.
 */
final class SharedLoopGroup extends AbstractEventExecutorGroup implements IoEventLoopGroup {
    private final List<IoEventLoop> loops;
    private final boolean colocate;
    private final AtomicInteger turn = new AtomicInteger();
    private final Promise<Void> termination = new DefaultPromise<>(GlobalEventExecutor.INSTANCE);

    /** @param colocate whether {@link #next} returns the loop of the calling thread, if it is one of these */
    SharedLoopGroup(SharedLoops shared, boolean colocate) {
        this.colocate = colocate;
        List<IoEventLoop> all = new ArrayList<>();
        for (EventLoop loop : shared) {
            all.add(loop.netty());
        }
        loops = List.copyOf(all);
        AtomicInteger open = new AtomicInteger(loops.size());
        for (IoEventLoop loop : loops) {
            loop.terminationFuture().addListener(closed -> {
                if (open.decrementAndGet() == 0) {
                    termination.setSuccess(null);
                }
            });
        }
    }

    @Override
    public IoEventLoop next() {
        if (colocate) {
            for (IoEventLoop loop : loops) {
                if (loop.inEventLoop()) {
                    return loop;
                }
            }
        }
        return loops.get(Math.floorMod(turn.getAndIncrement(), loops.size()));
    }

    @Override
    public Iterator<EventExecutor> iterator() {
        return List.<EventExecutor>copyOf(loops).iterator();
    }

    @Override
    @Deprecated
    public ChannelFuture register(Channel channel, ChannelPromise promise) {
        return next().register(channel, promise);
    }

    @Override
    public boolean isCompatible(Class<? extends IoHandle> handleType) {
        return loops.get(0).isCompatible(handleType);
    }

    @Override
    public boolean isIoType(Class<? extends IoHandler> handlerType) {
        return loops.get(0).isIoType(handlerType);
    }

    @Override
    public boolean isShuttingDown() {
        return termination.isDone();
    }

    @Override
    public boolean isShutdown() {
        return termination.isDone();
    }

    @Override
    public boolean isTerminated() {
        return termination.isDone();
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
        return termination.await(timeout, unit);
    }

    @Override
    public Future<?> terminationFuture() {
        return termination;
    }

    @Override
    @Deprecated
    public void shutdown() {
        throw refusal();
    }

    @Override
    public Future<?> shutdownGracefully(long quietPeriod, long timeout, TimeUnit unit) {
        throw refusal();
    }

    private static UnsupportedOperationException refusal() {
        return new UnsupportedOperationException(
                "This group cannot shut down the shared loops: use EventLoop.shutdownShared");
    }

    @Override
    public String toString() {
        return (colocate ? "this thread's or the next of " : "the next of ") + loops.size() + " shared loops";
    }
}
