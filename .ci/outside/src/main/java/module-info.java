module outside {
    requires asyncio.core;
    requires asyncio.sync;
    requires asyncio.queue;
    requires asyncio.bridge;
    requires asyncio.streams;
    requires asyncio.subprocess;
}
