package asyncio.internal.loop;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Locale;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The source of threads for bodies: virtual from Java 24 on, where {@code synchronized} no longer pins; platform
 * threads before that, or with {@code -Dasyncio.bodies.kind=platform}. The same classes run on all versions, so virtual
 * threads are made through a method handle.
 */
public final class BodyThreads {
    /** The kinds of threads that bodies run on. */
    public enum Kind {
        /** Pooled platform threads, to which the loop is handed over. */
        PLATFORM,
        /** Virtual threads with the JDK's scheduler, to which the loop is handed over. */
        VIRTUAL,
        /** Virtual threads carried by the thread that runs the loop: nothing is handed over. */
        CARRIER
    }

    /** Enough for locals of a deep stack; 128 KiB overflowed. */
    private static final long STACK_BYTES = 512 * 1024;
    /** The number of idle platform threads that a loop keeps. */
    static final int MAX_IDLE = 64;

    private static final int MAX_PLATFORM = Integer.getInteger("asyncio.bodies.max", 4096);
    private static final AtomicInteger PLATFORM_COUNT = new AtomicInteger();
    private static final AtomicLong REFUSED = new AtomicLong();
    private static final AtomicInteger NAMES = new AtomicInteger();
    private static final @Nullable MethodHandle NEW_VIRTUAL = findNewVirtual();
    private static final @Nullable MethodHandle IS_VIRTUAL = findIsVirtual();

    private static final String AUTO = "auto";
    private static final String PROPERTY = System.getProperty("asyncio.bodies.kind", AUTO);
    /** The kind used in this process. */
    public static final Kind KIND = choose(PROPERTY);
    /** Whether bodies run on virtual threads, regardless of their scheduler. */
    public static final boolean VIRTUAL = KIND != Kind.PLATFORM;
    /** Whether the thread that runs a loop carries its bodies. */
    static final boolean CARRIED = KIND == Kind.CARRIER;

    private BodyThreads() {}

    private static Kind choose(String property) {
        switch (property) {
            case AUTO:
                return best();
            case "platform":
                return Kind.PLATFORM;
            case "virtual":
                if (NEW_VIRTUAL == null) {
                    throw new IllegalArgumentException(
                            "asyncio.bodies.kind=virtual needs Java 21 or later, this is " + Runtime.version());
                }
                return Kind.VIRTUAL;
            case "carrier":
                String missing = Carriers.missing();
                if (missing != null) {
                    throw new IllegalArgumentException("asyncio.bodies.kind=carrier needs " + missing);
                }
                return Kind.CARRIER;
            default:
                throw new IllegalArgumentException(
                        "asyncio.bodies.kind must be auto, carrier, virtual or platform, not " + property);
        }
    }

    private static Kind best() {
        if (Carriers.missing() == null) {
            return Kind.CARRIER;
        }
        return Runtime.version().feature() >= 24 && NEW_VIRTUAL != null ? Kind.VIRTUAL : Kind.PLATFORM;
    }

    /** Describes the choice, and a faster one, in a sentence or two; null if the user chose. */
    public static @Nullable String choice() {
        return PROPERTY.equals(AUTO) ? choice(KIND, Carriers.missing()) : null;
    }

    static String choice(Kind chosen, @Nullable String missing) {
        String faster =
                missing == null ? "" : ". Loops carry them themselves, which is up to three times as fast, with ";
        return switch (chosen) {
                    case CARRIER -> "Bodies run on the threads of their loops";
                    case VIRTUAL -> "Bodies run on virtual threads of the JDK's scheduler" + faster + missing;
                    case PLATFORM -> "Bodies run on platform threads" + faster + missing;
                }
                + " (asyncio.bodies.kind=" + chosen.name().toLowerCase(Locale.ROOT) + ")";
    }

    /**
     * {@code Thread.ofVirtual().inheritInheritableThreadLocals(false).name("asyncio-body-", 1).factory()::newThread},
     * or null before Java 21.
     */
    private static @Nullable MethodHandle findNewVirtual() {
        try {
            MethodHandles.Lookup lookup = MethodHandles.publicLookup();
            Class<?> builder = Class.forName("java.lang.Thread$Builder");
            Class<?> virtual = Class.forName("java.lang.Thread$Builder$OfVirtual");
            Object factory = lookup.findStatic(Thread.class, "ofVirtual", MethodType.methodType(virtual))
                    .invoke();
            factory = lookup.findVirtual(
                            virtual, "inheritInheritableThreadLocals", MethodType.methodType(virtual, boolean.class))
                    .bindTo(factory)
                    .invoke(false);
            factory = lookup.findVirtual(virtual, "name", MethodType.methodType(virtual, String.class, long.class))
                    .bindTo(factory)
                    .invoke("asyncio-body-", 1L);
            factory = lookup.findVirtual(
                            builder, "factory", MethodType.methodType(java.util.concurrent.ThreadFactory.class))
                    .bindTo(factory)
                    .invoke();
            return lookup.findVirtual(
                            java.util.concurrent.ThreadFactory.class,
                            "newThread",
                            MethodType.methodType(Thread.class, Runnable.class))
                    .bindTo(factory);
        } catch (Throwable e) {
            return null; // Java 17 to 20
        }
    }

