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
 * An output of this process: its standard output or error. Each write is a job in a thread, since the descriptor, which
 * this process may share with its parent, stays blocking as it is.
 */
final class StandardOutput {
    static final StandardOutput STDOUT = new StandardOutput(FileDescriptor.out, "stdout");
    static final StandardOutput STDERR = new StandardOutput(FileDescriptor.err, "stderr");

    private final FileDescriptor descriptor;
    private final String name;
    /** One for each loop that is open; they stay when they are closed, so that nobody writes past that. */
    private final Map<EventLoop, StreamConnection> writers = new ConcurrentHashMap<>();

    StandardOutput(FileDescriptor descriptor, String name) {
        this.descriptor = descriptor;
        this.name = name;
    }

    /** The writer of the loop that runs where this is subscribed to, or of a shared one. */
    Mono<StreamWriter> writer() {
        return OnLoop.call(loop -> {
            StreamConnection present = writers.get(loop);
            return (present != null ? present : open(loop)).writer();
        });
    }

    /** On the loop, so that nobody else opens one for it. */
    private StreamConnection open(EventLoop loop) {
        PumpPipe pipe = PumpPipe.ofThisProcess(loop, new FileOutputStream(descriptor), name);
        pipe.unsafe().register(loop.netty(), pipe.newPromise()); // one that fails is closed, which the writer notices
        StreamConnection opened = StreamConnection.from(Connection.from(pipe));
        writers.put(loop, opened);
        loop.onClose(() -> writers.remove(loop));
        return opened;
    }
}
