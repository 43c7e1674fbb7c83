/** Locks, semaphores, rate limiters and queues shared by several machines. */
@SuppressWarnings({"requires-automatic", "requires-transitive-automatic"}) // Reactor and Redisson have no descriptors
module asyncio.redis {
    requires transitive asyncio.queue;
    requires transitive asyncio.sync;
    requires transitive redisson;
    requires io.netty.buffer;
    requires static transitive org.jspecify;

    exports asyncio.redis;
}
