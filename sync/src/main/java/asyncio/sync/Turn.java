package asyncio.sync;

/** One, or several, whose turn it is. */
interface Turn {
    /** Tells them; outside every monitor. */
    void pass();
}
