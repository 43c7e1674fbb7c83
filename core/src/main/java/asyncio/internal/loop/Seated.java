package asyncio.internal.loop;

import org.jspecify.annotations.Nullable;

/**
 * A body: work with a thread of its own, which holds the loop while the body runs. All of this is for the owner of the
 * loop.
 */
public interface Seated {
    /** The thread of the body; null before it has one, and when it has ended without. */
    @Nullable Seat seat();

    void setSeat(@Nullable Seat seat);

    /** Whether it may begin; if not, it has ended: it was cancelled before. */
    boolean mayBegin();

    /** Whether this is what it is suspended on. False for the entry of a wait that an Error cut short. */
    boolean isWaitingFor(Runnable entry);

    /** A step begins, on the body's thread. */
    void enter();

    /** The step ends. */
    void leave();

    /** Runs the body to its end, on its thread; returns an error that must stop the loop. */
    @Nullable Error runBody();

    /** Ends a body that has no thread, or has lost it; does nothing if it has ended. */
    void endWith(Throwable e);

    /** The body's name, for messages. */
    String getName();
}
