/** The commands {@code ps} and {@code pstree}. */
module asyncio.tools {
    requires asyncio.core;
    requires java.management;
    requires jdk.attach;
    requires static java.instrument;
    requires static org.jspecify;
}
