package asyncio.queue;

/** A waiter to tell of a change of a queue, outside of its monitor. */
interface Told {
    /** No waiter yet. */
    Told NOBODY = () -> {};

    void deliver();
}
