package asyncio.streams;

import asyncio.Leftover;
import asyncio.Leftovers;
import asyncio.Log;
import java.lang.ref.Cleaner;
import org.jspecify.annotations.Nullable;

/** Closes and reports a connection that was opened here and has become unreachable, when it is garbage collected. */
final class UnclosedReport implements Runnable {
    private static final Cleaner CLEANER = Cleaner.create();

    private final StreamHandler handler;

    private UnclosedReport(StreamHandler handler) {
        this.handler = handler;
    }

    /**
     * Watches a connection until it is closed.
     *
     * @param site where it was opened, in debug mode
     */
    static void watch(StreamConnection connection, @Nullable Throwable site) {
        Outgoing out = connection.handler().writer();
        Leftovers.watch(Leftover.Kind.CONNECTION, out, () -> !out.closed().done(), site);
        Cleaner.Cleanable watch = CLEANER.register(connection, new UnclosedReport(connection.handler()));
        out.closed().addDoneCallback(gone -> {
            if (!out.isLostWithLoop()) {
                watch.clean();
            }
        });
    }

    /** Like {@link #watch}, for a transport, which its loop keeps reachable until it is closed. */
    static void watchTransport(Outgoing out, @Nullable Throwable site) {
        Leftovers.watch(Leftover.Kind.CONNECTION, out, () -> !out.closed().done(), site);
        out.closed().addDoneCallback(gone -> warnIfLostWithLoop(out));
    }

    private static void warnIfLostWithLoop(Outgoing out) {
        if (out.isLostWithLoop()) {
            Log.warn(
                    "loop is closed: " + out
                            + " was still open. Close connections when done, preferably with try-with-resources",
                    null);
        }
    }

    /** Reports a connection that has become unreachable, unless it was closed. */
    @Override
    public void run() {
        Outgoing out = handler.writer();
        if (out.closeRequested()) {
            return;
        }
        if (out.isLostWithLoop()) {
            warnIfLostWithLoop(out);
        } else if (!out.isClosing() && out.requestClose()) {
            try {
                Log.warn(
                        "unclosed " + out
                                + ": this connection has become unreachable, so it is closed now. Close connections when "
                                + "done, preferably with try-with-resources",
                        null);
            } finally { // even if a logger throws
                out.onLoopIfOpen(handler::close);
            }
        }
    }
}
