package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;

import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Leftovers;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/**
 * The clock of a test. It stands still while anything is ready, IO is under way or another thread works for the loop,
 * and then jumps to the next timer automatically; so a test needs {@link #advance} only to look at the state between
 * two timers.
 *
 * <pre>{@code
 * @AsyncioTest
 * void retriesAfterASecond(TestClock clock) throws Exception {
 *     Task<Reply> task = createTask(client.fetch());
 *     await(clock.advance(Duration.ofMillis(999)));
 *     assertEquals(1, server.requests());
 *     await(clock.advance(Duration.ofMillis(1)));
 *     assertEquals(2, server.requests());
 *     await(task);
 * }
 * }</pre>
 *
 * <p><b>Threading.</b> {@link #now} and {@link #hold} may be called from any thread; the Monos are for the test's loop.
 */
public final class TestClock {
    private final EventLoop loop;
    private final TestMonitor monitor;
    private final Duration start;

    TestClock(EventLoop loop, TestMonitor monitor) {
        this.loop = loop;
        this.monitor = monitor;
        this.start = loop.time();
    }

    /** Returns the virtual time that has passed since the loop was created. */
    public Duration now() {
        return loop.time().minus(start);
    }

    /**
     * Lets virtual time pass: everything due within it happens, each at its time, and the subscriber resumes after
     * that. Nothing happens until subscription; cancelling only ends the wait.
     */
    public Mono<Void> advance(Duration time) {
        Objects.requireNonNull(time, "time");
        return async(() -> {
            sleepExactly(loop, time);
            await(monitor.settled(loop));
        });
    }

    /** Sleeps, in a body; the sleep ends on time under every schedule, after the timers due at the same time. */
    static void sleepExactly(EventLoop loop, Duration time) throws Exception {
        if (time.isZero() || time.isNegative()) {
            await(sleep(time));
            return;
        }
        Future<Void> due = loop.createFuture();
        var timer = loop.netty().schedule(() -> due.trySetResult(null), time.toNanos(), TimeUnit.NANOSECONDS);
        try {
            await(due);
        } finally {
            timer.cancel(false);
        }
    }

    /**
     * Lets everything happen that needs no virtual time to pass. Nothing happens until subscription; cancelling only
     * ends the wait.
     */
    public Mono<Void> settle() {
        return async(() -> {
            await(monitor.settled(loop));
        });
    }

    /**
     * Stops virtual time until the result is disposed of, from any thread, for example while a thread unknown to the
     * loop works for the test. {@code toThread} and {@code runInExecutor} do so automatically.
     */
    public Disposable hold() {
        return loop.holdTime();
    }

    /**
     * Returns a Mono that stops virtual time from its subscription to its end or cancellation: for signals from other
     * threads, such as Reactor's schedulers or a client with its own event loop. Without it, a time limit around the
     * work would expire immediately.
     *
     * <pre>{@code
     * Row row = await(waitFor(clock.hold(database.find(id)), Duration.ofSeconds(5)));
     * }</pre>
     */
    public <T> Mono<T> hold(Mono<T> work) {
        Objects.requireNonNull(work, "work");
        Throwable site = Leftovers.site();
        return Mono.using(() -> loop.holdTime(work, site), held -> work, Disposable::dispose, false);
    }

    /** {@code <TestClock PT1M30S>}. */
    @Override
    public String toString() {
        return "<TestClock " + now() + ">";
    }
}
