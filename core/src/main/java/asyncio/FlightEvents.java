package asyncio;

import java.util.List;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Period;
import jdk.jfr.StackTrace;
import jdk.jfr.Threshold;
import jdk.jfr.Timespan;
import org.jspecify.annotations.Nullable;

/**
 * The events of loops and tasks in the JVM's flight recorder; must only be touched if {@link Flight#PRESENT}. It
 * receives names and numbers, and does not know loops or tasks. From any thread.
 *
 * <p>An event that is not recorded costs nothing: its {@code isEnabled} is then a constant in compiled code.
 */
@SuppressWarnings("unused") // the recorder reads the fields of events
final class FlightEvents {
    private static final TaskEnd TASK_END = new TaskEnd();
    private static final Cancel CANCEL = new Cancel();
    private static final LoopLag LOOP_LAG = new LoopLag();
    private static final SlowStepEvent SLOW_STEP = new SlowStepEvent();

    /** Whether the periodic events have been registered. */
    private static volatile boolean offered;

    private FlightEvents() {}

    // ---- tasks

    /** Returns an event that has begun; to be asked for if {@link #wantsTaskEnd}. */
    static TaskRecord taskBegins(@Nullable String givenName) {
        TaskEnd event = new TaskEnd();
        event.name = givenName;
        event.begin();
        return event;
    }

    static boolean wantsTaskEnd() {
        return TASK_END.isEnabled();
    }

    /**
     * Records the end of a task.
     *
     * @param begun what {@link #taskBegins} has returned; null for a task that is older than the recording
     */
    static void taskEnds(@Nullable TaskRecord begun, String loop, long id, String name, String outcome) {
        TaskEnd event = begun == null ? new TaskEnd() : (TaskEnd) begun;
        event.loop = loop;
        event.id = id;
        event.name = name;
        event.outcome = outcome;
        event.stepEnds(); // the last one, which is under way still
        event.commit();
    }

    static boolean wantsCancel() {
        return CANCEL.isEnabled();
    }

    static void cancel(String loop, long id, String name, @Nullable String by, @Nullable String message) {
        Cancel event = new Cancel();
        event.loop = loop;
        event.id = id;
        event.name = name;
        event.by = by;
        event.message = message;
        event.commit();
    }

    static void taskSnapshot(
            String loop, long id, String name, @Nullable String awaits, String awaiters, @Nullable String topFrame) {
        TaskSnapshot event = new TaskSnapshot();
        event.loop = loop;
        event.id = id;
        event.name = name;
        event.awaits = awaits;
        event.awaiters = awaiters;
        event.topFrame = topFrame;
        event.commit();
    }

    // ---- loops

    static boolean wantsSlowSteps() {
        return SLOW_STEP.isEnabled();
    }

    static void slowStep(String loop, @Nullable String task, long nanos, List<StackTraceElement> stack) {
        SlowStepEvent event = new SlowStepEvent();
        event.loop = loop;
        event.task = task;
        event.took = nanos;
        event.stack = Flight.text(stack);
        event.commit();
    }

    static void stuck(String loop, String kind, long nanos, List<StackTraceElement> stack) {
        Stuck event = new Stuck();
        event.loop = loop;
        event.kind = kind;
        event.lasted = nanos;
        event.stack = Flight.text(stack);
        event.commit();
    }

    static boolean wantsLag() {
        return LOOP_LAG.isEnabled();
    }

    /** Returns an event that has begun. */
    static Object lagBegins() {
        LoopLag event = new LoopLag();
        event.begin();
        return event;
    }

    static void lagEnds(Object begun, String loop, int queued) {
        LoopLag event = (LoopLag) begun;
        event.loop = loop;
        event.queued = queued;
        event.commit();
    }

    static void loopStatistics(String loop, LoopStatistics numbers) {
        LoopStatisticsEvent event = new LoopStatisticsEvent();
        event.loop = loop;
        event.tasks = numbers.tasks();
        event.ready = numbers.ready();
        event.timers = numbers.timers();
        event.channels = numbers.channels();
        event.connections = numbers.connections();
        event.children = numbers.children();
        event.ticks = numbers.ticks();
        event.polls = numbers.polls();
        event.executorActive = numbers.executorActive();
        event.executorQueued = numbers.executorQueued();
        event.commit();
    }

    /**
     * Registers the periodic events, once per process, and not before the recorder is in use: its first use loads
     * hundreds of classes.
     */
    static void offerPeriodic(Runnable tasks, Runnable loops) {
        if (!offered && FlightRecorder.isInitialized()) {
            offer(tasks, loops);
        }
    }

    /** A concurrent call waits until the registration is done. */
    private static synchronized void offer(Runnable tasks, Runnable loops) {
        if (!offered) {
            FlightRecorder.addPeriodicEvent(TaskSnapshot.class, tasks);
            FlightRecorder.addPeriodicEvent(LoopStatisticsEvent.class, loops);
            offered = true;
        }
    }

    // ---- mistakes

    static void exceptionUnhandled(
            String loop, String message, @Nullable Throwable exception, List<StackTraceElement> origin) {
        fill(new ExceptionUnhandled(), loop, message, exception, origin);
    }

    static void neverRetrieved(String loop, String message, Throwable exception, List<StackTraceElement> origin) {
        fill(new NeverRetrieved(), loop, message, exception, origin);
    }

    private static void fill(
            Mistake event, String loop, String message, @Nullable Throwable exception, List<StackTraceElement> origin) {
        if (event.isEnabled()) {
            event.loop = loop;
            event.message = message;
            event.exception = exception == null ? null : exception.getClass().getName();
            event.exceptionMessage = exception == null ? null : Log.message(exception);
            event.origin = Flight.text(origin);
            event.commit();
        }
    }

