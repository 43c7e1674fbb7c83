/** A program on the module path: it requires the modules it uses directly, and these bring the rest. */
module asyncio.examples.modular {
    requires asyncio.queue;
    requires asyncio.streams;
    requires asyncio.subprocess;
    requires asyncio.sync;
}
