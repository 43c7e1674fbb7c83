/** Locks, semaphores and related primitives that wait as a {@code Mono}. */
@SuppressWarnings({"requires-automatic", "requires-transitive-automatic"}) // Reactor has no descriptors
module asyncio.sync {
    requires transitive asyncio.core;
    requires static transitive org.jspecify;

    exports asyncio.sync;
}
