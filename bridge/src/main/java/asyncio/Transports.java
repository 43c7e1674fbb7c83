package asyncio;

import io.netty.channel.IoHandlerFactory;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.nio.NioIoHandler;

/** The kinds of IO; in a class of its own since epoll's classes may be absent. */
final class Transports {
    private Transports() {}

    static boolean epollIsAvailable() {
        return Epoll.isAvailable();
    }

    static IoHandlerFactory epoll() {
        return EpollIoHandler.newFactory();
    }

    static IoHandlerFactory nio() {
        return NioIoHandler.newFactory();
    }
}
