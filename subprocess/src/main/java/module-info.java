/** Child processes with readers and writers for their standard streams. */
@SuppressWarnings({"requires-automatic", "requires-transitive-automatic"}) // Reactor has no module descriptors
module asyncio.subprocess {
    requires transitive asyncio.streams;
    requires io.netty.transport.unix.common;
    requires static jdk.jfr;
    requires static transitive org.jspecify;

    exports asyncio.subprocess;
}
