package asyncio.internal.loop;

import org.jspecify.annotations.Nullable;

/**
 * A body: work with its own thread, which holds the loop while the body runs. All methods are for the owner of the
 * loop.
 */
public interface Seated {
    /** Returns the thread of the body; null before it has one, and if it has ended without one. */
    @Nullable Seat seat();

    void setSeat(@Nullable Seat seat);

    /** Returns whether it may start; if not, it has ended, since it was cancelled before. */
    boolean mayBegin();

    /** Returns whether it is suspended on this entry. False for the entry of a wait that an Error cut short. */
    boolean isWaitingFor(Runnable entry);

    /** Called when a step starts, on the body's thread. */
    void enter();

    /** Called when the step ends. */
    void leave();

    /** Runs the body to its end, on its thread; returns an error that must stop the loop. */
    @Nullable Error runBody();

    /** Ends a body that has no thread, or has lost it; does nothing if the body has ended. */
    void endWith(Throwable e);

    /** Returns the body's name, for messages. */
    String getName();
}
