package asyncio;

import asyncio.internal.loop.TimerQueue;
import java.time.Duration;
import reactor.util.context.ContextView;

/**
 * A handle on a callback that a loop will run at a given time, returned by {@link EventLoop#callLater callLater} and
 * {@link EventLoop#callAt callAt}.
 *
 * <p>Cancelling removes it from the loop's timers: at once when called on the loop, otherwise in its next tick.
 * asyncio: {@code TimerHandle}.
 *
 * <pre>{@code
 * TimerHandle idle = EventLoop.getRunningLoop().callLater(Duration.ofSeconds(30), () -> System.out.println("idle"));
 * idle.cancel(); // there was activity
 * }</pre>
 */
public final class TimerHandle extends Handle {
    final TimerQueue.Entry entry;

    TimerHandle(EventLoop loop, Runnable callback, ContextView context, long deadlineNanos) {
        super(loop, callback, context);
        this.entry = new TimerQueue.Entry(this, deadlineNanos);
    }

    /** Returns when the callback is due, on the loop's clock: comparable with {@link EventLoop#time()}. */
    public Duration when() {
        return Duration.ofNanos(entry.deadlineNanos);
    }

    @Override
    public void cancel() {
        if (!cancelled()) {
            super.cancel();
            loop.core.removeTimer(entry);
        }
    }

    @Override
    String details() {
        return " when=" + when();
    }
}
