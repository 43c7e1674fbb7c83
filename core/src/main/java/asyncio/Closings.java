package asyncio;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import reactor.core.Disposable;

/**
 * Resources of a loop that are being closed and still have work to do, such as sending the data written to a
 * connection. {@link Asyncio#run} and {@link Runner#close} wait for them before they close the loop, for ten seconds at
 * most, and {@link EventLoop#shutdownShared} until its timeout.
 *
 * <p>asyncio has none: there a program that ends drops unsent data.
 */
public final class Closings {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private Closings() {}

    /**
     * Makes the end of the running loop wait; does nothing where no loop runs. For authors of resources that must be
     * closed.
     *
     * @param ended is done when there is no more work
     * @param giveUp called if the loop is closed before that, on the closing thread: it should report the loss
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

    /** Runs the loop until all have ended or the limit is reached. */
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
