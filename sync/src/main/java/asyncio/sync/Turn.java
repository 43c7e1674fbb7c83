package asyncio.sync;

/** One or more waiters that were granted permits and must be notified. */
interface Turn {
    /** Notifies them; outside every monitor. */
    void pass();
}