    static void neverAwaited(String loop, String message, List<StackTraceElement> origin) {
        NeverAwaited event = new NeverAwaited();
        event.loop = loop;
        event.message = message;
        event.origin = Flight.text(origin);
        event.commit();
    }

    static void permitDropped(String message) {
        PermitDropped event = new PermitDropped();
        event.message = message;
        event.commit();
    }

    // ---- the events

    @Category("asyncio")
    @StackTrace(false)
    private abstract static class OfLoop extends Event {
        @Label("Event Loop")
        @Nullable String loop;
    }

    @Name("asyncio.TaskEnd")
    @Label("Task End")
    @Description("A task ended; its duration is from its creation, if that was recorded as well")
    @Enabled(false)
    private static final class TaskEnd extends OfLoop implements TaskRecord {
        @Label("Task Id")
        long id;

        @Label("Task Name")
        @Nullable String name;

        @Label("Outcome")
        @Description("result, exception or cancelled")
        @Nullable String outcome;

        @Label("Steps")
        @Description("The times that it had the loop, if its creation was recorded as well")
        int steps;

        @Label("Run Time")
        @Description("The time that its steps took")
        @Timespan(Timespan.NANOSECONDS)
        long runNanos;

        /** The beginning of the step under way; 0 between steps. No field of the event. */
        private transient long stepBegan;

        @Override
        public @Nullable String givenName() {
            return name;
        }

        @Override
        public void rename(String name) {
            this.name = name;
        }

        @Override
        public void stepBegins() {
            steps++;
            stepBegan = System.nanoTime();
        }

        @Override
        public void stepEnds() {
            if (stepBegan != 0) {
                runNanos += System.nanoTime() - stepBegan;
                stepBegan = 0;
            }
        }
    }

    @Name("asyncio.Cancel")
    @Label("Task Cancellation")
    @Description("The cancellation of a task was requested")
    @Enabled(false)
    private static final class Cancel extends OfLoop {
        @Label("Task Id")
        long id;

        @Label("Task Name")
        @Nullable String name;

        @Label("By")
        @Description("The task that requested it, if one did")
        @Nullable String by;

        @Label("Message")
        @Nullable String message;
    }

    @Name("asyncio.TaskSnapshot")
    @Label("Task Snapshot")
    @Description("A task that has not ended")
    @Enabled(false)
    @Period("everyChunk")
    private static final class TaskSnapshot extends OfLoop {
        @Label("Task Id")
        long id;

        @Label("Task Name")
        @Nullable String name;

        @Label("Awaits")
        @Nullable String awaits;

        @Label("Awaiter Ids")
        @Nullable String awaiters;

        @Label("Top Frame")
        @Description("The line of its body that awaits")
        @Nullable String topFrame;
    }

    @Name("asyncio.SlowStep")
    @Label("Slow Step")
    @Description("A step kept the loop for longer than its slow-callback duration")
    private static final class SlowStepEvent extends OfLoop {
        @Label("Task Name")
        @Description("Null for a callback or the handling of IO")
        @Nullable String task;

        @Label("Took")
        @Description("To about 50 ms")
        @Timespan(Timespan.NANOSECONDS)
        long took;

        @Label("Stack")
        @Nullable String stack;
    }

    @Name("asyncio.Stuck")
    @Label("Stuck Loop")
    @Description("A loop makes no progress")
    private static final class Stuck extends OfLoop {
        @Label("Kind")
        @Description("step, or unclaimed if its thread does not get to run")
        @Nullable String kind;

        @Label("Lasted")
        @Timespan(Timespan.NANOSECONDS)
        long lasted;

        @Label("Stack")
        @Nullable String stack;
    }

    @Name("asyncio.LoopLag")
    @Label("Loop Lag")
    @Description("A callback waited for its turn; one probe a second")
    @Threshold("20 ms")
    private static final class LoopLag extends OfLoop {
        @Label("Ready Queue")
        int queued;
    }

    @Name("asyncio.LoopStatistics")
    @Label("Loop Statistics")
    @Period("10 s")
    private static final class LoopStatisticsEvent extends OfLoop {
        @Label("Tasks")
        int tasks;

        @Label("Ready Queue")
        int ready;

        @Label("Timers")
        int timers;

        @Label("Channels")
        int channels;

        @Label("Connections")
        int connections;

        @Label("Child Processes")
        int children;

        @Label("Ticks")
        long ticks;

        @Label("Polls")
        long polls;

        @Label("Executor Functions Running")
        int executorActive;

        @Label("Executor Functions Waiting")
        int executorQueued;
    }

    private abstract static class Mistake extends OfLoop {
        @Label("Message")
        @Nullable String message;

        @Label("Exception")
        @Nullable String exception;

        @Label("Exception Message")
        @Nullable String exceptionMessage;

        @Label("Origin")
        @Description("The place that made the task or callback, in debug mode")
        @Nullable String origin;
    }

    @Name("asyncio.ExceptionUnhandled")
    @Label("Exception Unhandled")
    private static final class ExceptionUnhandled extends Mistake {}

    @Name("asyncio.NeverRetrieved")
    @Label("Exception Never Retrieved")
    private static final class NeverRetrieved extends Mistake {}

    @Name("asyncio.NeverAwaited")
    @Label("Coroutine Never Awaited")
    private static final class NeverAwaited extends OfLoop {
        @Label("Message")
        @Nullable String message;

        @Label("Origin")
        @Nullable String origin;
    }

    @Name("asyncio.PermitDropped")
    @Label("Permit Dropped")
    @Category("asyncio")
    @StackTrace(false)
    private static final class PermitDropped extends Event {
        @Label("Message")
        @Nullable String message;
    }
}
