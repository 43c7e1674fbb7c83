package asyncio;

import asyncio.internal.loop.LoopCore;
import asyncio.internal.loop.LoopDriver;
import asyncio.internal.loop.TimeHolds;
import io.netty.channel.IoEventLoop;
import io.netty.util.concurrent.MockTicker;
import java.nio.channels.SelectableChannel;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.concurrent.Queues;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * Runs callbacks, timers, IO and tasks, one at a time, on whichever thread runs the loop. Most programs never touch it:
 * {@link Asyncio#run} makes one, and Monos of this library that are subscribed elsewhere take one of {@link #shared()}.
 *
 * <p>Each pass of the loop, a <em>tick</em>, takes what IO and timers made ready and runs exactly the callbacks that
 * were ready when it began; what they schedule has its turn in the next tick.
 *
 * <p><b>Threading.</b> {@link #callSoon}, {@link #callLater} and {@link #callAt} belong to the thread that runs the
 * loop, or that is about to: in {@link #setDebug debug mode} they throw on any other. So do {@link #runForever} and
 * {@link #close}. The rest may be used from any thread.
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
public final class EventLoop extends Contexts.Running {
    private static final AtomicInteger COUNTER = new AtomicInteger();
    private static final Set<EventLoop> OPEN =
            Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));

    static {
        // block() on a thread that runs a loop throws instead of hanging
        Schedulers.registerNonBlockingThreadPredicate(thread -> {
            EventLoop loop = thread == Thread.currentThread() ? runningOrNull() : null;
            return loop != null && loop.core.inEventLoop(thread);
        });
        ThreadLocals.load();
        Management.begin();
        if (Boolean.getBoolean("asyncio.debug.operators")) {
            trackOperators(true);
        }
    }

    private final String name = "asyncio-" + COUNTER.incrementAndGet();
    private final Scheduler scheduler;
    final LoopCore core;
    final LoopDriver driver;
    final Task.Registry tasks = new Task.Registry();
    final Resources resources = new Resources();
    /** Of {@link Closings}. */
    final Set<Future<?>> closings = ConcurrentHashMap.newKeySet();
    /** Whether a generator that begins now is closed by nobody. */
    volatile boolean generatorsAreClosed;

    final @Nullable LoopMonitor monitor;
    private final AtomicBoolean running = new AtomicBoolean();
    /** The context class loader of its threads, whichever of them happens to start another. */
    final @Nullable ClassLoader contextClassLoader = Thread.currentThread().getContextClassLoader();

    private @Nullable Task<?> currentTask;
    private ContextView context = Context.empty();
    final LoopEvents events = new LoopEvents(this);
    final DefaultExecutor executor = new DefaultExecutor(name, contextClassLoader);
    private volatile @Nullable TaskFactory taskFactory;
    private volatile boolean debug = DebugMode.ENABLED;
    private volatile long slowCallbackNanos = SlowStep.SLOW_CALLBACK_NANOS;

    EventLoop(EventLoopBuilder builder) {
        monitor = builder.monitor();
        core = new LoopCore(
                builder.ioHandlerFactory(),
                builder.clock(),
                builder.seed(),
                Queues.<Runnable>unboundedMultiproducer().get(),
                events,
                events.idle(monitor));
        driver = new LoopDriver(core, events, name, contextClassLoader);
        scheduler = new LoopScheduler(this, builder.clock() instanceof MockTicker);
        OPEN.add(this);
    }

    // ---- making and finding loops

    /**
     * A new loop, made by the {@link #getEventLoopPolicy policy}: with epoll where its native library is at hand and
     * NIO otherwise ({@code -Dasyncio.transport=nio} or {@code epoll} decides).
     */
    public static EventLoop newEventLoop() {
        return DefaultEventLoopPolicy.inUse().newEventLoop();
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
     * The loop that runs on this thread, or else the one that {@link #setEventLoop} has made current on it.
     *
     * @throws IllegalStateException if there is neither
     */
    public static EventLoop getEventLoop() {
        EventLoop loop = runningOrNull();
        return loop != null ? loop : DefaultEventLoopPolicy.inUse().getEventLoop();
    }

    /** Makes a loop the one that {@link #getEventLoop} gives on this thread while none runs; null for none. */
    public static void setEventLoop(@Nullable EventLoop loop) {
        DefaultEventLoopPolicy.inUse().setEventLoop(loop);
    }

    /** Returns the factory of the loops of this process. */
    public static EventLoopPolicy getEventLoopPolicy() {
        return DefaultEventLoopPolicy.inUse();
    }

    /** Changes who makes the loops of this process; null for the policy that it began with. */
    public static void setEventLoopPolicy(@Nullable EventLoopPolicy policy) {
        DefaultEventLoopPolicy.use(policy);
    }

    /**
     * The daemon loops, one a processor, on which Monos of this library run that are subscribed where no loop runs.
     * They start with their first use.
     */
    public static SharedLoops shared() {
        return SharedLoops.get();
    }

    /**
     * Cancels all tasks of the shared loops, waits for them to end, and closes the loops, whoever has
     * {@linkplain SharedLoops#lease leased} them. A later use of {@link #shared()} starts afresh. Blocks.
     *
     * @param timeout how long to wait for the tasks; those left after it are destroyed
     * @return whether all tasks ended in time
     * @throws IllegalStateException on a thread that runs a loop
     * @throws IllegalArgumentException if the timeout is negative
     */
    public static boolean shutdownShared(Duration timeout) {
        return SharedLoops.shutdown(timeout);
    }

    /**
     * The loops of this process that are not closed, whoever made them: for those who look into a program. From any
     * thread; it keeps no loop from being collected.
     *
     * @since 0.1
     */
    public static Set<EventLoop> all() {
        synchronized (OPEN) {
            return new LinkedHashSet<>(OPEN);
        }
    }

    /** The loop that runs on this thread, or null. For the authors of Monos. */
    public static @Nullable EventLoop runningOrNull() {
        return (EventLoop) Contexts.running();
    }

    /**
     * The loop that runs on this thread, or else the next of {@link #shared()}: where a cold Mono of this library does
     * its work. For the authors of such Monos.
     */
    public static EventLoop runningOrShared() {
        EventLoop loop = runningOrNull();
        return loop != null ? loop : shared().next();
    }

    /** Whether debug mode is on for what is made for a loop, or off every loop. */
    static boolean debugs(@Nullable EventLoop loop) {
        return loop == null ? DebugMode.ENABLED : loop.debug;
    }

    /** Returns the place where the caller's caller makes something for a loop, in debug mode. */
    static @Nullable Origin origin(@Nullable EventLoop loop) {
        return debugs(loop) ? new Origin() : null;
    }

    /** Runs an action in a loop's next tick; through the trampoline without a loop, or if it is closed. */
    static void runOrHere(@Nullable EventLoop loop, Runnable action) {
        if (loop == null || !loop.core.enqueue(action)) {
            Trampoline.execute(action);
        }
    }

    static @Nullable LeakOwner leaksOf(@Nullable EventLoop loop) {
        return loop == null ? null : loop.events;
    }

    static @Nullable LoopCore coreOf(@Nullable EventLoop loop) {
        return loop == null ? null : loop.core;
    }

    // ---- callbacks

    /**
     * Runs a callback in the next tick, after those that were scheduled before it.
     *
     * @throws IllegalStateException if the loop is closed; in debug mode also on another thread than the loop's
     */
    public Handle callSoon(Runnable callback) {
        return callSoon(callback, ThreadLocals.current());
    }

    /**
     * As {@link #callSoon(Runnable)}, with the context that {@link Asyncio#currentContext()} will be in the callback.
     */
    public Handle callSoon(Runnable callback, ContextView context) {
        checkThread("callSoon");
        return callSoonThreadsafe(callback, context);
    }

    /** As {@link #callSoon(Runnable)}, from any thread; wakes the loop. */
    public Handle callSoonThreadsafe(Runnable callback) {
        return callSoonThreadsafe(callback, ThreadLocals.current());
    }

    /** As {@link #callSoon(Runnable, ContextView)}, from any thread; wakes the loop. */
    public Handle callSoonThreadsafe(Runnable callback, ContextView context) {
        Handle handle = new Handle(
                this, Objects.requireNonNull(callback, "callback"), Objects.requireNonNull(context, "context"));
        if (!core.enqueue(handle)) {
            throw Misuse.loopClosed();
        }
        return handle;
    }

    /**
     * Runs a callback after a delay. One that is zero or negative is due at once: such callbacks run in the next tick,
     * in the order of their times.
     *
     * @throws IllegalStateException if the loop is closed; in debug mode also on another thread than the loop's
     */
    public TimerHandle callLater(Duration delay, Runnable callback) {
        return callLater(delay, callback, ThreadLocals.current());
    }

    /**
     * As {@link #callLater(Duration, Runnable)}, with the context that {@link Asyncio#currentContext()} will be in the
     * callback.
     */
    public TimerHandle callLater(Duration delay, Runnable callback, ContextView context) {
        checkThread("callLater");
        return schedule(deadline(Objects.requireNonNull(delay, "delay")), callback, context);
    }

    /**
     * Runs a callback when the loop's clock has come to {@code when}; equal times in the order of scheduling.
     *
     * @throws IllegalStateException if the loop is closed; in debug mode also on another thread than the loop's
     */
    public TimerHandle callAt(Duration when, Runnable callback) {
        return callAt(when, callback, ThreadLocals.current());
    }

    /**
     * As {@link #callAt(Duration, Runnable)}, with the context that {@link Asyncio#currentContext()} will be in the
     * callback.
     */
    public TimerHandle callAt(Duration when, Runnable callback, ContextView context) {
        checkThread("callAt");
        return schedule(saturatedNanos(Objects.requireNonNull(when, "when")), callback, context);
    }

    /** A timer, from any thread. */
    TimerHandle schedule(long deadline, Runnable callback, ContextView context) {
        TimerHandle handle = new TimerHandle(
                this,
                Objects.requireNonNull(callback, "callback"),
                Objects.requireNonNull(context, "context"),
                deadline);
        if (!core.addTimer(handle.entry)) {
            throw Misuse.loopClosed();
        }
        return handle;
    }

    private void checkThread(String what) {
        if (debug && running.get() && !core.inEventLoop()) {
            throw Misuse.wrongThread(what, toString());
        }
    }

    /** The loop's clock: monotonic, from an arbitrary origin. */
    public Duration time() {
        return Duration.ofNanos(core.now());
    }

    /**
     * Keeps virtual time from jumping while something is under way that the loop does not know of, a thread that will
     * complete a Future, say, until the result is disposed of, once, from any thread. What goes through
     * {@link #runInExecutor} or {@link Asyncio#toThread} does so by itself. Nothing changes for loops with real time.
     */
    public Disposable holdTime() {
        return hold("a caller of holdTime()", origin(this));
    }

    /**
     * As {@link #holdTime()}, for the authors of things that work by themselves: {@link #dumpTasks} names them.
     *
     * @param holder what says in its {@code toString} what it is
     * @param site what {@link Leftovers#site} gave where it was asked for
     */
    public Disposable holdTime(Object holder, @Nullable Throwable site) {
        return hold(Objects.requireNonNull(holder, "holder"), site);
    }

    private Disposable hold(Object holder, @Nullable Throwable site) {
        TimeHolds.Hold hold = core.hold(holder, site);
        return hold == null ? Disposables.disposed() : new HeldTime(hold);
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
        try {
            OnPlatformThread.runAsCarrier(this::runHere);
        } finally {
            running.set(false);
        }
    }

    private void runHere() {
        try {
            Contexts.setRunning(this);
            SlowStep slowStep = slowStep(CpuTime::of);
            LagProbe lagProbe = events.lagProbe();
            Watchdog.watch(this, nanos -> {
                slowStep.look(nanos);
                lagProbe.look(nanos);
            });
            driver.run();
        } finally {
            Watchdog.unwatch(this);
            Contexts.setRunning(null);
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
        try {
            runUntilDone(List.of(future));
        } catch (Throwable e) {
            if (isNew && future.done() && !future.cancelled()) {
                future.exception(); // it is on its way out: not to be logged as well
            }
            throw e;
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

    /** Runs until all are done, or the loop is stopped otherwise. */
    void runUntilDone(List<? extends Future<?>> futures) {
        if (futures.isEmpty()) {
            return;
        }
        LoopStopper stopper = new LoopStopper(core, this::stop, futures.size());
        List<Waiter> waiters =
                Stream.generate(stopper::one).limit(futures.size()).toList();
        for (int i = 0; i < waiters.size(); i++) {
            if (!futures.get(i).addWaiter(waiters.get(i))) {
                waiters.get(i).resume();
            }
        }
        try {
            runForever();
        } finally {
            stopper.deactivate();
            for (int i = 0; i < waiters.size(); i++) {
                futures.get(i).removeWaiter(waiters.get(i));
            }
        }
    }

    /** The watchdog's record of this loop. */
    SlowStep slowStep(ToLongFunction<Thread> cpuTime) {
        return new SlowStep(
                this,
                core,
                driver,
                () -> debug ? slowCallbackNanos : Long.MAX_VALUE,
                this::slowCallbackNanos,
                events,
                cpuTime);
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
            core.stopAfterTick();
        } else if (running.get()) {
            core.enqueue(core::stopAfterTick); // after what this thread has scheduled before
        } else {
            core.stopAfterTick();
            core.wakeUp(); // a run may have begun since the line above asked, and be on its way into select
        }
    }

    /**
     * The tasks that have not ended, as text for a log: below each one the tasks that it waits for, with the lines of a
     * body that awaits, through {@code gather}, {@code shield} and the like and through operators that are
     * {@link reactor.core.Scannable}, and the children of a group whose scope it is in. In debug mode also where and
     * when each was made. From any thread; what goes on meanwhile may be missing. Below the tasks stand those who
     * {@linkplain #holdTime() hold} virtual time.
     *
     * <p>It takes about 10 microseconds a task, and 30 to 300 more for a body, whose stack is read; called on the loop,
     * it keeps the loop for that long.
     *
     * <pre>{@literal
     * <EventLoop running>: 2 tasks
     * - Task-1 waits for <TaskGroup tasks=1 entered>
     *     at shop.Main.main(Main.java:12)
     *   - Task-2 waits for acquire() of <Lock [locked, waiters:1]>
     * }</pre>
     *
     * <p>asyncio: {@code python -m asyncio pstree}; {@link Asyncio#printCallGraph} is the same the other way round.
     */
    public String dumpTasks() {
        return TaskDump.of(this);
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
        try {
            OnPlatformThread.runAsCarrier(this::closeHere);
        } finally {
            OPEN.remove(this);
            Signals.removeAll(this);
            executor.shutDown();
        }
    }

    private void closeHere() {
        EventLoop outer = runningOrNull();
        Contexts.setRunning(this);
        try {
            driver.close(this::endTasks);
        } finally {
            Contexts.setRunning(outer);
        }
    }

    /** The loop is closed: reports and ends the tasks that are pending; the first Error of theirs. */
    private @Nullable Error endTasks() {
        Error error = null;
        for (Task<?> task : tasks.snapshot()) {
            try {
                callExceptionHandler(ExceptionContext.of("Task was destroyed but it is pending!")
                        .future(task)
                        .build());
                task.abandonWait();
            } catch (Error e) {
                error = error == null ? e : error;
            }
            try {
                task.unwind(task.closedWhilePending());
            } catch (Error e) {
                error = error == null ? e : error;
            }
        }
        return error;
    }

    /**
     * Runs an action when this loop is closed: on the thread that closes it, which owns the loop then, before the
     * channels are closed; at once, on the calling thread, if the loop is closed already. For authors of what lives on
     * a loop and is no channel of Netty's, which the loop would close by itself. From any thread.
     *
     * @return takes the action back, unless it has begun
     */
    public Disposable onClose(Runnable action) {
        return core.onClose(Objects.requireNonNull(action, "action"))::run;
    }

    // ---- readiness

    /**
     * Runs a callback on this loop whenever a channel can be read, or has a connection to accept, as long as that is
     * so; in the context of this call. It takes the place of the channel's reader. Reading is the callback's: one that
     * leaves bytes where they are is called again. A channel that is closed is called for no more. From any thread.
     *
     * <p>A NIO loop watches the channel with its own selector; for loops on epoll one daemon thread does.
     *
     * <pre>{@code
     * socket.configureBlocking(false);
     * loop.addReader(socket, () -> System.out.println("something has come"));
     * }</pre>
     *
     * <p>asyncio: {@code add_reader}.
     *
     * @throws java.nio.channels.IllegalBlockingModeException if the channel blocks
     * @throws IllegalArgumentException if the channel is closed, or one that is only written to
     * @throws IllegalStateException if the loop is closed
     * @since 0.1.0
     */
    public void addReader(SelectableChannel channel, Runnable callback) {
        watch(channel, false, callback);
    }

    /**
     * As {@link #addReader}, for a channel that can be written to, or whose connection is made or has failed. Most
     * channels can be written to nearly always: remove it when nothing is left to be written.
     *
     * <p>asyncio: {@code add_writer}.
     *
     * @throws java.nio.channels.IllegalBlockingModeException if the channel blocks
     * @throws IllegalArgumentException if the channel is closed, or one that is only read from
     * @throws IllegalStateException if the loop is closed
     * @since 0.1.0
     */
    public void addWriter(SelectableChannel channel, Runnable callback) {
        watch(channel, true, callback);
    }

    private void watch(SelectableChannel channel, boolean writer, Runnable callback) {
        Objects.requireNonNull(channel, "channel");
        Objects.requireNonNull(callback, "callback");
        if (isClosed()) {
            throw Misuse.loopClosed();
        }
        ContextView context = ThreadLocals.current();
        Origin origin = origin(this);
        core.watches.set(channel, writer, () -> new Handle(this, callback, context, origin));
    }

    /**
     * Takes back the reader of a channel, whose callback does not begin any more. Call it also when the channel has
     * been closed: its descriptor goes then, and otherwise with what the loop looks for next. From any thread.
     *
     * <p>asyncio: {@code remove_reader}.
     *
     * @return whether there was one
     * @since 0.1.0
     */
    public boolean removeReader(SelectableChannel channel) {
        return core.watches.set(Objects.requireNonNull(channel, "channel"), false, null);
    }

    /**
     * As {@link #removeReader}, of the writer.
     *
     * <p>asyncio: {@code remove_writer}.
     *
     * @since 0.1.0
     */
    public boolean removeWriter(SelectableChannel channel) {
        return core.watches.set(Objects.requireNonNull(channel, "channel"), true, null);
    }

    // ---- signals

    /**
     * Runs a callback on this loop whenever the process gets a signal, once for each one that the system delivers, as
     * {@link #callSoonThreadsafe} would, in the context of this call. It takes the place of the handler that this loop
     * had for the signal; other loops keep theirs, and all of them are called. While any loop has one, the signal does
     * not do what it does by default: an INT or TERM does not end the JVM. From any thread; cancelling does not apply.
     *
     * <p>The callback cannot await: {@code () -> loop.createTask(async(...))} starts a body.
     *
     * <pre>{@code
     * loop.addSignalHandler("TERM", loop::stop);
     * }</pre>
     *
     * <p>asyncio: {@code add_signal_handler}.
     *
     * @param signal its name, with or without {@code SIG}, in any case: {@code "INT"}, {@code "SIGTERM"}
     * @throws IllegalArgumentException if the system knows no such signal
     * @throws IllegalStateException if the loop is closed; if the signal cannot be had: the system keeps it (KILL,
     *     STOP), the JVM or a native library needs it (QUIT, SEGV, BUS; on Linux USR2, which the flight recorder uses),
     *     the process was started with it ignored, the JVM with {@code -Xrs}; if this Java has no module
     *     {@code jdk.unsupported}
     */
    public void addSignalHandler(String signal, Runnable callback) {
        Objects.requireNonNull(callback, "callback");
        ContextView context = ThreadLocals.current();
        Signals.add(this, Objects.requireNonNull(signal, "signal"), callback, guarded -> {
            if (isClosed()) {
                throw Misuse.loopClosed();
            }
            Origin origin = origin(this); // here: when the signal comes, it is scheduled by code that is not the user's
            return () -> core.enqueue(new Handle(this, guarded, context, origin));
        });
    }

    /**
     * Takes back the handler that this loop has for a signal; its callback does not begin any more, for signals that
     * have come already neither. When no loop has a handler left, the signal does again what it did before.
     * {@link #close} does this for all signals. From any thread.
     *
     * <p>asyncio: {@code remove_signal_handler}.
     *
     * @param signal as in {@link #addSignalHandler}
     * @return whether there was one
     * @throws IllegalArgumentException if the system knows no such signal
     */
    public boolean removeSignalHandler(String signal) {
        return Signals.remove(this, Objects.requireNonNull(signal, "signal"));
    }

    // ---- futures and tasks

    /** A pending Future that belongs to this loop. */
    public <T> Future<T> createFuture() {
        return new Future<>(this);
    }

    /** As {@link #createTask(Mono, TaskOptions)}, with a generated name and the current context. */
    public <T> Task<T> createTask(Mono<? extends T> coroutine) {
        return createTask(coroutine, TaskOptions.DEFAULTS);
    }

    /** As {@link #createTask(Mono, TaskOptions)}, with a name, or null for {@code Task-N}, and the current context. */
    public <T> Task<T> createTask(Mono<? extends T> coroutine, @Nullable String name) {
        return createTask(coroutine, name == null ? TaskOptions.DEFAULTS : TaskOptions.named(name));
    }

    /** As {@link #createTask(Mono, TaskOptions)}, with a name, or null for {@code Task-N}, and a context. */
    public <T> Task<T> createTask(Mono<? extends T> coroutine, @Nullable String name, ContextView context) {
        return createTask(coroutine, new TaskOptions(name, Objects.requireNonNull(context, "context"), null));
    }

    /**
     * Starts a coroutine: it is subscribed to, or its body begins, in the next tick, or at once if it is to be eager.
     * From any thread.
     *
     * @param coroutine any Mono; what {@link Asyncio#async} returns becomes a body
     * @throws IllegalStateException if the loop is closed, or its task factory made no task of this loop
     */
    public <T> Task<T> createTask(Mono<? extends T> coroutine, TaskOptions options) {
        ColdMono.adopt(Objects.requireNonNull(coroutine, "coroutine"));
        TaskFactory factory = taskFactory;
        if (factory == null) {
            return newTask(coroutine, options);
        }
        if (core.isClosed() || driver.isClosing()) {
            throw Misuse.loopClosed();
        }
        Task<T> task = factory.newTask(this, coroutine, options);
        if (task == null || task.loop != this) {
            throw new IllegalStateException(
                    "The task factory of " + this + " must return a task of that loop, made with loop.newTask(...): "
                            + Log.text(factory) + " returned " + task);
        }
        return task;
    }

    /**
     * As {@link #createTask(Mono, TaskOptions)}, past the task factory: for factories, which call it to make the task.
     */
    @SuppressWarnings("unchecked") // a task only hands out what its coroutine gives
    public <T> Task<T> newTask(Mono<? extends T> coroutine, TaskOptions options) {
        ColdMono.adopt(Objects.requireNonNull(coroutine, "coroutine"));
        if (core.isClosed() || driver.isClosing()) {
            throw Misuse.loopClosed();
        }
        ContextView given = options.context();
        Context context = Context.of(given == null ? ThreadLocals.current() : given);
        Task<T> task = coroutine instanceof ColdMono<?> own
                ? ((ColdMono<T>) own).newTask(this, options.name(), context)
                : new MonoTask<>(this, coroutine, options.name(), context);
        tasks.add(task);
        events.created(task);
        if (Boolean.TRUE.equals(options.eager()) && running.get() && core.inEventLoop()) {
            startEagerly(task);
            return task;
        }
        boolean queued = false;
        try {
            queued = core.enqueue(new Task.Start(task));
        } finally {
            if (!queued) {
                tasks.remove(task); // closed, or there is no memory: nobody would start it
                events.refused(task);
            }
        }
        if (!queued) {
            throw Misuse.loopClosed();
        }
        return task;
    }

    /** The first step inside {@code createTask}, whose caller is the current task again afterwards. */
    private void startEagerly(Task<?> task) {
        Task<?> callingTask = currentTask;
        ContextView callingContext = context;
        try {
            if (task instanceof BodyTask<?> body) {
                driver.startEagerly(body);
            } else {
                enterTask(task);
                try (ThreadLocals.Scope locals = ThreadLocals.restore(task.getContext())) {
                    task.step(null);
                }
            }
        } finally {
            enterTask(callingTask);
            leaveContext(callingContext);
        }
    }

    /** Lets a factory make this loop's tasks; null for the usual way. */
    public void setTaskFactory(@Nullable TaskFactory factory) {
        taskFactory = factory;
    }

    /** Returns the factory of this loop's tasks, or null for the usual one. */
    public @Nullable TaskFactory getTaskFactory() {
        return taskFactory;
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

    @Override
    LeakOwner leaks() {
        return events;
    }

    @Override
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

    /**
     * Runs a callback at once, with the context that {@link Asyncio#currentContext()} is in it, and with its
     * ThreadLocals: for authors of transports, whose events come on the loop and need no turn of their own. What the
     * callback throws comes out.
     *
     * @throws IllegalStateException if it is not called on this loop
     * @since 0.1
     */
    public void runInContext(Runnable callback, ContextView context) {
        Objects.requireNonNull(callback, "callback");
        Objects.requireNonNull(context, "context");
        if (!core.inEventLoop()) {
            throw new IllegalStateException(
                    "runInContext() called outside of " + this + ": use callSoonThreadsafe(callback, context)");
        }
        ContextView outer = enterContext(context);
        try (ThreadLocals.Scope locals = ThreadLocals.restore(context)) {
            callback.run();
        } finally {
            leaveContext(outer);
        }
    }

    void enterTask(@Nullable Task<?> task) {
        currentTask = task;
        leaveContext(task == null ? Context.empty() : task.getContext());
    }

    // ---- exceptions

    /**
     * Handles exceptions that nobody else sees: of callbacks, of tasks that nobody awaited. Null restores the default,
     * which logs. Called on the loop, if it runs, in the context of the task or callback that failed; from any thread
     * otherwise.
     */
    public void setExceptionHandler(@Nullable BiConsumer<? super EventLoop, ? super ExceptionContext> handler) {
        events.handler = handler;
    }

    /** The handler that was set, or null. */
    public @Nullable BiConsumer<? super EventLoop, ? super ExceptionContext> getExceptionHandler() {
        return events.handler;
    }

    /**
     * The default handler: logs the message, the exception, what is concerned, and in debug mode where that was made.
     */
    public void defaultExceptionHandler(ExceptionContext what) {
        LoopEvents.log(Objects.requireNonNull(what, "what"));
    }

    /**
     * Tells the exception handler; one that throws an exception is itself reported, by the default one. Never throws an
     * exception.
     */
    public void callExceptionHandler(ExceptionContext what) {
        events.report(Objects.requireNonNull(what, "what"));
    }

    /**
     * Adds a listener to exceptions that nobody else sees, beside the one {@linkplain #setExceptionHandler handler},
     * which is told after it and decides what becomes of them: without one they are still logged. For meters and
     * alerts. It is called on the threads that the handler is called on; from any thread; a listener that throws is
     * logged.
     *
     * <pre>{@code
     * loop.addExceptionListener((l, what) -> System.err.println(l.getName() + ": " + what.message()));
     * }</pre>
     *
     * @return takes it back
     * @since 0.1
     */
    public Disposable addExceptionListener(BiConsumer<? super EventLoop, ? super ExceptionContext> listener) {
        Objects.requireNonNull(listener, "listener");
        return addListener(new LoopListener() {
            @Override
            public void exceptionUnhandled(EventLoop loop, ExceptionContext what) {
                listener.accept(loop, what);
            }

            @Override
            public String toString() {
                return Log.text(listener);
            }
        });
    }

    // ---- observing

    /**
     * Adds a listener to what happens in this loop: tasks that begin and end, exceptions, slow steps, lag. From any
     * thread; it is held until it is taken back. Adding one twice tells it twice.
     *
     * @return takes it back
     * @since 0.1
     */
    public Disposable addListener(LoopListener listener) {
        return events.listeners.add(listener);
    }

    /**
     * Counts what the loop has to do and has done. From any thread, at the cost of a few fields that are read.
     *
     * @since 0.1
     */
    public LoopStatistics statistics() {
        return new LoopStatistics(
                tasks.size(),
                core.readyCount(),
                core.timerCount(),
                core.channelCount(),
                core.ticks(),
                core.polls(),
                executor.active(),
                executor.queued());
    }

    // ---- executors

    /**
     * Calls a blocking function in an executor, and returns the Future of its result. Cancelling the Future keeps the
     * function from starting, but does not stop one that runs: what comes of it later goes to
     * {@code Operators.onDiscard} or {@code onErrorDropped}. A function that returns a Publisher fails. The function
     * sees the {@link Asyncio#currentContext()} of the code that calls this.
     *
     * <p>{@link Asyncio#toThread} is the cold form of it.
     *
     * @param executor whose threads, or null for the default executor: platform threads of the loop
     * @throws IllegalStateException if the loop is closed; with the default executor, if that was shut down
     * @throws java.util.concurrent.RejectedExecutionException if the executor refuses
     */
    public <T> Future<T> runInExecutor(@Nullable Executor executor, Callable<? extends T> function) {
        Objects.requireNonNull(function, "function");
        if (core.isClosed()) {
            throw Misuse.loopClosed();
        }
        return ExecutorJob.submit(
                this, executor == null ? defaultExecutor() : executor, function, ThreadLocals.current());
    }

    /** The threads of {@link Asyncio#toThread}. */
    ExecutorService defaultExecutor() {
        if (core.isClosed()) {
            throw Misuse.loopClosed();
        }
        return executor.get();
    }

    /**
     * Sets the executor of {@link Asyncio#toThread} and of {@link #runInExecutor} with null. It belongs to the loop
     * from here on: it is shut down with it. One that was in use before is let go as it is.
     *
     * @throws IllegalStateException if the default executor was shut down
     */
    public void setDefaultExecutor(ExecutorService executor) {
        this.executor.set(Objects.requireNonNull(executor, "executor"));
    }

    /** As {@link #shutdownDefaultExecutor(Duration)}, without a limit. */
    public Mono<Void> shutdownDefaultExecutor() {
        return Mono.defer(() -> shutDownAndJoin(null)).then();
    }

    /**
     * Shuts the default executor down: it takes no more functions, and the Mono completes when those that it has taken
     * have ended and its threads are gone, or, with a warning, when the time is out. Nothing happens until
     * subscription; cancelling ends the waiting only. {@link Asyncio#run} does this at its end.
     *
     * @param timeout real time, also on a loop whose time is virtual
     */
    public Mono<Void> shutdownDefaultExecutor(Duration timeout) {
        Objects.requireNonNull(timeout, "timeout");
        return Mono.defer(() -> shutDownAndJoin(timeout))
                .doOnNext(joined -> {
                    if (!joined) {
                        Log.warn(
                                "The default executor of " + this + " did not finish joining its threads within "
                                        + timeout + ": functions that were given to "
                                        + "toThread or runInExecutorstill run, and their outcome is lost",
                                null);
                    }
                })
                .then();
    }

    /** Whether all its threads have ended in time. */
    private Future<Boolean> shutDownAndJoin(@Nullable Duration timeout) {
        ExecutorService service = executor.shutDown();
        if (service == null || service.isTerminated()) {
            Future<Boolean> joined = createFuture();
            joined.setResult(true);
            return joined;
        }
        long nanos = timeout == null ? Long.MAX_VALUE : saturatedNanos(timeout);
        return ExecutorJob.submit(
                this,
                executor::runJoiner,
                () -> service.awaitTermination(nanos, TimeUnit.NANOSECONDS),
                Context.empty());
    }

    /**
     * Closes the {@linkplain Asyncio#generate generators} that have begun and not ended: each gets a
     * {@link CancelledException} at its emit, and its subscriber an error. Completes when all have ended, their
     * clean-up included. Nothing happens until subscription; cancelling ends the waiting only. Those that begin later
     * are warned of. {@link Asyncio#run} does this at its end, when the other tasks have ended.
     *
     * <p>asyncio: {@code shutdown_asyncgens}.
     *
     * @since 0.1
     */
    public Mono<Void> shutdownAsyncgens() {
        return Mono.defer(() -> {
            generatorsAreClosed = true;
            List<Task<?>> begun = Task.generators(this);
            Task.closeGenerators(begun);
            return Flux.fromIterable(begun).concatMap(Future::whenEnded).then();
        });
    }

    // ---- debug mode

    /** Whether debug mode is on. */
    public boolean getDebug() {
        return debug;
    }

    /**
     * Turns debug mode on or off; from the start it is on with {@code -Dasyncio.debug.enabled=true} or
     * {@code ASYNCIO_DEBUG=1} in the environment. From any thread. It looks for mistakes, and remembers where Futures,
     * tasks, callbacks and coroutines were made: see the page "Developing and debugging".
     */
    public void setDebug(boolean enabled) {
        if (enabled) {
            DebugMode.everOn = true;
        }
        debug = enabled;
    }

    /**
     * Returns the longest time that a callback, a step of a body or the handling of IO may take in debug mode without
     * being logged; at first 100 ms, as in asyncio, or {@code -Dasyncio.debug.slow-callback}.
     */
    public Duration getSlowCallbackDuration() {
        return Duration.ofNanos(slowCallbackNanos);
    }

    /** Changes {@link #getSlowCallbackDuration()}. asyncio: {@code loop.slow_callback_duration}. */
    public void setSlowCallbackDuration(Duration duration) {
        slowCallbackNanos = saturatedNanos(duration);
    }

    /**
     * Looks, in all loops, for operators of Reactor's that are assembled on a loop and never subscribed to, such as
     * {@code users.save(user).then();} as a statement, and logs where; or stops looking. From the start it looks with
     * {@code -Dasyncio.debug.operators=true}. It is a {@link reactor.core.publisher.Hooks#onEachOperator hook} of
     * Reactor's, for debugging: each operator that is assembled on a loop costs 1 to 3 microseconds more, by the depth
     * of the stack; a chain of four 5 to 13, where Reactor's own debug mode adds 6 to 15. From any thread; what is
     * assembled already is not concerned.
     */
    public static void trackOperators(boolean enabled) {
        OperatorTracking.turn(enabled, ColdMono::adoptIfOwn);
    }

    long slowCallbackNanos() {
        return slowCallbackNanos;
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

    /**
     * The name of its threads and of its records in logs and tools: {@code asyncio-1}.
     *
     * @since 0.1
     */
    public String getName() {
        return name;
    }

    /** {@code <EventLoop asyncio-1 running>}. */
    @Override
    public String toString() {
        return "<EventLoop " + name + (running.get() ? " running" : core.isClosed() ? " closed" : " idle")
                + (debug ? " debug" : "") + ">";
    }
}
