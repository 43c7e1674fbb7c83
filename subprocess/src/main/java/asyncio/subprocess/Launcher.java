package asyncio.subprocess;

import asyncio.ContextVar;
import asyncio.EventLoop;
import java.io.IOException;

/**
 * A maker of children in place of the operating system, for code that is tested without processes; the testkit's
 * {@code FakeProcesses} is one.
 *
 * <pre>{@code
 * Launcher.CURRENT.set(fake);                                      // for the running task, and those that it starts
 * Subprocess.run(command).contextWrite(Launcher.CURRENT.with(fake)); // for one publisher
 * }</pre>
 */
@FunctionalInterface
public interface Launcher {
    /** The launcher of the children that are started in a context; the operating system, where there is none. */
    ContextVar<Launcher> CURRENT = ContextVar.of("launcher");

    /**
     * Makes a child. Called in a callback of its loop.
     *
     * @throws IOException if it cannot be started
     */
    LaunchedChild launch(Command command, EventLoop loop) throws IOException;
}
