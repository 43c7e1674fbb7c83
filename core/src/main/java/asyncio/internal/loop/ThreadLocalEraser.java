package asyncio.internal.loop;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import org.jspecify.annotations.Nullable;

/**
 * Clears all ThreadLocals of a thread before another body runs on it, as the JDK's own fork/join pool does. There is no
 * API for this. Before Java 24, where bodies need platform threads, {@code jdk.unsupported} still allows it without a
 * warning. From Java 24 on it is not attempted: bodies run on virtual threads, which are never reused, and platform
 * threads, if requested, serve one body each.
 */
final class ThreadLocalEraser {
    static final @Nullable ThreadLocalEraser INSTANCE = create();

    private final MethodHandle putObject;
    private final long threadLocals;
    private final long inheritableThreadLocals;

    private ThreadLocalEraser(MethodHandle putObject, long threadLocals, long inheritableThreadLocals) {
        this.putObject = putObject;
        this.threadLocals = threadLocals;
        this.inheritableThreadLocals = inheritableThreadLocals;
    }

    private static @Nullable ThreadLocalEraser create() {
        if (Runtime.version().feature() >= 24) {
            return null;
        }
        try {
            Class<?> unsafeClass = Class.forName("sun.misc.Unsafe");
            Field theUnsafe = unsafeClass.getDeclaredField("theUnsafe");
            theUnsafe.setAccessible(true);
            Object unsafe = theUnsafe.get(null);
            MethodHandles.Lookup lookup = MethodHandles.publicLookup();
            MethodHandle offset = lookup.findVirtual(
                            unsafeClass, "objectFieldOffset", MethodType.methodType(long.class, Field.class))
                    .bindTo(unsafe);
            MethodHandle put = lookup.findVirtual(
                            unsafeClass,
                            "putObject",
                            MethodType.methodType(void.class, Object.class, long.class, Object.class))
                    .bindTo(unsafe);
            return new ThreadLocalEraser(
                    put, (long) offset.invoke(Thread.class.getDeclaredField("threadLocals")), (long)
                            offset.invoke(Thread.class.getDeclaredField("inheritableThreadLocals")));
        } catch (Throwable e) {
            return null; // a JDK with another layout: threads are not reused then
        }
    }

    /** Clears the ThreadLocals of a thread, which must be the current one. */
    boolean erase(Thread thread) {
        try {
            putObject.invokeExact((Object) thread, threadLocals, (Object) null);
            putObject.invokeExact((Object) thread, inheritableThreadLocals, (Object) null);
            return true;
        } catch (Throwable e) {
            return false;
        }
    }
}
