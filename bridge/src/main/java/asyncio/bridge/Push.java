package asyncio.bridge;

import reactor.core.Disposable;

/** The handle of a {@link Listeners#push}; every method may be called from any thread. */
public interface Push extends Disposable {
    /**
     * Holds items back, and the end if it is behind such an item. When this returns, at most a call of the listener
     * that has begun is under way. The source is asked for one item at a time, or for 64 if they are on their way to a
     * loop, so it is slowed down as well.
     */
    void pause();

    /** Goes on. */
    void resume();

    /** Whether it is paused. */
    boolean isPaused();
}
