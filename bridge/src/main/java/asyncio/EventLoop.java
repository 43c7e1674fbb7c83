package asyncio;

import io.netty.channel.IoEventLoop;
import io.netty.util.concurrent.MockTicker;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * Runs callbacks, timers, IO and tasks, one at a time, on whichever thread runs the loop. Most programs never touch it:
 * {@link Asyncio#run} makes one, and Monos of this library that are subscribed elsewhere take one of {@link #shared()}.
 *
 * <p>Each pass of the loop, a <em>tick</em>, takes what IO and timers made ready and runs exactly the callbacks that
 * were ready when it began; what they schedule has its turn in the next tick.
 *
 * <p><b>Threading.</b> {@link #callSoonThreadsafe}, {@link #stop}, {@link #createFuture}, {@link #scheduler} and the
 * questions may be used from any thread; the rest belongs to the thread that runs the loop, or that is about to.
 *
 * <p>Times are {@link Duration}s on the loop's own monotonic clock.
 *
 * <pre>{@code
 * EventLoop loop = EventLoop.newEventLoop();
 * loop.callLater(Duration.ofMillis(100), loop::stop);
 * loop.runForever();
 * loop.close();
 * }</pre>
 *
 * <p>asyncio: {@code AbstractEventLoop}.
 */
public final class EventLoop {
    private static final ThreadLocal<@Nullable EventLoop> RUNNING = new ThreadLocal<>();
    private static final AtomicInteger COUNTER = new AtomicInteger();

    static {
        // block() on a thread that runs a loop throws instead of hanging
        Schedulers.registerNonBlockingThreadPredicate(thread -> {
            EventLoop loop = thread == Thread.currentThread() ? runningOrNull() : null;
            return loop != null && loop.core.inEventLoop(thread);
        });
    }

    private final String name = "asyncio-" + COUNTER.incrementAndGet();
    private final Scheduler scheduler;
    final LoopCore core;
    final LoopDriver driver;
    final TaskRegistry tasks = new TaskRegistry();
    private final AtomicBoolean running = new AtomicBoolean();
    /** What its threads get, whichever of them happens to start another. */
    final @Nullable ClassLoader contextClassLoader = Thread.currentThread().getContextClassLoader();

    private @Nullable Task<?> currentTask;
    private ContextView context = Context.empty();
    private volatile @Nullable BiConsumer<? super EventLoop, ? super ExceptionContext> exceptionHandler;
    private @Nullable ThreadExecutor threads;

    EventLoop(EventLoopBuilder builder) {
        core = new LoopCore(builder.ioHandlerFactory(), builder.clock(), builder.order());
        driver = new LoopDriver(this);
        scheduler = new LoopScheduler(this, builder.clock() instanceof MockTicker);
    }

    // ---- making and finding loops

    /**
     * A new loop, with epoll where its native library is at hand and NIO otherwise ({@code -Dasyncio.transport=nio} or
     * {@code epoll} decides).
     */
    public static EventLoop newEventLoop() {
        return builder().build();
    }

    /** A new loop with other than the usual parts. */
    public static EventLoopBuilder builder() {
        return new EventLoopBuilder();
    }

    /**
     * The loop that runs on this thread.
     *
     * @throws IllegalStateException if none does
     */
    public static EventLoop getRunningLoop() {
        EventLoop loop = runningOrNull();
        if (loop == null) {
            throw Misuse.noRunningLoop("getRunningLoop");
        }
        return loop;
    }

    /**
     * The daemon loops, one a processor, on which Monos of this library run that are subscribed where no loop runs.
     * They start with their first use.
     */
    public static SharedLoops shared() {
        return SharedLoops.get();
    }

    /**
     * Cancels all tasks of the shared loops, waits for them to end, and closes the loops. A later use of
     * {@link #shared()} starts afresh. Blocks.
     *
     * @param timeout how long to wait for the tasks; those left after it are destroyed
     * @return whether all tasks ended in time
     * @throws IllegalStateException on a thread that runs a loop
     * @throws IllegalArgumentException if the timeout is negative
     */
    public static boolean shutdownShared(Duration timeout) {
        return SharedLoops.shutdown(timeout);
    }

    static @Nullable EventLoop runningOrNull() {
        return RUNNING.get();
    }

    /**
     * The loop that runs on this thread, or else the next of {@link #shared()}: where a cold Mono of this library does
     * its work. For the authors of such Monos.
     */
    public static EventLoop runningOrShared() {
        EventLoop loop = runningOrNull();
        return loop != null ? loop : shared().next();
    }

    static void setRunning(@Nullable EventLoop loop) {
        if (loop == null) {
            RUNNING.remove();
        } else {
            RUNNING.set(loop);
        }
    }

    // ---- callbacks

    /**
     * Runs a callback in the next tick, after those that were scheduled before it.
     *
     * @throws IllegalStateException if the loop is closed
     */
    public Handle callSoon(Runnable callback) {
        return callSoon(callback, Asyncio.currentContext());
    }

    /**
     * As {@link #callSoon(Runnable)}, with the context that {@link Asyncio#currentContext()} will be in the callback.
     */
    public Handle callSoon(Runnable callback, ContextView context) {
        Handle handle = new Handle(this, Objects.requireNonNull(callback, "callback"), context);
        enqueue(handle);
        return handle;
    }

    /** As {@link #callSoon(Runnable)}, from any thread; wakes the loop. */
    public Handle callSoonThreadsafe(Runnable callback) {
        return callSoon(callback);
    }

    /**
     * Runs a callback after a delay. One that is zero or negative is due at once: such callbacks run in the next tick,
     * in the order of their times.
     *
     * @throws IllegalStateException if the loop is closed
     */
    public TimerHandle callLater(Duration delay, Runnable callback) {
        return schedule(deadline(Objects.requireNonNull(delay, "delay")), callback);
    }

    /**
     * Runs a callback when the loop's clock has come to {@code when}; equal times in the order of scheduling.
     *
     * @throws IllegalStateException if the loop is closed
     */
    public TimerHandle callAt(Duration when, Runnable callback) {
        return schedule(saturatedNanos(Objects.requireNonNull(when, "when")), callback);
    }

    /** The loop's clock: monotonic, from an arbitrary origin. */
    public Duration time() {
        return Duration.ofNanos(core.now());
    }

    private TimerHandle schedule(long deadline, Runnable callback) {
        TimerHandle handle =
                new TimerHandle(this, Objects.requireNonNull(callback, "callback"), Asyncio.currentContext(), deadline);
        if (!core.addTimer(handle.entry)) {
            throw Misuse.loopClosed();
        }
        return handle;
    }

    private void enqueue(Runnable entry) {
        if (!core.enqueue(entry)) {
            throw Misuse.loopClosed();
        }
    }

    /** A delay as a point of the loop's clock, without overflow. */
    long deadline(Duration delay) {
        long now = core.now();
        long nanos = saturatedNanos(delay);
        return nanos > Long.MAX_VALUE - 1 - now ? Long.MAX_VALUE - 1 : now + nanos;
    }

    static long saturatedNanos(Duration duration) {
        try {
            return Math.max(Long.MIN_VALUE / 2, Math.min(duration.toNanos(), Long.MAX_VALUE - 1));
        } catch (ArithmeticException e) {
            return duration.isNegative() ? Long.MIN_VALUE / 2 : Long.MAX_VALUE - 1;
        }
    }

    // ---- running

    /**
     * Runs until {@link #stop}, on this thread.
     *
     * @throws IllegalStateException if the loop is closed or running, or another loop runs on this thread
     */
    public void runForever() {
        checkMayRun();
        if (!running.compareAndSet(false, true)) {
            throw alreadyRunning();
        }
        setRunning(this);
        Watchdog.watch(this);
        try {
            driver.run();
        } finally {
            Watchdog.unwatch(this);
            setRunning(null);
            running.set(false);
        }
    }

    /**
     * Runs until a coroutine or Future is done, and returns its result, null for an empty one. What it throws comes out
     * as it is.
     *
     * @throws IllegalArgumentException for a Future of another loop
     * @throws IllegalStateException if the loop is stopped before that; and as {@link #runForever}
     */
    public <T> @Nullable T runUntilComplete(Mono<? extends T> main) throws Exception {
        checkMayRun();
        Future<T> future = ownFuture(main);
        boolean isNew = future != (Object) main;
        Stopper stopper = new Stopper(this);
        if (!future.addWaiter(stopper)) {
            stopper.resume();
        }
        try {
            runForever();
        } catch (Throwable e) {
            if (isNew && future.done() && !future.cancelled()) {
                future.exception(); // it is on its way out: not to be logged as well
            }
            throw e;
        } finally {
            future.removeWaiter(stopper);
            stopper.active = false;
        }
        if (!future.done()) {
            throw new IllegalStateException(
                    "Event loop stopped before Future completed: " + future + "; stop() was called meanwhile");
        }
        return future.result();
    }

    @SuppressWarnings("unchecked")
    private <T> Future<T> ownFuture(Mono<? extends T> main) {
        if (Objects.requireNonNull(main, "main") instanceof Future<?> future) {
            if (future.getLoop() != null && future.getLoop() != this) {
                throw new IllegalArgumentException("The future belongs to a different loop: " + future + " to "
                        + future.getLoop() + ", not to " + this);
            }
            return (Future<T>) future;
        }
        return createTask(main);
    }

    /** Stops the loop that a Future was run for. */
    private static final class Stopper extends Waiter {
        private final EventLoop loop;
        /** False once the run is over, however it ended: the stop it was for must not end another. */
        private boolean active = true;

        Stopper(EventLoop loop) {
            this.loop = loop;
        }

        @Override
        public void run() {
            if (active) {
                loop.stop();
            }
        }

        @Override
        boolean isInternal() {
            return true;
        }

        @Override
        EventLoop resumesOn() {
            return loop;
        }
    }

    private void checkMayRun() {
        if (core.isClosed()) {
            throw Misuse.loopClosed();
        }
        if (running.get()) {
            throw alreadyRunning();
        }
        if (runningOrNull() != null) {
            throw new IllegalStateException(
                    "Cannot run the event loop while another loop is running on this thread: await the work in a body instead");
        }
    }

    private IllegalStateException alreadyRunning() {
        return new IllegalStateException("This event loop is already running: " + this);
    }

    /**
     * Lets the current tick finish and {@link #runForever} return; before it, makes it run a single tick. From any
     * thread.
     */
    public void stop() {
        if (core.inEventLoop()) {
            core.stopping = true;
        } else if (running.get()) {
            core.enqueue(() -> core.stopping = true); // after what this thread has scheduled before
        } else {
            core.stopping = true;
            core.wakeUp(); // a run may have begun since the line above asked, and be on its way into select
        }
    }

    /** Whether a thread is in {@link #runForever}. */
    public boolean isRunning() {
        return running.get();
    }

    /** Whether {@link #close} has been called. */
    public boolean isClosed() {
        return core.isClosed();
    }

    /**
     * Closes the loop for good: its channels are closed, its callbacks dropped, tasks that are still pending reported
     * and ended. Futures of the loop that are completed later tell their subscribers on the completing thread. Closing
     * twice does nothing.
     *
     * @throws IllegalStateException if the loop is running
     */
    public void close() {
        if (running.get()) {
            throw new IllegalStateException(
                    "Cannot close a running event loop: stop() it first, and close() it when runForever() has returned");
        }
        if (core.isClosed()) {
            return;
        }
        EventLoop outer = runningOrNull();
        setRunning(this);
        try {
            driver.close();
        } finally {
            setRunning(outer);
        }
        ThreadExecutor threads = threadsOrNull();
        if (threads != null) {
            threads.close();
        }
    }

    // ---- futures and tasks

    /** A pending Future that belongs to this loop. */
    public <T> Future<T> createFuture() {
        return new Future<>(this);
    }

    /** As {@link #createTask(Mono, String, ContextView)}, with a generated name and the current context. */
    public <T> Task<T> createTask(Mono<? extends T> coroutine) {
        return createTask(coroutine, null);
    }

    /** As {@link #createTask(Mono, String, ContextView)}, with the current context. */
    public <T> Task<T> createTask(Mono<? extends T> coroutine, @Nullable String name) {
        return createTask(coroutine, name, Asyncio.currentContext());
    }

    /**
     * Starts a coroutine: it is subscribed to, or its body begins, in the next tick. From any thread.
     *
     * @param coroutine any Mono; what {@link Asyncio#async} returns becomes a body
     * @param name the task's name, or null for {@code Task-N}
     * @param context the context that the coroutine sees
     * @throws IllegalStateException if the loop is closed
     */
    public <T> Task<T> createTask(Mono<? extends T> coroutine, @Nullable String name, ContextView context) {
        ColdMono.adopt(Objects.requireNonNull(coroutine, "coroutine"));
        if (core.isClosed() || driver.isClosing()) {
            throw Misuse.loopClosed();
        }
        Task<T> task = coroutine instanceof Coroutine<? extends T> body
                ? new BodyTask<>(this, coroutine, body.body(), name, Context.of(context))
                : new MonoTask<>(this, coroutine, name, Context.of(context));
        tasks.add(task);
        if (!core.enqueue(new TaskStart(task))) {
            tasks.remove(task);
            throw Misuse.loopClosed();
        }
        return task;
    }

    /** The tasks of this loop that are not done. */
    public Set<Task<?>> allTasks() {
        return tasks.snapshot();
    }

    /** The task whose coroutine is taking a step right now; null in a callback or when the loop does not run. */
    public @Nullable Task<?> currentTask() {
        return currentTask;
    }

    // ---- context

    ContextView context() {
        return context;
    }

    /** Makes a context current and returns the one before. */
    ContextView enterContext(ContextView inner) {
        ContextView outer = context;
        leaveContext(inner);
        return outer;
    }

    void leaveContext(ContextView outer) {
        if (context != outer) {
            context = outer; // a write of a reference costs the collector's barrier, a fence with G1
        }
    }

    void enterTask(@Nullable Task<?> task) {
        currentTask = task;
        context = task == null ? Context.empty() : task.getContext();
    }

    // ---- exceptions

    /**
     * Handles exceptions that nobody else sees: of callbacks, of tasks that nobody awaited. Null restores the default,
     * which logs.
     */
    public void setExceptionHandler(@Nullable BiConsumer<? super EventLoop, ? super ExceptionContext> handler) {
        exceptionHandler = handler;
    }

    /** Tells the exception handler; if that fails itself, logs both. Never throws an exception. */
    public void callExceptionHandler(ExceptionContext what) {
        BiConsumer<? super EventLoop, ? super ExceptionContext> handler = exceptionHandler;
        if (handler == null) {
            logException(what);
            return;
        }
        try {
            handler.accept(this, what);
        } catch (Exception e) {
            Log.error("Unhandled error in exception handler of " + this, e);
            logException(what);
        }
    }

    private static void logException(ExceptionContext what) {
        Object about = what.future() != null ? ": " + what.future() : what.handle() != null ? ": " + what.handle() : "";
        Log.error(what.message() + about, what.exception());
    }

    // ---- views

    /**
     * This loop as a Reactor {@link Scheduler}, whose clock is the loop's: {@code publishOn(loop.scheduler())},
     * {@code Mono.delay(d, loop.scheduler())}. Disposing it does nothing.
     */
    public Scheduler scheduler() {
        return scheduler;
    }

    /** This loop as Netty's: for channels, and as the only one of a Reactor Netty {@code LoopResources}. */
    public IoEventLoop netty() {
        return core;
    }

    /** Threads for {@link Asyncio#toThread}; from any thread. */
    synchronized ThreadExecutor threads() {
        ThreadExecutor threads = this.threads;
        if (threads == null) {
            threads = new ThreadExecutor(this);
            this.threads = threads;
        }
        return threads;
    }

    synchronized @Nullable ThreadExecutor threadsOrNull() {
        return threads;
    }

    String name() {
        return name;
    }

    /** {@code <EventLoop asyncio-1 running>}. */
    @Override
    public String toString() {
        return "<EventLoop " + name + (running.get() ? " running" : core.isClosed() ? " closed" : " idle") + ">";
    }
}
