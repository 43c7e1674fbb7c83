/**
 * Conversions between callbacks, listeners, blocking calls, {@code CompletableFuture} and Reactor, in both directions.
 */
@SuppressWarnings({"requires-automatic", "requires-transitive-automatic"}) // Reactor has no descriptors
module asyncio.bridge {
    requires transitive asyncio.core;
    requires static transitive org.jspecify;

    exports asyncio.bridge;
}
