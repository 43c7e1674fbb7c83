/** Queues whose {@code put} and {@code get} wait without a thread. */
@SuppressWarnings({"requires-automatic", "requires-transitive-automatic"}) // Reactor has no descriptors
module asyncio.queue {
    requires transitive asyncio.core;
    requires static transitive org.jspecify;

    exports asyncio.queue;
}
