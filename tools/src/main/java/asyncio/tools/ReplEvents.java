package asyncio.tools;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/** The event of a prompt in the JVM's flight recorder; use it only if {@link asyncio.Flight#PRESENT}. */
@SuppressWarnings("unused") // the recorder reads the fields of events
final class ReplEvents {
    private ReplEvents() {}

    static void started(String kind) {
        ReplStart event = new ReplStart();
        event.kind = kind;
        event.commit();
    }

    @Name("asyncio.ReplStart")
    @Label("REPL Start")
    @Category("asyncio")
    @StackTrace(false)
    private static final class ReplStart extends Event {
        @Label("Kind")
        @Nullable String kind;
    }
}
