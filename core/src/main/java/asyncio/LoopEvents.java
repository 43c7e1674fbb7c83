package asyncio;

import asyncio.internal.loop.BodyThreads;
import asyncio.internal.loop.IdleObserver;
import asyncio.internal.loop.LoopObserver;
import asyncio.internal.loop.TimerQueue;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import reactor.util.context.ContextView;

/** Passes the events of a loop to its exception handler, to debug mode's log and to its monitor. */
final class LoopEvents implements LoopObserver, LeakOwner, SlowStep.Observer, LagProbe.Observer {
    private static final double NANOS_PER_SECOND = 1e9;

    /**
     * Limits the reports of bodies that got no thread, in the whole process: there may be thousands at once, all for
     * the same reason.
     */
    private static final RateLimit REFUSALS_IN_A_MINUTE =
            new RateLimit(10, Duration.ofMinutes(1).toNanos());

    /** The owner of Futures that were made off every loop. */
    static final LeakOwner NO_LOOP = new LeakOwner() {
        @Override
        public boolean samples() {
            return false;
        }

        @Override
        public void unretrieved(String message, Throwable exception, @Nullable Origin origin, ContextView context) {
            log(unretrievedException(message, exception, origin));
        }

        @Override
        public boolean forgotten(LeakDetector.Leak coroutine) {
            return false;
        }
    };

    private final EventLoop loop;
    final ListenerList<LoopListener> listeners = new ListenerList<>();
    /** Changed by the loop. */
    final AtomicInteger connections = new AtomicInteger();
    /** Changed by the threads that start children and hear of their exits. */
    final AtomicInteger children = new AtomicInteger();

    volatile @Nullable BiConsumer<? super EventLoop, ? super ExceptionContext> handler;

    LoopEvents(EventLoop loop) {
        this.loop = loop;
    }

    @Override
    public void entered() {
        Contexts.setRunning(loop);
    }

    @Override
    public void failed(Runnable entry, Exception e) {
        // handles and waiters report their own exceptions; this one is Netty's or Reactor's
        loop.callExceptionHandler(ExceptionContext.of("Exception in callback " + Log.text(entry))
                .exception(Misuse.explain(e))
                .build());
    }

    @Override
    public void failedAtClose(Object what, RuntimeException e) {
        Log.error("Exception in " + Log.text(what) + ", which ran because " + loop + " was closed", e);
    }

    /** Calls the exception handler; an exception of the handler stops nothing, but an Error is thrown. */
    void report(ExceptionContext what) {
        if (Flight.PRESENT) {
            FlightEvents.exceptionUnhandled(loop.getName(), what.message(), what.exception(), what.sourceTraceback());
        }
        reportUnrecorded(what);
    }

    private void reportUnrecorded(ExceptionContext what) {
        ContextView context = contextOf(what);
        try (ThreadLocals.Scope locals = context == null ? null : ThreadLocals.restore(context)) {
            if (!listeners.none()) {
                listeners.tell(listener -> listener.exceptionUnhandled(loop, what));
            }
            tell(what, context);
        }
    }

    /** Returns the context of the task or callback that failed, if it is known. */
    private static @Nullable ContextView contextOf(ExceptionContext what) {
        return what.task() != null
                ? what.task().getContext()
                : what.handle() != null ? what.handle().getContext() : null;
    }

    private void tell(ExceptionContext what, @Nullable ContextView context) {
        BiConsumer<? super EventLoop, ? super ExceptionContext> handler = this.handler;
        if (handler == null) {
            log(what, "Exception in default exception handler");
            return;
        }
        try {
            callInContext(handler, what, context);
        } catch (Exception e) {
            log(
                    ExceptionContext.of("Unhandled error in exception handler")
                            .exception(e)
                            .context(what)
                            .build(),
                    "Exception in default exception handler while handling an unexpected error in custom exception handler");
        }
    }

