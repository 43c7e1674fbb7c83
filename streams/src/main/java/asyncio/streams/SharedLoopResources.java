package asyncio.streams;

import asyncio.EventLoop;
import asyncio.SharedLoops;
import io.netty.channel.EventLoopGroup;
import org.jspecify.annotations.Nullable;
import reactor.netty.resources.LoopResources;

/**
 * The shared loops as Reactor Netty's {@link LoopResources}: what a server accepts is spread over them in turn, what a
 * client opens stays where it is opened.
 *
 * <p>Whoever keeps one over {@link EventLoop#shutdownShared} gets the loops that are there then. There is one for each
 * set of loops all the same, since Reactor Netty finds the name resolver of a client by its LoopResources, and that
 * resolver stays on the loop it was made with.
 */
final class SharedLoopResources implements LoopResources {
    private static @Nullable SharedLoopResources latest;

    private final SharedLoops loops;
    private final SharedLoopGroup servers;
    private final SharedLoopGroup clients;

    private SharedLoopResources(SharedLoops loops) {
        this.loops = loops;
        this.servers = new SharedLoopGroup(loops, false);
        this.clients = new SharedLoopGroup(loops, true);
    }

    static synchronized SharedLoopResources get() {
        SharedLoops loops = EventLoop.shared();
        SharedLoopResources resources = latest;
        if (resources == null || resources.loops != loops) {
            resources = new SharedLoopResources(loops);
            latest = resources;
        }
        return resources;
    }

    @Override
    public EventLoopGroup onServer(boolean useNative) {
        return get().servers;
    }

    @Override
    public EventLoopGroup onClient(boolean useNative) {
        return get().clients;
    }

    @Override
    public boolean daemon() {
        return true;
    }

    @Override
    public String toString() {
        return "LoopResources of all shared loops";
    }
}
