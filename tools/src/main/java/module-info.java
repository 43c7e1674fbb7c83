/** The REPL, and the commands {@code ps} and {@code pstree}. */
@SuppressWarnings("requires-automatic") // JLine has no descriptor
module asyncio.tools {
    requires asyncio.core;
    requires java.management;
    requires jdk.jshell;
    requires org.jline;
    requires jdk.attach;
    requires static java.instrument;
    requires static jdk.jfr;
    requires static org.jspecify;
}
