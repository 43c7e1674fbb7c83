package asyncio.streams;

import asyncio.Asyncio;
import asyncio.EventLoop;
import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.DomainSocketChannel;
import io.netty.channel.unix.ServerDomainSocketChannel;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.netty.resources.LoopResources;
import reactor.util.Logger;
import reactor.util.Loggers;

/** Unix sockets on both kinds of loops: epoll needs Netty's addresses, NIO needs Java's. */
final class UnixSockets {
    private static final Logger LOG = Loggers.getLogger("asyncio");
    /** Bits of st_mode: the mask of the file type, and the type of sockets. */
    private static final int FILE_TYPE = 0170000;

    private static final int SOCKET = 0140000;

    private UnixSockets() {}

    private static boolean isNio(EventLoop loop) {
        return loop.netty().isIoType(NioIoHandler.class);
    }

    static Mono<SocketAddress> address(EventLoop loop, Path path) {
        // on another thread: the first address in a JVM loads native code
        return Asyncio.toThread(
                () -> isNio(loop) ? UnixDomainSocketAddress.of(path) : new DomainSocketAddress(path.toString()));
    }

    static LoopResources resources(EventLoop loop) {
        return isNio(loop) ? new NioResources(loop) : Streams.loopResources(loop);
    }

    static Throwable connectError(Path path, Throwable error) {
        String why = error instanceof FileNotFoundException
                ? "there is no such file"
                : Objects.requireNonNullElse(error.getMessage(), error.toString());
        ConnectException connectError = new ConnectException(
                "Cannot connect to the Unix socket " + path + ": " + why + ". Is its server running?");
        connectError.initCause(error);
        return connectError;
    }

    // ---- the files of servers; these block

    /** Returns a temporary name in the same directory, which is short, as a socket's path must be. */
    static Path aside(Path path) {
        return path.resolveSibling(
                "." + Integer.toString(ThreadLocalRandom.current().nextInt(1 << 30), Character.MAX_RADIX));
    }

    /**
     * Moves a socket to a path, replacing the socket of a server that has died or is to be replaced.
     *
     * @throws BindException if another kind of file is there
     */
    static void replace(Path path, Path aside) throws IOException {
        try {
            if (!isSocket(path)) {
                Files.delete(aside);
                throw new BindException("Cannot listen on " + path + ": it is a file, not a socket."
                        + " Choose another path, or remove it");
            }
        } catch (NoSuchFileException e) {
            // the usual case
        }
        Files.move(aside, path, StandardCopyOption.ATOMIC_MOVE);
    }

    private static boolean isSocket(Path path) throws IOException {
        return (((Integer) Files.getAttribute(path, "unix:mode")) & FILE_TYPE) == SOCKET;
    }

    /** Returns an identity that distinguishes the file from another one of the same name; null if it is gone. */
    static @Nullable Object identity(Path path) {
        try {
            return Files.getAttribute(path, "unix:ino", LinkOption.NOFOLLOW_LINKS);
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException e) {
            LOG.error("Unable to inspect the UNIX socket " + path + ": it will not be removed", e);
            return null;
        }
    }

    /** Removes the file, unless it is gone or has been replaced. */
    static void cleanUp(Path path, Object identity) {
        try {
            if (identity.equals(identity(path))) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            LOG.error("Unable to clean up listening UNIX socket " + path, e);
        }
    }

    /**
     * Provides channels for Unix sockets on NIO: Reactor Netty accepts Java's addresses, but has no channels for them.
     */
    private record NioResources(EventLoop loop) implements LoopResources {
        @Override
        public EventLoopGroup onServer(boolean useNative) {
            return loop.netty();
        }

        @Override
        public boolean daemon() {
            return true;
        }

        @Override
        @SuppressWarnings("unchecked") // Reactor Netty only uses it as a Channel
        public <C extends Channel> C onChannel(Class<C> type, EventLoopGroup group) {
            if (type == DomainSocketChannel.class) {
                return (C) new NioDomainSocketChannel();
            }
            if (type == ServerDomainSocketChannel.class) {
                return (C) new NioServerDomainSocketChannel();
            }
            throw new IllegalArgumentException("Not a Unix socket: " + type);
        }
    }
}
