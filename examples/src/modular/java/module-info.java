/** A program on the module path: it names what it uses directly, and the rest comes with that. */
module asyncio.examples.modular {
    requires asyncio.queue;
    requires asyncio.streams;
    requires asyncio.subprocess;
    requires asyncio.sync;
}
