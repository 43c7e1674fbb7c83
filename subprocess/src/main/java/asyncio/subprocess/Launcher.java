package asyncio.subprocess;

import asyncio.ContextVar;
import asyncio.EventLoop;
import java.io.IOException;

/**
 * Creates children in place of the operating system, to test code without processes, such as the testkit's
 * {@code FakeProcesses}.
 *
 * <pre>{@code
 * Launcher.CURRENT.set(fake);                                      // for the running task, and those that it starts
 * Subprocess.run(command).contextWrite(Launcher.CURRENT.with(fake)); // for one publisher
 * }</pre>
 */
@FunctionalInterface
public interface Launcher {
    /** The launcher for children started in a context; if there is none, the operating system starts them. */
    ContextVar<Launcher> CURRENT = ContextVar.of("launcher");

    /**
     * Creates a child. Called in a callback of its loop.
     *
     * @throws IOException if it cannot be started
     */
    LaunchedChild launch(Command command, EventLoop loop) throws IOException;
}
