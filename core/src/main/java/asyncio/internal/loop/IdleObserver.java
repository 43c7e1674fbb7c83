package asyncio.internal.loop;

/** An observer of loops with virtual time that have nothing to do, called on the thread that holds the loop. */
public interface IdleObserver {
    /**
     * Returns the time that IO must have been quiet before the loop counts as idle.
     *
     * @param timers whether there is a timer to jump to
     * @param channels whether a channel is open
     */
    long quietNanos(boolean timers, boolean channels);

    /**
     * Called when the loop is idle; after this, time jumps.
     *
     * @param nextTimer the clock's time after the jump, or {@link TimerQueue#NONE}
     */
    void idle(long nextTimer);
}
