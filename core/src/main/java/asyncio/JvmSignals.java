package asyncio;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Proxy;
import org.jspecify.annotations.Nullable;

/**
 * Access to {@code sun.misc.Signal}, the JVM's only interface to signals: by reflection, since javac warns about it and
 * an image without {@code jdk.unsupported} does not have it. Signals and handlers are its objects.
 */
final class JvmSignals {
    /** Null if this Java has none. */
    static final @Nullable JvmSignals INSTANCE = create();

    private final Class<?> handlerType;
    private final MethodHandle newSignal;
    private final MethodHandle number;
    private final MethodHandle exchange;
    private final MethodHandle call;
    private final Object systemsDefault;
    private final Object ignore;

    private JvmSignals(Class<?> signalType, Class<?> handlerType) throws ReflectiveOperationException {
        MethodHandles.Lookup lookup = MethodHandles.publicLookup();
        this.handlerType = handlerType;
        newSignal = lookup.findConstructor(signalType, MethodType.methodType(void.class, String.class));
        number = lookup.findVirtual(signalType, "getNumber", MethodType.methodType(int.class));
        exchange = lookup.findStatic(signalType, "handle", MethodType.methodType(handlerType, signalType, handlerType));
        call = lookup.findVirtual(handlerType, "handle", MethodType.methodType(void.class, signalType));
        systemsDefault = handlerType.getField("SIG_DFL").get(null);
        ignore = handlerType.getField("SIG_IGN").get(null);
    }

    private static @Nullable JvmSignals create() {
        try {
            return new JvmSignals(Class.forName("sun.misc.Signal"), Class.forName("sun.misc.SignalHandler"));
        } catch (ReflectiveOperationException e) {
            return null; // reported by the callers
        }
    }

    /**
     * Returns the signal with a name without {@code SIG}.
     *
     * @throws IllegalArgumentException if the system does not know it
     */
    Object signal(String name) {
        try {
            return newSignal.invoke(name);
        } catch (Throwable e) {
            throw Misuse.sneaky(e);
        }
    }

    /** Returns the number that identifies the signal: some have two names. */
    int number(Object signal) {
        try {
            return (int) number.invoke(signal);
        } catch (Throwable e) {
            throw Misuse.sneaky(e);
        }
    }

    /** Returns a handler that calls {@code action} in a thread that the JVM starts for each signal. */
    Object handler(Runnable action) {
        return Proxy.newProxyInstance(
                JvmSignals.class.getClassLoader(),
                new Class<?>[] {handlerType},
                (self, method, arguments) -> switch (method.getName()) {
                    case "handle" -> {
                        action.run();
                        yield null;
                    }
                    case "equals" -> self == arguments[0];
                    case "hashCode" -> System.identityHashCode(self);
                    default -> "a signal handler of asyncio";
                });
    }

    /**
     * Sets the handler of a signal and returns the previous one.
     *
     * @throws IllegalArgumentException if the JVM or the system reserves the signal
     */
    Object exchange(Object signal, Object handler) {
        try {
            return exchange.invoke(signal, handler);
        } catch (Throwable e) {
            throw Misuse.sneaky(e);
        }
    }

    /**
     * Passes a signal to a previous handler, on this thread; the system's default action cannot be called and is
     * skipped.
     */
    void call(Object handler, Object signal) {
        if (handler == systemsDefault || handler == ignore) {
            return;
        }
        try {
            call.invoke(handler, signal);
        } catch (Throwable e) {
            throw Misuse.sneaky(e);
        }
    }

    boolean isIgnore(Object handler) {
        return handler == ignore;
    }

    /**
     * Returns whether it is the JVM's own handler for INT, TERM and HUP, which ends it with 128 + the signal's number.
     */
    boolean endsTheJvm(Object handler) {
        return handler.toString().startsWith("java.lang.Terminator");
    }

    /** Returns whether it is C code, of the JVM itself or of a library in the process. */
    boolean isNative(Object handler) {
        return handler.toString().startsWith("jdk.internal.misc.Signal$NativeHandler");
    }
}
