package asyncio;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import reactor.core.Disposable;

/**
 * Things of a loop that are being closed and have something to do before, such as to send what was written to a
 * connection. {@link Asyncio#run} and {@link Runner#close} wait for them before they close the loop, ten seconds at
 * most, and {@link EventLoop#shutdownShared} as long as it may.
 *
 * <p>asyncio: none; there a program that ends drops what is unsent.
 */
public final class Closings {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private Closings() {}

    /**
     * Has the end of the running loop wait; does nothing where no loop runs. For the authors of things that must be
     * closed.
     *
     * @param ended done when there is nothing more to do
     * @param giveUp what happens if the loop is closed before that, on the thread that closes it: say what is lost
     */
    public static void await(Future<?> ended, Runnable giveUp) {
        EventLoop loop = EventLoop.runningOrNull();
        if (loop == null || ended.done()) {
            return;
        }
        Disposable atClose = loop.onClose(Objects.requireNonNull(giveUp, "giveUp"));
        Set<Future<?>> underWay = loop.closings;
        underWay.add(ended);
        ended.addDoneCallback(done -> {
            underWay.remove(ended);
            atClose.dispose();
        });
    }

    /** Runs the loop until all are over, or the limit is. */
    static void runUntilOver(EventLoop loop) {
        Set<Future<?>> underWay = loop.closings;
        if (underWay.isEmpty()) {
            return;
        }
        boolean[] late = {false};
        TimerHandle limit = loop.callLater(LIMIT, () -> {
            late[0] = true;
            loop.stop();
        });
        while (!underWay.isEmpty() && !late[0]) { // one may begin while others end
            loop.runUntilDone(List.copyOf(underWay));
        }
        limit.cancel();
    }
}
