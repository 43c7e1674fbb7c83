package asyncio;

import asyncio.internal.loop.BodyThreads;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** Logs the kind of threads that bodies run on, and how they would run faster; once, when the first body is made. */
final class BodyKind {
    private static final AtomicBoolean SAID = new AtomicBoolean();

    private BodyKind() {}

    static void say() {
        if (SAID.getPlain() || !SAID.compareAndSet(false, true)) {
            return;
        }
        @Nullable String choice = BodyThreads.choice();
        if (choice != null) {
            Log.info(choice);
        }
    }
}
