package asyncio.internal.loop;

/** Told what happens in a loop, by the thread that has the loop. */
public interface LoopObserver {
    /** The current thread is one of the loop's from here on. */
    void entered();

    /** An entry of the ready queue that does not report its own exceptions, since it is another library's, failed. */
    void failed(Runnable entry, Exception e);

    /** Something failed that ran since the loop is closed. */
    void failedAtClose(Object what, RuntimeException e);

    /** Whether the three times below are wanted. */
    boolean measures();

    /** An entry, or a step of a body, took so long. */
    void step(Object what, long nanos);

    /** The channel handlers of one tick, all together, took so long. */
    void io(long nanos);

    /** A select returned so long after its deadline. */
    void late(long nanos);
}