    private void callInContext(
            BiConsumer<? super EventLoop, ? super ExceptionContext> handler,
            ExceptionContext what,
            @Nullable ContextView context) {
        if (context == null || !loop.core.inEventLoop()) {
            handler.accept(loop, what);
            return;
        }
        ContextView outer = loop.enterContext(context);
        try {
            handler.accept(loop, what);
        } finally {
            loop.leaveContext(outer);
        }
    }

    /** Logs a report; its text contains results of the user's {@code toString} methods, which may fail. */
    private static void log(ExceptionContext what, String otherwise) {
        try {
            log(what);
        } catch (Exception | StackOverflowError e) {
            Suppressed.add(e, what.exception() == null ? new Throwable(what.message()) : what.exception());
            Log.error(otherwise, e);
        }
    }

    /** Logs a report, and then the report that a failed handler had been given. */
    static void log(ExceptionContext what) {
        int withheld =
                what.exception() instanceof BodyThreads.Refusal ? REFUSALS_IN_A_MINUTE.pass(System.nanoTime()) : 0;
        if (withheld == RateLimit.WITHHELD) {
            return;
        }
        String note = withheld > 0 ? "; " + withheld + " earlier bodies that got no thread were not logged" : "";
        Log.error(what.text(note), what.exception());
        if (what.context() != null) {
            log(what.context());
        }
    }

    // ---- tasks

    /** A task was made; it has not begun. */
    void created(Task<?> task) {
        if (Flight.PRESENT && FlightEvents.wantsTaskEnd()) {
            task.recordIn(FlightEvents.taskBegins(task.givenName()));
        }
        if (!listeners.none()) {
            listeners.tell(listener -> listener.taskCreated(task));
        }
    }

    /** A task is done. */
    void ended(Task<?> task) {
        if (Flight.PRESENT && FlightEvents.wantsTaskEnd()) {
            record(task, outcome(task));
        }
        if (!listeners.none()) {
            LoopListener.Outcome outcome = outcome(task);
            Throwable failure = task.failure();
            listeners.tell(listener -> listener.taskEnded(task, outcome, failure));
        }
    }

    private static LoopListener.Outcome outcome(Task<?> task) {
        return task.failure() == null
                ? LoopListener.Outcome.RESULT
                : task.cancelled() ? LoopListener.Outcome.CANCELLED : LoopListener.Outcome.EXCEPTION;
    }

    private void record(Task<?> task, LoopListener.Outcome outcome) {
        FlightEvents.taskEnds(
                task.record(),
                loop.getName(),
                task.getId(),
                task.getName(),
                switch (outcome) {
                    case RESULT -> "result";
                    case EXCEPTION -> "exception";
                    case CANCELLED -> "cancelled";
                });
    }

    /** A task that was made could not be queued on the loop: it never begins. */
    void refused(Task<?> task) {
        if (Flight.PRESENT && FlightEvents.wantsTaskEnd()) {
            record(task, LoopListener.Outcome.CANCELLED);
        }
        if (!listeners.none()) {
            listeners.tell(listener -> listener.taskEnded(task, LoopListener.Outcome.CANCELLED, null));
        }
    }

    /** The cancellation of a task was requested, and the request counts. */
    void cancelRequested(Task<?> task, @Nullable String message) {
        if (Flight.PRESENT && FlightEvents.wantsCancel()) {
            EventLoop here = EventLoop.runningOrNull();
            Task<?> by = here == null ? null : here.currentTask();
            FlightEvents.cancel(
                    loop.getName(), task.getId(), task.getName(), by == null ? null : by.getName(), message);
        }
        if (!listeners.none()) {
            listeners.tell(listener -> listener.cancelRequested(task, message));
        }
    }

    // ---- findings of the watchdog

    @Override
    public boolean wantsSlowSteps() {
        return !listeners.none() || Flight.PRESENT && FlightEvents.wantsSlowSteps();
    }

    @Override
    public @Nullable Object current() {
        return loop.currentTask();
    }

    @Override
    public void slow(@Nullable Object current, long nanos, List<StackTraceElement> stack) {
        Task<?> task = (Task<?>) current;
        if (Flight.PRESENT) {
            FlightEvents.slowStep(loop.getName(), task == null ? null : task.getName(), nanos, stack);
        }
        listeners.tell(listener -> listener.stepSlow(loop, task, Duration.ofNanos(nanos), stack));
    }

