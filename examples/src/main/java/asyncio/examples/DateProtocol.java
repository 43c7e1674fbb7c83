package asyncio.examples;

import static asyncio.Asyncio.await;
import static java.nio.charset.StandardCharsets.UTF_8;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.subprocess.Command;
import asyncio.subprocess.Subprocess;
import asyncio.subprocess.SubprocessProtocol;
import java.io.ByteArrayOutputStream;
import org.jspecify.annotations.Nullable;

/** The output of a child process by protocol, after the example of asyncio's page on transports and protocols. */
public final class DateProtocol implements SubprocessProtocol {
    private final ByteArrayOutputStream output = new ByteArrayOutputStream();
    /** All that the child has written, when it has exited and its pipes have ended. */
    private final Future<String> over = EventLoop.getRunningLoop().createFuture();

    /** Prints the date. */
    public static void main(String[] arguments) throws Exception {
        System.out.println("Current date: " + Asyncio.run(() -> output(Command.of("date", "-u"))));
    }

    /** Returns what a command writes, without the white space at its end. */
    static String output(Command command) throws Exception {
        try (var child = await(Subprocess.execProtocol(DateProtocol::new, command))) {
            return await(child.protocol().over);
        }
    }

    @Override
    public void pipeDataReceived(int fd, byte[] data) {
        output.writeBytes(data);
    }

    @Override
    public void connectionLost(@Nullable Throwable cause) {
        if (cause == null) {
            over.trySetResult(output.toString(UTF_8).stripTrailing());
        } else {
            over.trySetException(cause);
        }
    }
}
