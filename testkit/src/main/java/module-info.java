/** Virtual time, seeded schedules, leak checks, and connections and children in memory, for tests. */
@SuppressWarnings({"requires-automatic", "requires-transitive-automatic"}) // Reactor has no descriptors
module asyncio.testkit {
    requires transitive asyncio.bridge;
    requires transitive asyncio.queue;
    requires transitive asyncio.subprocess;
    requires transitive asyncio.sync;
    requires transitive org.junit.jupiter.api;
    requires static transitive org.jspecify;

    exports asyncio.testkit;

    opens asyncio.testkit to
            org.junit.platform.commons;
}
