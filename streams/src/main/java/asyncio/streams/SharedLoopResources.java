package asyncio.streams;

import asyncio.EventLoop;
import asyncio.SharedLoops;
import io.netty.channel.EventLoopGroup;
import org.jspecify.annotations.Nullable;
import reactor.netty.resources.LoopResources;

/**
 * The shared loops as Reactor Netty's {@link LoopResources}: connections accepted by a server are spread over them in
 * turn, connections opened by a client stay where they are opened.
 *
 * <p>An instance that is used after {@link EventLoop#shutdownShared} returns the current loops. There is still one
 * instance for each set of loops, since Reactor Netty looks up the name resolver of a client by its LoopResources, and
 * that resolver stays on the loop it was created with.
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
