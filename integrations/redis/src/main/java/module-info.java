/** Locks and semaphores that several machines share. */
@SuppressWarnings({"requires-automatic", "requires-transitive-automatic"}) // Reactor and Redisson have no descriptors
module asyncio.redis {
    requires transitive asyncio.sync;
    requires transitive redisson;
    requires static transitive org.jspecify;

    exports asyncio.redis;
}
