package asyncio.bridge;

import reactor.core.Disposable;

/** The handle of a {@link Listeners#push}; every method may be called from any thread. */
public interface Push extends Disposable {
    /**
     * Holds items back, and the end if it follows such an item. When this returns, at most one call of the listener,
     * already begun, is still running. Items are requested from the source one at a time, or 64 if they are on their
     * way to a loop, so the source is slowed down as well.
     */
    void pause();

    /** Resumes the calls of the listener. */
    void resume();

    /** Returns whether it is paused. */
    boolean isPaused();
}
