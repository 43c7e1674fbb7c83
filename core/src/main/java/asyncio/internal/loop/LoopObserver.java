package asyncio.internal.loop;

/** An observer of a loop, called on the thread that holds the loop. */
public interface LoopObserver {
    /** Called when the current thread becomes one of the loop's. */
    void entered();

    /** Called when an entry of another library, which does not report its own exceptions, has failed. */
    void failed(Runnable entry, Exception e);

    /** Called when an action that ran because the loop is closed has failed. */
    void failedAtClose(Object what, RuntimeException e);

    /** Returns whether the three times below should be measured. */
    boolean measures();

    /** Reports the duration of an entry, or of a step of a body. */
    void step(Object what, long nanos);

    /** Reports the total duration of the channel handlers of one tick. */
    void io(long nanos);

    /** Reports the time by which a select returned after its deadline. */
    void late(long nanos);
}
