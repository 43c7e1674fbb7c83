package asyncio.queue;

/** A waiter to notify of a change of a queue, outside its monitor. */
interface Told {
    /** There is no waiter to notify. */
    Told NOBODY = () -> {};

    void deliver();
}
