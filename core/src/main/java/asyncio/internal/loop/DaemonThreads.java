package asyncio.internal.loop;

import java.security.AccessController;
import java.security.PrivilegedAction;

/** Makes the library's threads, which may outlive the application that happened to need them first. */
public final class DaemonThreads {
    private DaemonThreads() {}

    /**
     * Returns a thread that is not started. It keeps nothing of the code that calls this: neither its ThreadLocals nor,
     * on JDKs that have it, its access control context, in which each class loader on the stack is. Its context class
     * loader is for the caller to set.
     *
     * @param stackBytes the size of its stack, or 0 for the usual
     */
    @SuppressWarnings("removal") // where it is gone the context is as well
    public static Thread newThread(Runnable main, String name, long stackBytes) {
        return AccessController.doPrivileged((PrivilegedAction<Thread>) () -> {
            Thread thread = new Thread(null, main, name, stackBytes, false);
            thread.setDaemon(true);
            return thread;
        });
    }
}