    private static @Nullable MethodHandle findIsVirtual() {
        try {
            return MethodHandles.publicLookup()
                    .findVirtual(Thread.class, "isVirtual", MethodType.methodType(boolean.class));
        } catch (ReflectiveOperationException e) {
            return null; // Java 17 to 20
        }
    }

    /** Returns whether the current thread is a virtual one, no matter where it was made. */
    public static boolean onVirtualThread() {
        return isVirtual(Thread.currentThread());
    }

    public static boolean isVirtual(Thread thread) {
        MethodHandle isVirtual = IS_VIRTUAL;
        try {
            return isVirtual != null && (boolean) isVirtual.invokeExact(thread);
        } catch (Throwable e) {
            throw new IllegalStateException("Thread.isVirtual failed", e);
        }
    }

    public static Thread newVirtual(Runnable main) {
        MethodHandle newVirtual = NEW_VIRTUAL;
        if (newVirtual == null) {
            throw new IllegalStateException("No virtual threads before Java 21");
        }
        try {
            Memory.need();
            return (Thread) newVirtual.invokeExact(main);
        } catch (Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("Cannot make a virtual thread", e);
        }
    }

    /** Reserves one platform thread, unless there are too many; {@link #releasePlatform} must follow its end. */
    static boolean reservePlatform() {
        if (PLATFORM_COUNT.incrementAndGet() <= MAX_PLATFORM) {
            return true;
        }
        releasePlatform();
        return false;
    }

    static Thread newPlatform(Runnable main, String loopName) {
        Memory.need();
        return DaemonThreads.newThread(main, loopName + "-body-" + NAMES.incrementAndGet(), STACK_BYTES);
    }

    static void releasePlatform() {
        PLATFORM_COUNT.decrementAndGet();
    }

    /** Returns the number of platform threads for bodies. */
    public static int platformThreads() {
        return PLATFORM_COUNT.get();
    }

    /** Returns the maximum number of platform threads for bodies. */
    public static int maxPlatformThreads() {
        return MAX_PLATFORM;
    }

    /** Returns the number of bodies that have been refused a thread so far. */
    public static long refused() {
        return REFUSED.get();
    }

    /** Returns the failure of a task whose body gets no thread because there are too many. */
    static RejectedExecutionException tooMany(Seated body) {
        return cannotStart(body, "the limit is asyncio.bodies.max=" + MAX_PLATFORM);
    }

    /**
     * Returns the failure of a task whose body gets no thread. There may be thousands of them, all from the loop, so
     * they have no stack trace.
     */
    static RejectedExecutionException cannotStart(Seated body, String reason) {
        REFUSED.incrementAndGet();
        RejectedExecutionException refusal = new Refusal("No thread for the body of " + body.getName() + ": " + reason
                + ". Every suspended body holds a platform thread on this Java ("
                + Runtime.version().feature() + "). Run on Java 24 or later, where bodies are virtual "
                + "threads; write large numbers of waits as Monos; or raise -Dasyncio.bodies.max");
        refusal.setStackTrace(new StackTraceElement[0]);
        return refusal;
    }

    /** Distinguishes these rejections from those of users' executors. */
    public static final class Refusal extends RejectedExecutionException {
        private static final long serialVersionUID = 1L;

        private Refusal(String message) {
            super(message);
        }

        /** Names the superclass, since this class means nothing to users. */
        @Override
        @SuppressWarnings("OverrideThrowableToString")
        public String toString() {
            return RejectedExecutionException.class.getName() + ": " + getMessage();
        }
    }

    /**
     * Clears the ThreadLocals of the current thread; returns false if that is not possible, so that the thread must not
     * be reused.
     */
    static boolean eraseThreadLocals() {
        return ThreadLocalEraser.INSTANCE != null && ThreadLocalEraser.INSTANCE.erase(Thread.currentThread());
    }
}
