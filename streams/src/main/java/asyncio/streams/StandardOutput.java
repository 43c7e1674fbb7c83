package asyncio.streams;

import asyncio.EventLoop;
import asyncio.streams.internal.PumpPipe;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;

/**
 * The standard output or error of this process. Each write is a job on another thread, since the descriptor, which this
 * process may share with its parent, stays blocking.
 */
final class StandardOutput {
    static final StandardOutput STDOUT = new StandardOutput(FileDescriptor.out, "stdout");
    static final StandardOutput STDERR = new StandardOutput(FileDescriptor.err, "stderr");

    private final FileDescriptor descriptor;
    private final String name;
    /**
     * One connection for each open loop. They stay here after they are closed, so that no second writer bypasses the
     * close.
     */
    private final Map<EventLoop, StreamConnection> writers = new ConcurrentHashMap<>();

    StandardOutput(FileDescriptor descriptor, String name) {
        this.descriptor = descriptor;
        this.name = name;
    }

    /** The writer of the loop that is running at subscription, or of a shared one. */
    Mono<StreamWriter> writer() {
        return OnLoop.call(loop -> {
            StreamConnection present = writers.get(loop);
            return (present != null ? present : open(loop)).writer();
        });
    }

    /** Opens a writer; on the loop, so that only one is opened for it. */
    private StreamConnection open(EventLoop loop) {
        PumpPipe pipe = PumpPipe.ofThisProcess(loop, new FileOutputStream(descriptor), name);
        pipe.unsafe().register(loop.netty(), pipe.newPromise()); // a failure closes the pipe, which the writer notices
        StreamConnection opened = StreamConnection.from(Connection.from(pipe));
        writers.put(loop, opened);
        loop.onClose(() -> writers.remove(loop));
        return opened;
    }
}
