package asyncio.subprocess;

import asyncio.EventLoop;
import asyncio.streams.internal.EpollPipe;
import asyncio.streams.internal.PipeEnd;
import asyncio.streams.internal.PumpPipe;
import io.netty.channel.unix.FileDescriptor;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The pipes of one child. Not thread-safe; the holder owns the descriptors in it. */
abstract class ChildPipes {
    /** Creates a pipe for a standard stream of the child. */
    abstract Redirect connect(int number) throws IOException;

    /** Called when the child has been started and has its ends. */
    void started() {}

    /** Returns this process's end of a pipe, which the caller owns from here on. */
    abstract PipeEnd take(Process process, int number, String name);

    /** Closes all ends that were not taken. */
    void close() {}

    /**
     * Returns pipes on the loop's epoll, or with threads if there is no epoll or with
     * {@code -Dasyncio.subprocess=threads}.
     */
    static ChildPipes of(EventLoop loop) {
        return "threads".equals(System.getProperty("asyncio.subprocess")) || !PipeEnd.hasEpoll(loop)
                ? new OfTheJdk(loop)
                : new OnEpoll();
    }

    /**
     * Netty pipes, passed to the JDK by name: it opens {@code /proc/self/fd/N} again, so that the child's end is
     * blocking, as children expect, while ours is not.
     */
    private static final class OnEpoll extends ChildPipes {
        /** The ends of this process. */
        private final @Nullable FileDescriptor[] ours = new FileDescriptor[3];

        private final @Nullable FileDescriptor[] childs = new FileDescriptor[3];

        @Override
        Redirect connect(int number) throws IOException {
            FileDescriptor[] pipe = FileDescriptor.pipe();
            boolean input = number == 0;
            ours[number] = input ? pipe[1] : pipe[0];
            childs[number] = input ? pipe[0] : pipe[1];
            File name = new File("/proc/self/fd/" + (input ? pipe[0] : pipe[1]).intValue());
            return input ? Redirect.from(name) : Redirect.appendTo(name);
        }

        @Override
        void started() {
            closeAll(childs);
        }

        @Override
        PipeEnd take(Process process, int number, String name) {
            FileDescriptor mine = Objects.requireNonNull(ours[number]);
            ours[number] = null;
            return new EpollPipe(mine, name, number != 0);
        }

        @Override
        void close() {
            closeAll(ours);
            closeAll(childs);
        }

        private static void closeAll(@Nullable FileDescriptor[] descriptors) {
            for (int i = 0; i < descriptors.length; i++) {
                FileDescriptor descriptor = descriptors[i];
                descriptors[i] = null;
                if (descriptor != null) {
                    try {
                        descriptor.close();
                    } catch (IOException e) {
                        throw new IllegalStateException(
                                "Cannot close an end of a pipe", e); // a descriptor that is not ours
                    }
                }
            }
        }
    }

    private static final class OfTheJdk extends ChildPipes {
        private final EventLoop loop;

        OfTheJdk(EventLoop loop) {
            this.loop = loop;
        }

        @Override
        Redirect connect(int number) {
            return Redirect.PIPE;
        }

        @Override
        PipeEnd take(Process process, int number, String name) {
            return number == 0
                    ? new PumpPipe(loop, process.getOutputStream(), name)
                    : new PumpPipe(loop, number == 1 ? process.getInputStream() : process.getErrorStream(), name);
        }
    }
}
