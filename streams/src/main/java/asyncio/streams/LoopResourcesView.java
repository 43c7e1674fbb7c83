package asyncio.streams;

import asyncio.EventLoop;
import io.netty.channel.EventLoopGroup;
import reactor.netty.resources.LoopResources;

/**
 * One loop as Reactor Netty's {@link LoopResources}. The inherited methods choose the channel classes, epoll's or
 * NIO's, by the loop's kind of IO, so the preference for native transports has no effect.
 *
 * <p>It is a record because Reactor Netty keeps a connection pool and a name resolver for each distinct LoopResources.
 */
record LoopResourcesView(EventLoop loop) implements LoopResources {
    @Override
    public EventLoopGroup onServer(boolean useNative) {
        return loop.netty();
    }

    @Override
    public boolean daemon() {
        return true;
    }

    @Override
    public String toString() {
        return "LoopResources of " + loop;
    }
}
