package asyncio;

import java.lang.reflect.InvocationTargetException;
import java.util.Objects;

/** The JVM's signals without the library, for another user of signals in the same process. */
final class RawSignals {
    private static final JvmSignals JVM = Objects.requireNonNull(JvmSignals.INSTANCE);

    private RawSignals() {}

    /**
     * Sends the process a signal that has a handler; it has been counted when this returns, and another thread handles
     * it.
     */
    static void raise(String name) {
        try {
            Class<?> type = Class.forName("sun.misc.Signal");
            type.getMethod("raise", type).invoke(null, JVM.signal(name));
        } catch (InvocationTargetException e) {
            throw Misuse.sneaky(e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    static Object handler(Runnable action) {
        return JVM.handler(action);
    }

    /** Installs a handler and returns the one before. */
    static Object install(String name, Object handler) {
        return JVM.exchange(JVM.signal(name), handler);
    }

    /** Passes a signal on, as a handler that was installed over another one does. */
    static void call(Object handler, String name) {
        JVM.call(handler, JVM.signal(name));
    }

    /** Returns the installed handler. */
    static Object installed(String name) {
        Object probe = handler(() -> {});
        Object installed = install(name, probe);
        install(name, installed);
        return installed;
    }
}
