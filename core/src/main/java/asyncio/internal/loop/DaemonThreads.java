package asyncio.internal.loop;

import java.security.AccessController;
import java.security.PrivilegedAction;

/** Makes the library's threads, which may outlive the application that first needed them. */
public final class DaemonThreads {
    private DaemonThreads() {}

    /**
     * Returns a thread that has not been started. It keeps nothing of the calling code: neither its ThreadLocals nor,
     * on JDKs that have it, its access control context, which holds each class loader on the stack. The caller sets its
     * context class loader.
     *
     * @param stackBytes the size of its stack, or 0 for the default
     */
    @SuppressWarnings("removal") // a JDK without this method has no such context either
    public static Thread newThread(Runnable main, String name, long stackBytes) {
        return AccessController.doPrivileged((PrivilegedAction<Thread>) () -> {
            Thread thread = new Thread(null, main, name, stackBytes, false);
            thread.setDaemon(true);
            return thread;
        });
    }
}
