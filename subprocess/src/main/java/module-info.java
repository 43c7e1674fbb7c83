/** Child processes whose standard streams are readers and writers. */
@SuppressWarnings({"requires-automatic", "requires-transitive-automatic"}) // Reactor has no descriptors
module asyncio.subprocess {
    requires transitive asyncio.streams;
    requires io.netty.transport.unix.common;
    requires static jdk.jfr;
    requires static transitive org.jspecify;

    exports asyncio.subprocess;
}
