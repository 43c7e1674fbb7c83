package asyncio.benchmarks;

import asyncio.EventLoop;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** A loop that the benchmark's thread runs, once or more in each invocation. */
@State(Scope.Thread)
public class LoopState {
    EventLoop loop = EventLoop.newEventLoop();
    int count;

    /** Counts a callback, so that none is optimized away. */
    void tick() {
        count++;
    }

    @Setup(Level.Invocation)
    public void reset() {
        count = 0;
    }

    @TearDown(Level.Trial)
    public void close() {
        loop.close();
    }
}
