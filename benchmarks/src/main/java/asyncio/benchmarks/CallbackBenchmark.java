package asyncio.benchmarks;

import asyncio.EventLoop;
import asyncio.TimerHandle;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;

/** Callbacks and timers of a loop, without tasks. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class CallbackBenchmark {
    private static final int BATCH = 1_000_000;
    private static final int CHAIN = 100_000;
    private static final int THREADSAFE = 200_000;
    private static final int TIMERS = 100_000;

    /** Schedules a million callbacks, then runs them in one tick. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public int callSoonBatch(LoopState state) {
        Runnable callback = state::tick;
        state.loop.callSoon(() -> {
            for (int i = 0; i < BATCH; i++) {
                state.loop.callSoon(callback);
            }
            state.loop.callSoon(state.loop::stop);
        });
        state.loop.runForever();
        return state.count;
    }

    /** Each callback schedules the next: one per tick, each tick polls IO. */
    @Benchmark
    @OperationsPerInvocation(CHAIN)
    public int callSoonChain(LoopState state) {
        Runnable link = new Runnable() {
            @Override
            public void run() {
                if (++state.count < CHAIN) {
                    state.loop.callSoon(this);
                } else {
                    state.loop.stop();
                }
            }
        };
        state.loop.callSoon(link);
        state.loop.runForever();
        return state.count;
    }

    /** Another thread schedules while the loop runs; the time until the last callback has run. */
    @Benchmark
    @OperationsPerInvocation(THREADSAFE)
    public int callSoonThreadsafe(LoopState state) throws InterruptedException {
        EventLoop loop = state.loop;
        Runnable callback = state::tick;
        Thread producer = new Thread(() -> {
            for (int i = 0; i < THREADSAFE; i++) {
                loop.callSoonThreadsafe(callback);
            }
            loop.callSoonThreadsafe(loop::stop);
        });
        loop.callSoon(producer::start);
        loop.runForever();
        producer.join();
        return state.count;
    }

    /** Schedules timers that are far away and all different, then cancels them. */
    @Benchmark
    @OperationsPerInvocation(TIMERS)
    public int callLaterCancel(LoopState state) {
        EventLoop loop = state.loop;
        loop.callSoon(() -> {
            TimerHandle[] timers = new TimerHandle[TIMERS];
            for (int i = 0; i < TIMERS; i++) {
                timers[i] = loop.callLater(Duration.ofMillis(1_000_000 + i), state::tick);
            }
            for (TimerHandle timer : timers) {
                timer.cancel();
            }
            loop.stop();
        });
        loop.runForever();
        return state.count;
    }
}
