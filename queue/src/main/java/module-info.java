/** Queues with a {@code put} and a {@code get} that suspend instead of blocking a thread. */
@SuppressWarnings({"requires-automatic", "requires-transitive-automatic"}) // Reactor has no descriptors
module asyncio.queue {
    requires transitive asyncio.core;
    requires static transitive org.jspecify;

    exports asyncio.queue;
}
