package asyncio.internal.loop;

import org.jspecify.annotations.Nullable;

/**
 * The context class loader of all threads of a loop, regardless of the thread that starts them: that of the thread that
 * makes this. A closed loop forgets it, since other libraries keep closed loops, as Reactor Netty's cache of name
 * resolvers does. From any thread.
 */
public final class ContextLoader {
    private volatile @Nullable ClassLoader loader = Thread.currentThread().getContextClassLoader();

    /** Sets the context class loader of a thread of the loop. */
    public void giveTo(Thread thread) {
        thread.setContextClassLoader(loader);
    }

    /** Called when the loop is closed. */
    public void forget() {
        loader = null;
    }
}
