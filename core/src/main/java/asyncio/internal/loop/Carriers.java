package asyncio.internal.loop;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.Objects;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Makes virtual threads with our own scheduler, which decides where and when they continue. This class uses internals
 * of the JDK, since there is no public API for this up to Java 25. It requires Java 24, since in older versions a
 * virtual thread that waits inside {@code synchronized} holds its carrier, and {@code java.lang} opened to this
 * library.
 */
final class Carriers {
    private static final int LEAST_VERSION = 24;
    /** {@code ThreadBuilders.newVirtualThread(scheduler, name, characteristics, main)}; null if it is not available. */
    private static final @Nullable MethodHandle NEW_THREAD = find();

    /** The scheduler of ordinary virtual threads. */
    private static final @Nullable Executor DEFAULT_SCHEDULER = findDefaultScheduler();

    private static final @Nullable MethodHandle THREAD_ID = findThreadId();

    private Carriers() {}

    private static @Nullable MethodHandle findThreadId() {
        try {
            return MethodHandles.publicLookup()
                    .findVirtual(Thread.class, "threadId", MethodType.methodType(long.class));
        } catch (ReflectiveOperationException e) {
            return null; // Java 17 and 18
        }
    }

    /** Returns the unique id of a thread, even if its class overrides {@code getId}. */
    static long id(Thread thread) {
        try {
            return (long) Objects.requireNonNull(THREAD_ID).invokeExact(thread);
        } catch (Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("Thread.threadId failed", e);
        }
    }

    private static @Nullable MethodHandle find() {
        if (Runtime.version().feature() < LEAST_VERSION || !isOpen()) {
            return null;
        }
        try {
            Method method = Class.forName("java.lang.ThreadBuilders")
                    .getDeclaredMethod("newVirtualThread", Executor.class, String.class, int.class, Runnable.class);
            method.setAccessible(true);
            Field doNotInherit = Thread.class.getDeclaredField("NO_INHERIT_THREAD_LOCALS");
            doNotInherit.setAccessible(true);
            MethodHandle newThread = MethodHandles.insertArguments(
                    MethodHandles.lookup().unreflect(method), 2, doNotInherit.getInt(null));
            return newThread.asType(MethodType.methodType(Thread.class, Executor.class, String.class, Runnable.class));
        } catch (ReflectiveOperationException e) {
            return null; // a JDK with other internals
        }
    }

    private static @Nullable Executor findDefaultScheduler() {
        if (NEW_THREAD == null) {
            return null;
        }
        try {
            Method method = Class.forName("java.lang.VirtualThread").getDeclaredMethod("defaultScheduler");
            method.setAccessible(true);
            return (Executor) method.invoke(null);
        } catch (ReflectiveOperationException | ClassCastException e) {
            return null; // a JDK with other internals
        }
    }

    private static boolean isOpen() {
        return Thread.class.getModule().isOpen("java.lang", Carriers.class.getModule());
    }

    /** Returns the JVM option that opens the internals this class needs. */
    static String option() {
        Module here = Carriers.class.getModule();
        return "--add-opens java.base/java.lang=" + (here.isNamed() ? here.getName() : "ALL-UNNAMED");
    }

    /** Names the condition that {@link #newThread} lacks, as the end of a sentence; null if there is none. */
    static @Nullable String missing() {
        if (NEW_THREAD != null && DEFAULT_SCHEDULER != null) {
            return null;
        }
        if (Runtime.version().feature() < LEAST_VERSION) {
            return "Java " + LEAST_VERSION + " or later and " + option() + ", this is " + Runtime.version();
        }
        return isOpen() ? "another JDK: this one (" + Runtime.version() + ") lacks the necessary methods" : option();
    }

    /** Leaves a task of a virtual thread to the JDK's own scheduler. */
    static void executeElsewhere(Runnable task) {
        Objects.requireNonNull(DEFAULT_SCHEDULER).execute(task);
    }

    /**
     * Returns a virtual thread that has not been started.
     *
     * @param scheduler receives a task when the thread can run: when it is started, and each time its wait has ended;
     *     the task runs the thread, on the platform thread that calls it, until it waits again
     */
    static Thread newThread(Executor scheduler, String name, Runnable main) {
        MethodHandle newThread = NEW_THREAD;
        if (newThread == null) {
            throw new IllegalStateException("Cannot make a virtual thread with a scheduler: that needs " + missing());
        }
        try {
            return (Thread) newThread.invokeExact(scheduler, name, main);
        } catch (Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("Cannot make a virtual thread", e);
        }
    }
}
