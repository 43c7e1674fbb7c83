package asyncio;

import asyncio.internal.loop.IdleObserver;
import asyncio.internal.loop.LoopObserver;
import asyncio.internal.loop.TimerQueue;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What a loop tells, for its exception handler, debug mode's log and its monitor. */
final class LoopEvents implements LoopObserver {
    private static final double NANOS_PER_SECOND = 1e9;

    private final EventLoop loop;

    LoopEvents(EventLoop loop) {
        this.loop = loop;
    }

    @Override
    public void entered() {
        EventLoop.setRunning(loop);
    }

    @Override
    public void failed(Runnable entry, Exception e) {
        // Handles and waiters report their own; this is Netty's or Reactor's
        loop.callExceptionHandler(ExceptionContext.of("Exception in callback " + Log.text(entry))
                .exception(Misuse.explain(e))
                .build());
    }

    @Override
    public void failedAtClose(Object what, RuntimeException e) {
        Log.error("Exception in " + Log.text(what) + ", which ran since " + loop + " is closed", e);
    }

    // ---- debug mode

    @Override
    public boolean measures() {
        return loop.getDebug();
    }

    @Override
    public void step(Object what, long nanos) {
        if (isSlow(nanos)) {
            Log.warn(
                    String.format(Locale.ROOT, "Executing %s took %.3f seconds", Log.text(what), seconds(nanos)), null);
        }
    }

    @Override
    public void io(long nanos) {
        if (isSlow(nanos)) {
            Log.warn(
                    String.format(
                            Locale.ROOT,
                            "Handling IO took %.3f seconds: some channel handler, or what is subscribed to one, computes or "
                                    + "blocks on the loop",
                            seconds(nanos)),
                    null);
        }
    }

    @Override
    public void late(long nanos) {
        if (isSlow(nanos)) {
            Log.warn(
                    String.format(
                            Locale.ROOT,
                            "Select returned %.3f seconds late: the machine is overloaded, or the JVM was stopped "
                                    + "(garbage collection, suspension)",
                            seconds(nanos)),
                    null);
        }
    }

    private boolean isSlow(long nanos) {
        return nanos >= loop.slowCallbackNanos();
    }

    private static double seconds(long nanos) {
        return nanos / NANOS_PER_SECOND;
    }

    // ---- virtual time

    /** Lets a monitor watch the loop; null for none. */
    @Nullable IdleObserver idle(@Nullable LoopMonitor monitor) {
        return monitor == null ? null : new Idle(loop, monitor);
    }

    private record Idle(EventLoop loop, LoopMonitor monitor) implements IdleObserver {
        @Override
        public long quietNanos(boolean timers, boolean channels) {
            boolean outside =
                    channels || !timers && loop.tasks.snapshot().stream().anyMatch(Task::awaitsForeign);
            return EventLoop.saturatedNanos(monitor.quietTime(timers, outside));
        }

        @Override
        public void idle(long nextTimer) {
            monitor.idle(loop, nextTimer == TimerQueue.NONE ? null : Duration.ofNanos(nextTimer));
        }
    }
}
