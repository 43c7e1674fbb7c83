package asyncio;

import java.lang.reflect.InvocationTargetException;
import java.util.Objects;

/** The JVM's signals without the library: another user of them in the same process. */
final class RawSignals {
    private static final JvmSignals JVM = Objects.requireNonNull(JvmSignals.INSTANCE);

    private RawSignals() {}

    /**
     * Sends the process a signal that somebody handles; it has been counted when this returns, and is handled by
     * another thread.
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

    /** Hands a signal on, as a handler does that was installed over another. */
    static void call(Object handler, String name) {
        JVM.call(handler, JVM.signal(name));
    }

    /** The handler that is installed. */
    static Object installed(String name) {
        Object probe = handler(() -> {});
        Object installed = install(name, probe);
        install(name, installed);
        return installed;
    }
}
