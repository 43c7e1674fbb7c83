package asyncio.internal.loop;

/** Asked and told when a loop with virtual time has nothing to do, by the thread that has the loop. */
public interface IdleObserver {
    /**
     * Returns how long IO must have been quiet before the loop counts as idle.
     *
     * @param timers whether there is a timer to jump to
     * @param channels whether a channel is open
     */
    long quietNanos(boolean timers, boolean channels);

    /**
     * The loop is idle; after this, time jumps.
     *
     * @param nextTimer what the clock will be after the jump, or {@link TimerQueue#NONE}
     */
    void idle(long nextTimer);
}
