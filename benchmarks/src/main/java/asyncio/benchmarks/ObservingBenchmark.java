package asyncio.benchmarks;

import asyncio.EventLoop;
import asyncio.LoopListener;
import asyncio.Task;
import java.util.concurrent.TimeUnit;
import jdk.jfr.Recording;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import reactor.core.publisher.Mono;

/** A short task without an observer, and while its end is recorded or reported. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@State(Scope.Thread)
public class ObservingBenchmark {
    private static final int TASKS = 10_000;

    /**
     * The observer, if any: a recording with the default events, one with {@code asyncio.TaskEnd} too, the same with
     * stacks, or a listener.
     */
    @Param({"nothing", "recording", "taskEnd", "taskEndWithStack", "listener"})
    public String observer = "nothing";

    private final EventLoop loop = EventLoop.newEventLoop();
    private @Nullable Recording recording;
    private int ran;

    @Setup
    public void begin() {
        if (observer.equals("listener")) {
            loop.addListener(new Counter());
        } else if (!observer.equals("nothing")) {
            Recording recording = new Recording();
            this.recording = recording;
            recording.setMaxSize(50_000_000);
            if (observer.equals("taskEnd")) {
                recording.enable("asyncio.TaskEnd");
            } else if (observer.equals("taskEndWithStack")) {
                recording.enable("asyncio.TaskEnd").withStackTrace();
            }
            recording.start();
        }
    }

    @TearDown
    public void end() {
        if (recording != null) {
            recording.close();
        }
        loop.close();
    }

    private static final class Counter implements LoopListener {
        private long ended;

        @Override
        public void taskEnded(Task<?> task, Outcome outcome, @Nullable Throwable exception) {
            ended++;
        }

        @Override
        public String toString() {
            return ended + " tasks";
        }
    }

    /** Creates a task of an existing Mono, and runs it to its end. */
    @Benchmark
    @OperationsPerInvocation(TASKS)
    public int observedTask() {
        ran = 0;
        for (int i = 0; i < TASKS; i++) {
            loop.createTask(Mono.fromSupplier(() -> ++ran));
        }
        loop.callSoon(loop::stop);
        loop.runForever();
        if (ran != TASKS) {
            throw new IllegalStateException(ran + " tasks ran, of " + TASKS);
        }
        return ran;
    }
}
