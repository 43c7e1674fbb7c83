package asyncio.examples;

import static asyncio.Asyncio.await;
import static java.nio.charset.StandardCharsets.UTF_8;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Future;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;

/**
 * Watches a pipe until something can be read, after the example "watch a file descriptor for read events" of asyncio's
 * page on loops. With {@code loop.addReader(0, ...)} it could be descriptor 0, on epoll.
 */
public final class WatchDescriptor {
    private WatchDescriptor() {}

    /** Writes to a pipe a little later, and prints what its reader was called with. */
    public static void main(String[] arguments) throws Exception {
        Asyncio.run(() -> System.out.println("Received: " + receive("abc")));
    }

    /** Returns the text that was written to a pipe, as its reader has it. */
    static String receive(String text) throws Exception {
        EventLoop loop = EventLoop.getRunningLoop();
        Future<String> received = loop.createFuture();
        Pipe pipe = Pipe.open();
        try (Pipe.SourceChannel source = pipe.source();
                Pipe.SinkChannel sink = pipe.sink()) {
            source.configureBlocking(false);
            loop.addReader(source, () -> {
                try {
                    ByteBuffer data = ByteBuffer.allocate(100);
                    source.read(data);
                    received.setResult(new String(data.array(), 0, data.position(), UTF_8));
                } catch (IOException e) {
                    received.setException(e);
                }
                loop.removeReader(source); // it would be called again for what comes next
            });
            loop.callSoon(() -> write(sink, text)); // simulates the reception of data from the network
            return await(received);
        }
    }

    private static void write(Pipe.SinkChannel sink, String text) {
        try {
            sink.write(ByteBuffer.wrap(text.getBytes(UTF_8)));
        } catch (IOException e) {
            throw new IllegalStateException(e); // goes to the loop's exception handler
        }
    }
}
