package asyncio.benchmarks;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.FutureCallGraph;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import reactor.core.publisher.Mono;

/** Call graphs of a thousand tasks, without stacks. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@State(Scope.Thread)
public class CallGraphBenchmark {
    private static final int TASKS = 1_000;

    private final EventLoop loop = EventLoop.newEventLoop();
    private final Future<Integer> chain = loop.createFuture();
    private final Future<Integer> crowd = loop.createFuture();

    @Setup
    public void start() {
        Mono<Integer> last = chain;
        for (int i = 0; i < TASKS; i++) {
            last = loop.createTask(last);
            loop.createTask(crowd.map(value -> value));
        }
        loop.callSoon(() -> loop.callSoon(loop::stop));
        loop.runForever();
    }

    /** Each task awaits the next one. */
    @Benchmark
    public @Nullable FutureCallGraph callGraphChain() {
        return Asyncio.captureCallGraph(chain, 0);
    }

    /** All await one Future, through an operator. */
    @Benchmark
    public @Nullable FutureCallGraph callGraphCrowd() {
        return Asyncio.captureCallGraph(crowd, 0);
    }

    @TearDown
    public void end() {
        chain.setResult(1);
        crowd.setResult(1);
        loop.callSoon(() -> loop.callSoon(loop::stop));
        while (!loop.allTasks().isEmpty()) {
            loop.stop();
            loop.runForever(); // a tick
        }
        loop.close();
    }
}
