package asyncio;

import asyncio.internal.loop.Entry;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;
import reactor.util.context.ContextView;

/**
 * A callback that a loop will run; returned by {@link EventLoop#callSoon callSoon}.
 *
 * <p>Threading: {@link #cancel} may be called from any thread; the callback does not run if the cancellation came
 * before its turn. asyncio: {@code Handle}.
 *
 * <pre>{@code
 * Handle flush = EventLoop.getRunningLoop().callSoon(() -> System.out.println("flushed"));
 * flush.cancel(); // it has not run yet, and will not
 * }</pre>
 */
@SuppressWarnings("exports") // the superclass has nothing for users
public class Handle extends Entry {
    private static final VarHandle CALLBACK;

    static {
        try {
            CALLBACK = MethodHandles.lookup().findVarHandle(Handle.class, "callback", Runnable.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final EventLoop loop;
    private final ContextView context;
    /**
     * Read and written through {@link #CALLBACK}: acquire and release are enough, and a volatile write costs a fence
     * for every callback.
     */
    private @Nullable Runnable callback;

    private volatile boolean cancelled;
    private final @Nullable Origin origin;

    Handle(EventLoop loop, Runnable callback, ContextView context) {
        this(loop, callback, context, loop.getDebug() ? new Origin() : null);
    }

    /** For a callback that was given earlier and is scheduled by an event, in code that is not the user's. */
    Handle(EventLoop loop, Runnable callback, ContextView context, @Nullable Origin origin) {
        this.loop = loop;
        this.callback = callback;
        this.context = context;
        this.origin = origin;
    }

    @Nullable Origin origin() {
        return origin;
    }

    private @Nullable Runnable callback() {
        return (Runnable) CALLBACK.getAcquire(this);
    }

    /** Drops the callback. Cancelling twice, or after the callback has run, does nothing. */
    public void cancel() {
        if (callback() != null) {
            cancelled = true;
            CALLBACK.setVolatile(this, null);
        }
    }

    /** Returns whether {@link #cancel} came before the callback had run. */
    public boolean cancelled() {
        return cancelled;
    }

    /** Returns whether it was cancelled or has had its turn. */
    boolean isOver() {
        return callback == null;
    }

    /**
     * Returns the context in which the callback runs: {@link Asyncio#currentContext()} of the code that scheduled it,
     * unless one was given.
     */
    public ContextView getContext() {
        return context;
    }

    /**
     * Runs the callback, unless cancelled; called by the loop. An exception of the callback goes to the loop's
     * exception handler.
     */
    @Override
    public final void run() {
        Runnable callback = callback();
        if (callback == null) {
            return;
        }
        CALLBACK.setRelease(this, null);
        ContextView outer = loop.enterContext(context);
        try (ThreadLocals.Scope locals = ThreadLocals.restore(context)) {
            callback.run();
        } catch (Exception e) {
            loop.callExceptionHandler(ExceptionContext.of("Exception in callback " + Log.text(callback))
                    .exception(Misuse.explain(e))
                    .handle(this)
                    .build());
        } finally {
            loop.leaveContext(outer);
        }
    }

    /** Drops the callback, as asyncio does. */
    @Override
    protected void loopClosed() {}

    @Override
    public String toString() {
        Runnable callback = callback();
        return "<" + getClass().getSimpleName()
                + (cancelled ? " cancelled" : callback == null ? " done" : " " + Log.text(callback)) + details()
                + Origin.describe(origin) + ">";
    }

    String details() {
        return "";
    }
}
