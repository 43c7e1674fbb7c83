/** Converters, both ways, between callbacks, listeners, blocking calls, {@code CompletableFuture} and Reactor. */
@SuppressWarnings({"requires-automatic", "requires-transitive-automatic"}) // Reactor has no descriptors
module asyncio.bridge {
    requires transitive asyncio.core;
    requires static transitive org.jspecify;

    exports asyncio.bridge;
}