    @Override
    public void stuck(boolean unclaimed, long nanos, List<StackTraceElement> stack) {
        if (Flight.PRESENT) {
            FlightEvents.stuck(loop.getName(), unclaimed ? "unclaimed" : "step", nanos, stack);
        }
        listeners.tell(listener -> listener.stuck(loop, unclaimed, Duration.ofNanos(nanos), stack));
    }

    @Override
    public boolean wantsLag() {
        if (Flight.PRESENT) {
            FlightEvents.offerPeriodic(LoopEvents::recordTasks, LoopEvents::recordLoops);
            if (FlightEvents.wantsLag()) {
                return true;
            }
        }
        return !listeners.none();
    }

    @Override
    public @Nullable Object sent() {
        return Flight.PRESENT && FlightEvents.wantsLag() ? FlightEvents.lagBegins() : null;
    }

    @Override
    public void lagged(@Nullable Object begun, long nanos) {
        if (begun != null) {
            FlightEvents.lagEnds(begun, loop.getName(), loop.core.readyCount());
        }
        listeners.tell(listener -> listener.lagged(loop, Duration.ofNanos(nanos)));
    }

    /** Records the tasks of all loops when the flight recorder asks for them. */
    private static void recordTasks() {
        for (EventLoop loop : EventLoop.all()) {
            for (Task<?> task : loop.tasks.snapshot()) {
                Object awaited = task.awaits();
                List<StackTraceElement> top = task.getStack(1);
                FlightEvents.taskSnapshot(
                        loop.getName(),
                        task.getId(),
                        task.getName(),
                        // only the name of a task: they may await each other in a cycle
                        awaited == null ? null : awaited instanceof Task<?> other ? other.getName() : Log.text(awaited),
                        task.awaitedBy().stream()
                                .map(awaiter -> Long.toString(awaiter.getId()))
                                .collect(Collectors.joining(" ")),
                        top.isEmpty() ? null : top.get(0).toString());
            }
        }
    }

    private static void recordLoops() {
        for (EventLoop loop : EventLoop.all()) {
            FlightEvents.loopStatistics(loop.getName(), loop.statistics());
        }
    }

    /** Returns a probe of the loop's lag. */
    LagProbe lagProbe() {
        return new LagProbe(loop.core, this);
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
                            "Handling IO took %.3f seconds: a channel handler, or a subscriber of one, computes or "
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

    // ---- leaks

    private final LeakDetector.Sample coroutines = new LeakDetector.Sample();

    @Override
    public boolean samples() {
        return coroutines.takes();
    }

    /** Reports on the loop, if it runs. */
    @Override
    public void unretrieved(String message, Throwable exception, @Nullable Origin origin, ContextView context) {
        if (Flight.PRESENT) {
            FlightEvents.neverRetrieved(loop.getName(), message, exception, Origin.framesOf(origin));
        }
        ExceptionContext what = unretrievedException(message, exception, origin);
        if (!loop.isRunning() || !loop.core.enqueue(new Handle(loop, () -> reportUnrecorded(what), context))) {
            reportUnrecorded(what);
        }
    }

    private static ExceptionContext unretrievedException(String message, Throwable exception, @Nullable Origin origin) {
        return ExceptionContext.of(message).exception(exception).origin(origin).build();
    }

    @Override
    public boolean forgotten(LeakDetector.Leak coroutine) {
        if (Flight.PRESENT) {
            Leftover left = coroutine.leftover();
            FlightEvents.neverAwaited(loop.getName(), left.description(), left.createdAt());
        }
        if (!listeners.none()) {
            listeners.tell(listener -> listener.coroutineForgotten(loop, coroutine.leftover()));
        }
        if (loop.monitor == null) {
            return false;
        }
        loop.monitor.forgotten(loop, coroutine.leftover());
        return true;
    }

    // ---- virtual time

    /** Returns the observer through which a monitor watches the loop; null for none. */
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
