/** Connections and servers as readers and writers, on Reactor Netty. */
@SuppressWarnings({"module", "requires-automatic", "requires-transitive-automatic"
}) // not built yet; Reactor has no module descriptors
module asyncio.streams {
    requires transitive asyncio.core;
    requires transitive io.netty.buffer;
    requires transitive io.netty.handler;
    requires transitive reactor.netty.core;
    requires io.netty.codec;
    requires io.netty.resolver;
    requires io.netty.transport.unix.common;
    // used by Reactor Netty, which has no module descriptor to require them
    requires io.netty.handler.proxy;
    requires io.netty.resolver.dns;
    requires static io.netty.transport.classes.epoll;
    requires static jdk.jfr;
    requires static transitive org.jspecify;

    exports asyncio.streams;
    exports asyncio.streams.internal to
            asyncio.subprocess;
}
