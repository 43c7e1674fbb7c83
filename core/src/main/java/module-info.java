/** Event loop, {@code Future}, {@code Task}, {@code TaskGroup}, timeouts and {@code await}, over {@code Mono}. */
@SuppressWarnings({"module", "requires-automatic", "requires-transitive-automatic"
}) // the other modules are not built yet; Reactor has no module descriptors
module asyncio.core {
    requires transitive org.reactivestreams;
    requires transitive reactor.core;
    requires transitive io.netty.common;
    requires transitive io.netty.transport;
    requires static transitive org.jspecify;
    // used if present
    requires static context.propagation;
    requires static io.netty.transport.classes.epoll;
    requires static io.netty.transport.unix.common;
    requires static java.management;
    requires static jdk.jfr;
    requires static micrometer.core;
    requires static micrometer.observation;

    exports asyncio;
    exports asyncio.management;
    exports asyncio.metrics;
    exports asyncio.internal.loop to
            asyncio.bridge,
            asyncio.queue;

    uses asyncio.EventLoopPolicy;
}
