package asyncio.streams;

import asyncio.EventLoop;
import io.netty.channel.EventLoopGroup;
import reactor.netty.resources.LoopResources;

/**
 * One loop as Reactor Netty's {@link LoopResources}. Which channel classes fit it, epoll's or NIO's, is found by the
 * inherited methods from the loop's kind of IO; so the hint whether native ones are preferred does not matter.
 *
 * <p>A record, since Reactor Netty keeps a pool of connections and a name resolver for each LoopResources that does not
 * equal the others.
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
