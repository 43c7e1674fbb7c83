package asyncio.queue;

/** Whoever is to be told of a change of a queue, outside of its monitor. */
interface Told {
    /** Nobody yet. */
    Told NOBODY = () -> {};

    void deliver();
}
