package asyncio.benchmarks;

import java.util.concurrent.TimeUnit;
import jdk.jfr.Category;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.EventSettings;
import jdk.jfr.Name;
import jdk.jfr.Recording;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.CompilerControl;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * The JDK's own cost of an event like {@code asyncio.TaskEnd}: the floor under what {@link ObservingBenchmark} takes
 * for that. As many events are under way as there are tasks there, with the same fields, clock readings and names.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@State(Scope.Thread)
public class EventFloorBenchmark {
    private static final int EVENTS = 10_000;
    private static final String EVENT = "asyncio.benchmarks.Floor";

    /** The recording: none, one of the event, one with its stack. */
    @Param({"nothing", "event", "eventWithStack"})
    public String observer = "nothing";

    /** The frames below the commit; a task that ends has about 20 of its loop's. */
    @Param({"0", "20"})
    public int depth;

    private final Floor[] underWay = new Floor[EVENTS];
    private @Nullable Recording recording;
    private long id;

    @Name(EVENT)
    @Category("asyncio")
    @StackTrace(false)
    @Enabled(false)
    @SuppressWarnings("unused") // the recorder reads the fields
    private static final class Floor extends Event {
        @Nullable String loop;

        long id;

        @Nullable String name;

        @Nullable String outcome;

        int steps;

        @Timespan(Timespan.NANOSECONDS)
        long runNanos;
    }

    @Setup
    public void begin() {
        if (!observer.equals("nothing")) {
            Recording recording = new Recording();
            this.recording = recording;
            recording.setMaxSize(50_000_000);
            EventSettings settings = recording.enable(EVENT);
            if (observer.equals("eventWithStack")) {
                settings.withStackTrace();
            }
            recording.start();
        }
    }

    @TearDown
    public void end() {
        if (recording != null) {
            recording.close();
        }
    }

    /** Begins an event, and commits it later. */
    @Benchmark
    @OperationsPerInvocation(EVENTS)
    public long eventFloor() {
        for (int i = 0; i < EVENTS; i++) {
            Floor event = new Floor();
            event.begin();
            underWay[i] = event;
        }
        return below(depth);
    }

    @CompilerControl(CompilerControl.Mode.DONT_INLINE)
    private long below(int frames) {
        if (frames > 0) {
            return below(frames - 1) + 1;
        }
        for (int i = 0; i < EVENTS; i++) {
            commit(underWay[i]);
        }
        return id;
    }

    private void commit(Floor event) {
        if (event.isEnabled()) {
            long begun = System.nanoTime();
            event.loop = "asyncio-1";
            event.id = ++id;
            event.name = "Task-" + id;
            event.outcome = "result";
            event.steps = 1;
            event.runNanos = System.nanoTime() - begun;
            event.commit();
        }
    }
}
