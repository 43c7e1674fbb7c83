package asyncio.testkit;

import static asyncio.Asyncio.async;

import asyncio.Body;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Leftover;
import asyncio.Leftovers;
import asyncio.Log;
import asyncio.Task;
import asyncio.ValueBody;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * An {@link EventLoop} for tests, with a clock that jumps to the next timer whenever nothing else can happen: nothing
 * is ready, no socket has data, no other thread works for the loop. An hour of sleep takes microseconds. Each loop has
 * its own clock, so tests can run in parallel.
 *
 * <p>It runs in debug mode. A program that waits for something that can never happen fails immediately with a
 * {@link DeadlockError}; {@link #close} fails with a {@link LeakError} if something was left behind. Under JUnit,
 * {@link AsyncioTest} does all this.
 *
 * <pre>{@code
 * try (VirtualTimeLoop time = VirtualTimeLoop.create()) {
 *     time.run(() -> {
 *         await(sleep(Duration.ofHours(1)));
 *         assertEquals(Duration.ofHours(1), time.clock().now());
 *     });
 * }
 * }</pre>
 *
 * <p><b>Threading.</b> Use it from one thread at a time, which must not run a loop, and which waits while this runs.
 * The loop runs on another thread.
 *
 * <p>asyncio has no equivalent; compare trio's {@code MockClock} with {@code autojump_threshold}.
 */
public final class VirtualTimeLoop implements AutoCloseable {
    /** The time left for running code when a phase has taken too long or a test has ended. */
    private static final Duration LAST_MOMENT = Duration.ofSeconds(2);

    static {
        BufferWatch.install();
    }

    private final String name;
    private final Duration realLimit;
    private final Set<Leftover.Kind> ignored;
    private final ThreadWatch threads = new ThreadWatch();
    private final TestMonitor monitor;
    private final EventLoop loop;
    private final TestClock clock;
    private final long start = System.nanoTime();
    /** The thread that executes the body of {@link #run}. */
    private volatile @Nullable Thread body;
    /** Whether its thread never returned. */
    private boolean abandoned;

    private boolean closed;

    private VirtualTimeLoop(Builder builder) {
        Long seed = builder.seed;
        name = builder.name + (seed == null ? "" : " (seed " + seed + ")");
        realLimit = builder.realLimit;
        ignored = builder.ignored.clone();
        MockTicker ticker = Ticker.newMockTicker();
        monitor = new TestMonitor(ticker, name, builder.ioGrace, builder.virtualLimit);
        var parts = EventLoop.builder().clock(ticker).monitor(monitor);
        loop = (seed == null ? parts : parts.seed(seed)).build();
        loop.setDebug(true);
        loop.setExceptionHandler((l, what) -> monitor.reported(what));
        clock = new TestClock(loop, monitor);
        BufferWatch.begin(loop);
    }

    /** Creates a loop with the default settings. */
    public static VirtualTimeLoop create() {
        return builder().build();
    }

    /** Returns a builder for other settings. */
    public static Builder builder() {
        return new Builder();
    }

    /** Builds a {@link VirtualTimeLoop}; not thread-safe. */
    public static final class Builder {
        private String name = "the test";
        private @Nullable Long seed;
        private Duration virtualLimit = Duration.ofDays(1);
        private Duration realLimit = Duration.ofMinutes(1);
        private Duration ioGrace = Duration.ofMillis(1);
        private final EnumSet<Leftover.Kind> ignored = EnumSet.noneOf(Leftover.Kind.class);

        private Builder() {}

        /** Sets the name used in reports. */
        public Builder name(String name) {
            this.name = Objects.requireNonNull(name, "name");
            return this;
        }

        /**
         * Sets the seed of a schedule as in {@link Schedules}; the same seed always gives the same schedule. Without
         * one, and with seed 0, tasks run in the order in which they became ready, and timers are on time.
         */
        public Builder seed(long seed) {
            this.seed = seed;
            return this;
        }

        /** Sets the total virtual time that may pass before {@code run} fails; a day by default. */
        public Builder virtualLimit(Duration limit) {
            this.virtualLimit = Objects.requireNonNull(limit, "limit");
            return this;
        }

        /** Sets the total real time that may pass before {@code run} fails; a minute by default. */
        public Builder realLimit(Duration limit) {
            this.realLimit = Objects.requireNonNull(limit, "limit");
            return this;
        }

        /**
         * Sets the real time for which open sockets must be quiet before time jumps; a millisecond by default. Raise it
         * for peers outside the loop, such as other processes. Without open sockets, time jumps immediately.
         */
        public Builder ioGrace(Duration grace) {
            this.ioGrace = Objects.requireNonNull(grace, "grace");
            return this;
        }

        /** Adds kinds of leftovers that {@link #close} ignores. */
        public Builder ignoreLeaks(Leftover.Kind... kinds) {
            ignored.addAll(List.of(kinds));
            return this;
        }

        /** Builds the loop. */
        public VirtualTimeLoop build() {
            return new VirtualTimeLoop(this);
        }
    }

    /** Returns the loop, which runs during {@link #run} and similar methods. */
    public EventLoop loop() {
        return loop;
    }

    /** Returns its clock. */
    public TestClock clock() {
        return clock;
    }

    /**
     * Returns the loop as a scheduler for Reactor's operators: {@code Mono.delay(d, time.scheduler())} uses virtual
     * time.
     */
    public Scheduler scheduler() {
        return loop.scheduler();
    }

    // ---- running

    /**
     * Runs a body, and returns its result. Its exceptions are thrown unchanged.
     *
     * @throws DeadlockError if it waits for something that can never happen
     * @throws TimeLimitError if it exceeds a time limit
     */
    public <T extends @Nullable Object> T run(Callable<T> main) throws Exception {
        Objects.requireNonNull(main, "main");
        return run(async(interruptible(main)));
    }

    /** Wraps a body so that its thread is interrupted if it takes too long. */
    <T extends @Nullable Object> Callable<T> interruptible(Callable<T> main) {
        return () -> {
            body = Thread.currentThread();
            try {
                return main.call();
            } finally {
                body = null;
            }
        };
    }

    /** Like {@link #run(Callable)}, for a lambda. */
    public <T extends @Nullable Object> T run(ValueBody<T> main) throws Exception {
        return run((Callable<T>) main);
    }

    /**
     * Like {@link #run(Callable)}, for a body without a result.
     *
     * @param none nothing: it keeps Kotlin's trailing lambdas, and Scala's lambdas, from selecting this overload, which
     *     loses a value
     */
    public void run(Body main, Void... none) throws Exception {
        Objects.requireNonNull(main, "main");
        this.<@Nullable Void>run(() -> {
            main.run();
            return null;
        });
    }

    /** Like {@link #run(Callable)}, for any Mono; null if it is empty. */
    @SuppressWarnings("NullAway") // an empty Mono is null to a caller whose T admits it
    public <T extends @Nullable Object> T run(Mono<T> main) throws Exception {
        checkMayRun();
        Objects.requireNonNull(main, "main");
        return inPhase(() -> {
            monitor.runForTask();
            return runTask(loop.createTask(main, name));
        });
    }

    private <T> @Nullable T runTask(Task<T> task) throws Exception {
        try {
            return loop.runUntilComplete(task);
        } catch (Error e) {
            if (task.done() && !task.cancelled()) {
                task.exception(); // it is being thrown: mark it as retrieved
            }
            throw e;
        }
    }

    /**
     * Lets virtual time pass: everything due within it happens, each at its time. For tests that do not run as a body;
     * in a body, use {@code await(clock.advance(time))}.
     *
     * @throws TimeLimitError as in {@link #run(Callable)}
     */
    public void advance(Duration time) {
        Objects.requireNonNull(time, "time");
        checkMayRun();
        runForTime(loop.time().plus(time));
    }

    /**
     * Runs until nothing is ready and no timer is left. For tests that do not run as a body.
     *
     * <pre>{@code
     * StepVerifier verifier = StepVerifier.create(Mono.delay(Duration.ofHours(1), time.scheduler()))
     *         .expectNext(0L)
     *         .expectComplete()
     *         .verifyLater();
     * time.runUntilIdle();
     * verifier.verify(Duration.ZERO);
     * }</pre>
     *
     * @throws TimeLimitError as in {@link #run(Callable)}; code that sets timer after timer never becomes idle
     */
    public void runUntilIdle() {
        checkMayRun();
        runForTime(null);
    }

    private void runForTime(@Nullable Duration until) {
        try {
            inPhase(() -> {
                monitor.runForTime(until);
                loop.runForever();
                return null;
            });
        } catch (Exception e) {
            throw new IllegalStateException("runForever throws no checked exception", e);
        }
    }

    private void checkMayRun() {
        if (closed || abandoned) {
            throw new IllegalStateException(name + (closed ? " is closed" : " was abandoned: its loop did not return"));
        }
        if (EventLoop.runningOrNull() != null) {
            throw new IllegalStateException(
                    "A VirtualTimeLoop blocks its caller, which must not be a running loop: await in the body instead");
        }
    }

    private <T> @Nullable T inPhase(Callable<? extends @Nullable T> phase) throws Exception {
        LoopPhase<T> running = new LoopPhase<>(name, phase);
        try {
            if (!running.awaitEnd(realLimit.minusNanos(System.nanoTime() - start))) {
                TimeLimitError error = monitor.tookTooLong(loop, realLimit);
                giveUp(running);
                throw error;
            }
        } catch (InterruptedException e) {
            AssertionError error = monitor.interrupted(loop, e);
            giveUp(running);
            Thread.currentThread().interrupt();
            throw error;
        }
        try {
            return running.result();
        } catch (Throwable e) {
            throw sneaky(e);
        }
    }

    /** Stops a run if possible; otherwise its loop cannot be used any more. */
    private void giveUp(LoopPhase<?> running) {
        loop.stop();
        Thread blocked = body;
        if (blocked != null) {
            blocked.interrupt();
        }
        try {
            abandoned = !running.awaitEnd(LAST_MOMENT);
        } catch (InterruptedException e) {
            abandoned = true;
            Thread.currentThread().interrupt();
        }
    }

    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    static <E extends Throwable> RuntimeException sneaky(Throwable e) throws E {
        throw (E) e;
    }

    // ---- the end

    /**
     * Ends any leftovers, closes the loop, and reports. Calling it again does nothing.
     *
     * @throws LeakError if something was left behind: tasks, coroutines that were not awaited, exceptions that were
     *     never retrieved, permits, connections, processes, buffers, threads
     */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        checkMayClose();
        closed = true;
        List<Leftover> left = new ArrayList<>();
        String when = name + " at virtual time " + clock.now();
        boolean interrupted = Thread.interrupted(); // a request to end the test, which is ending
        try {
            boolean wasAbandoned = abandoned;
            if (!wasAbandoned) {
                endLoop(left);
            }
            left.addAll(BufferWatch.end(loop));
            left.addAll(threads.end());
            if (wasAbandoned) {
                return; // the cause has been reported, and everything else follows from it
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        left.removeIf(leftover -> ignored.contains(leftover.kind()));
        if (!left.isEmpty()) {
            throw new LeakError(when, left);
        }
    }

    private void checkMayClose() {
        if (EventLoop.runningOrNull() != null) {
            throw new IllegalStateException("A VirtualTimeLoop cannot be closed in a running loop");
        }
    }

    private void endLoop(List<Leftover> left) {
        LoopPhase<Void> settling = new LoopPhase<>(name, () -> {
            monitor.runForTime(loop.time());
            loop.runForever();
            return null;
        });
        try {
            if (!settling.awaitEnd(LAST_MOMENT)) {
                loop.stop(); // a thread works for the loop, and holds the time
            }
            LoopPhase<Void> ending = new LoopPhase<>(name, () -> {
                settling.awaitEnd(realLimit);
                end(left);
                return null;
            });
            if (!ending.awaitEnd(realLimit)) {
                left.add(new Leftover(
                        Leftover.Kind.TASK, "The loop does not return:\n" + loop.dumpTasks(), null, List.of()));
                abandoned = true;
                return;
            }
            settling.result();
            ending.result();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            abandoned = true;
        } catch (Throwable e) {
            left.add(new Leftover(
                    Leftover.Kind.EXCEPTION, "The loop failed at the end of the test: " + Log.text(e), e, List.of()));
        }
    }

    private void end(List<Leftover> left) throws Exception {
        try {
            Set<Task<?>> pending = loop.allTasks();
            if (!pending.isEmpty() && !monitor.stuck()) {
                left.add(new Leftover(Leftover.Kind.TASK, withoutHeading(loop.dumpTasks()), null, List.of()));
            }
            if (!monitor.stuck()) {
                left.addAll(Leftovers.open(loop));
            }
            List<Leftover> forgotten = Leftovers.takeForgotten(loop);
            cancel(pending, left);
            loop.runUntilComplete(loop.shutdownDefaultExecutor(LAST_MOMENT));
            left.addAll(forgotten);
            left.addAll(monitor.forgotten());
            Leftovers.takeForgotten(loop).stream()
                    .filter(leftover -> leftover.kind() == Leftover.Kind.EXCEPTION)
                    .forEach(left::add);
        } finally {
            loop.setExceptionHandler((l, what) -> {}); // everything pending now has been reported
            loop.close();
            left.addAll(monitor.reported());
        }
    }

    private static String withoutHeading(String dump) {
        return dump.substring(dump.indexOf('\n') + 1);
    }

    /** Cancels the tasks and lets their clean-up run, like the end of {@code Asyncio.run}. */
    private void cancel(Set<Task<?>> pending, List<Leftover> left) {
        Future.cancelAll(pending, null);
        monitor.runForTask();
        for (Task<?> task : pending) {
            try {
                runTask(task);
            } catch (CancelledException e) {
                // expected
            } catch (DeadlockError | TimeLimitError e) {
                left.add(new Leftover(
                        Leftover.Kind.TASK,
                        "Tasks that were cancelled at the end of the test and do not end:\n"
                                + withoutHeading(loop.dumpTasks()),
                        null,
                        List.of()));
                return;
            } catch (Throwable e) {
                left.add(new Leftover(
                        Leftover.Kind.EXCEPTION,
                        "Task " + task.getName() + " failed when it was cancelled at the end of the test: "
                                + Log.text(e),
                        e,
                        List.of()));
            }
        }
    }

    /** {@code <VirtualTimeLoop the test at PT1H>}. */
    @Override
    public String toString() {
        return "<VirtualTimeLoop " + name + " at " + clock.now() + ">";
    }
}
