package asyncio;

import asyncio.internal.loop.ContextLoader;
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
 * Runs callbacks, timers, IO and tasks, one at a time, on the thread that runs the loop. Most programs never touch it:
 * {@link Asyncio#run} makes one, and Monos of this library that are subscribed to elsewhere use one of
 * {@link #shared()}.
 *
 * <p>Each pass of the loop, a <em>tick</em>, collects the events of IO and timers and runs exactly the callbacks that
 * were ready when it began; callbacks that these schedule have their turn in the next tick.
 *
 * <p><b>Threading.</b> {@link #callSoon}, {@link #callLater} and {@link #callAt} must be called on the thread that runs
 * the loop, or is about to: in {@link #setDebug debug mode} they throw on any other. So must {@link #runForever} and
 * {@link #close}. All other methods may be called from any thread.
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
    /** Used by {@link Closings}. */
    final Set<Future<?>> closings = ConcurrentHashMap.newKeySet();
    /** Whether the generators have been closed: one that begins now never will be. */
    volatile boolean generatorsAreClosed;

    final @Nullable LoopMonitor monitor;
    private final AtomicBoolean running = new AtomicBoolean();
    final ContextLoader contextLoader = new ContextLoader();

    private @Nullable Task<?> currentTask;
    private ContextView context = Context.empty();
    final LoopEvents events = new LoopEvents(this);
    final DefaultExecutor executor = new DefaultExecutor(name, contextLoader);
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
        driver = new LoopDriver(core, events, name, contextLoader);
        scheduler = new LoopScheduler(this, builder.clock() instanceof MockTicker);
        OPEN.add(this);
    }

    // ---- making and finding loops

    /**
     * Returns a new loop, made by the {@link #getEventLoopPolicy policy}: on epoll where its native library is
     * available, on NIO otherwise ({@code -Dasyncio.transport=nio} or {@code epoll} overrides this).
     */
    public static EventLoop newEventLoop() {
        return DefaultEventLoopPolicy.inUse().newEventLoop();
    }

    /** Returns a builder for a loop with custom settings. */
    public static EventLoopBuilder builder() {
        return new EventLoopBuilder();
    }

    /**
     * Returns the loop that runs on this thread.
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
     * Returns the loop that runs on this thread, or else the one that {@link #setEventLoop} has made current on it.
     *
     * @throws IllegalStateException if there is neither
     */
    public static EventLoop getEventLoop() {
        EventLoop loop = runningOrNull();
        return loop != null ? loop : DefaultEventLoopPolicy.inUse().getEventLoop();
    }

    /** Sets the loop that {@link #getEventLoop} returns on this thread while none runs; null for none. */
    public static void setEventLoop(@Nullable EventLoop loop) {
        DefaultEventLoopPolicy.inUse().setEventLoop(loop);
    }

    /** Returns the policy that makes the loops of this process. */
    public static EventLoopPolicy getEventLoopPolicy() {
        return DefaultEventLoopPolicy.inUse();
    }

    /** Sets the policy that makes the loops of this process; null for the initial one. */
    public static void setEventLoopPolicy(@Nullable EventLoopPolicy policy) {
        DefaultEventLoopPolicy.use(policy);
    }

    /**
     * Returns the daemon loops, one per processor, for Monos of this library that are subscribed to where no loop runs.
     * They start at their first use.
     */
    public static SharedLoops shared() {
        return SharedLoops.get();
    }

    /**
     * Cancels all tasks of the shared loops, waits for them to end, and closes the loops, even
     * {@linkplain SharedLoops#lease leased} ones. A later use of {@link #shared()} starts new loops. Blocks.
     *
     * @param timeout how long to wait for the tasks; those left after it are destroyed
     * @return true if all tasks ended in time
     * @throws IllegalStateException on a thread that runs a loop
     * @throws IllegalArgumentException if the timeout is negative
     */
    public static boolean shutdownShared(Duration timeout) {
        return SharedLoops.shutdown(timeout);
    }

    /**
     * Returns all loops of this process that are not closed; for monitoring. May be called from any thread; does not
     * keep a loop from being collected.
     *
     * @since 0.1
     */
    public static Set<EventLoop> all() {
        synchronized (OPEN) {
            return new LinkedHashSet<>(OPEN);
        }
    }

    /** Returns the loop that runs on this thread, or null. For authors of Monos. */
    public static @Nullable EventLoop runningOrNull() {
        return (EventLoop) Contexts.running();
    }

    /**
     * Returns the loop that runs on this thread, or else the next of {@link #shared()}: the loop on which a cold Mono
     * of this library does its work. For authors of such Monos.
     */
    public static EventLoop runningOrShared() {
        EventLoop loop = runningOrNull();
        return loop != null ? loop : shared().next();
    }

    /** Returns whether debug mode is on for a loop, or off every loop. */
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
     * @throws IllegalStateException if the loop is closed; in debug mode also on a thread other than the loop's
     */
    public Handle callSoon(Runnable callback) {
        return callSoon(callback, ThreadLocals.current());
    }

    /**
     * Like {@link #callSoon(Runnable)}, with the context that {@link Asyncio#currentContext()} will return in the
     * callback.
     */
    public Handle callSoon(Runnable callback, ContextView context) {
        checkThread("callSoon");
        return callSoonThreadsafe(callback, context);
    }

    /** Like {@link #callSoon(Runnable)}, callable from any thread; wakes the loop. */
    public Handle callSoonThreadsafe(Runnable callback) {
        return callSoonThreadsafe(callback, ThreadLocals.current());
    }

    /** Like {@link #callSoon(Runnable, ContextView)}, callable from any thread; wakes the loop. */
    public Handle callSoonThreadsafe(Runnable callback, ContextView context) {
        Handle handle = new Handle(
                this, Objects.requireNonNull(callback, "callback"), Objects.requireNonNull(context, "context"));
        if (!core.enqueue(handle)) {
            throw Misuse.loopClosed();
        }
        return handle;
    }

    /**
     * Runs a callback after a delay. With a zero or negative delay it is due at once: such callbacks run in the next
     * tick, in the order of their times.
     *
     * @throws IllegalStateException if the loop is closed; in debug mode also on a thread other than the loop's
     */
    public TimerHandle callLater(Duration delay, Runnable callback) {
        return callLater(delay, callback, ThreadLocals.current());
    }

    /**
     * Like {@link #callLater(Duration, Runnable)}, with the context that {@link Asyncio#currentContext()} will return
     * in the callback.
     */
    public TimerHandle callLater(Duration delay, Runnable callback, ContextView context) {
        checkThread("callLater");
        return schedule(deadline(Objects.requireNonNull(delay, "delay")), callback, context);
    }

    /**
     * Runs a callback when the loop's clock has reached {@code when}; callbacks with equal times run in the order of
     * scheduling.
     *
     * @throws IllegalStateException if the loop is closed; in debug mode also on a thread other than the loop's
     */
    public TimerHandle callAt(Duration when, Runnable callback) {
        return callAt(when, callback, ThreadLocals.current());
    }

    /**
     * Like {@link #callAt(Duration, Runnable)}, with the context that {@link Asyncio#currentContext()} will return in
     * the callback.
     */
    public TimerHandle callAt(Duration when, Runnable callback, ContextView context) {
        checkThread("callAt");
        return schedule(saturatedNanos(Objects.requireNonNull(when, "when")), callback, context);
    }

    /** Schedules a timer; from any thread. */
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

    /** Returns the time of the loop's clock, which is monotonic and has an arbitrary origin. */
    public Duration time() {
        return Duration.ofNanos(core.now());
    }

    /**
     * Keeps virtual time from jumping until the result is disposed of; for work that the loop does not know of, such as
     * a thread that will complete a Future. Dispose of it once, from any thread. {@link #runInExecutor} and
     * {@link Asyncio#toThread} hold time themselves. Does nothing for loops with real time.
     */
    public Disposable holdTime() {
        return hold("a caller of holdTime()", origin(this));
    }

    /**
     * Like {@link #holdTime()}, for authors of components that work outside the loop: {@link #dumpTasks} names them.
     *
     * @param holder the holder, described by its {@code toString}
     * @param site the result of {@link Leftovers#site} where the hold was requested
     */
    public Disposable holdTime(Object holder, @Nullable Throwable site) {
        return hold(Objects.requireNonNull(holder, "holder"), site);
    }

    private Disposable hold(Object holder, @Nullable Throwable site) {
        TimeHolds.Hold hold = core.hold(holder, site);
        return hold == null ? Disposables.disposed() : new HeldTime(hold);
    }

    /** Returns the time on the loop's clock after a delay, without overflow. */
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
            OnPlatformThread.runAsCarrier(() -> runHere(driver::run));
        } finally {
            running.set(false);
        }
    }

    /**
     * Runs one tick, on this thread: IO, the timers that are due, and the callbacks and steps that are ready then. For
     * a loop inside another one, such as that of a GUI, whose timer calls this on the GUI's thread: so callbacks, and
     * tasks of Monos, may touch objects of that thread. Bodies have threads of their own, for which this one waits. A
     * {@link #stop} on this thread, before or during it, changes nothing later.
     *
     * <pre>{@code
     * new javax.swing.Timer(10, event -> loop.runOnce(false)).start(); // every 10 milliseconds
     * }</pre>
     *
     * <p>asyncio: {@code BaseEventLoop._run_once}, which is not public there.
     *
     * @param mayBlock whether to wait for something to do if nothing is ready; with virtual time, to jump to it
     * @throws IllegalStateException in the cases of {@link #runForever}
     * @since 0.1
     */
    @Experimental
    public void runOnce(boolean mayBlock) {
        checkMayRun();
        if (!running.compareAndSet(false, true)) {
            throw alreadyRunning();
        }
        try {
            OnPlatformThread.runAsCarrier(() -> runHere(() -> driver.runOnce(mayBlock)));
        } finally {
            running.set(false);
        }
    }

    private void runHere(Runnable run) {
        try {
            Contexts.setRunning(this);
            SlowStep slowStep = slowStep(CpuTime::of);
            LagProbe lagProbe = events.lagProbe();
            Watchdog.watch(this, nanos -> {
                slowStep.look(nanos);
                lagProbe.look(nanos);
            });
            run.run();
        } finally {
            Watchdog.unwatch(this);
            Contexts.setRunning(null);
        }
    }

    /**
     * Runs until a coroutine or Future is done, and returns its result, null for an empty one. Its exception is thrown
     * unchanged.
     *
     * @throws IllegalArgumentException for a Future of another loop
     * @throws IllegalStateException if the loop is stopped before that, and in the cases of {@link #runForever}
     */
    public <T> @Nullable T runUntilComplete(Mono<? extends T> main) throws Exception {
        checkMayRun();
        Future<T> future = ownFuture(main);
        boolean isNew = future != (Object) main;
        try {
            runUntilDone(List.of(future));
        } catch (Throwable e) {
            if (isNew && future.done() && !future.cancelled()) {
                future.exception(); // it is thrown below, so it need not be logged
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

    /** Runs until all are done, or the loop is stopped by other code. */
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
     * Makes {@link #runForever} return after the current tick; called before it, makes it run a single tick. May be
     * called from any thread.
     */
    public void stop() {
        if (core.inEventLoop()) {
            core.stopAfterTick();
        } else if (running.get()) {
            core.enqueue(core::stopAfterTick); // after this thread's earlier callbacks
        } else {
            core.stopAfterTick();
            core.wakeUp(); // a run may have begun after the check above and be about to enter select
        }
    }

    /**
     * Describes the tasks that have not ended, as text for a log: below each task the tasks that it waits for, with the
     * stack of an awaiting body, through {@code gather}, {@code shield} and similar functions and through operators
     * that are {@link reactor.core.Scannable}, and the children of a group if the task is in its scope. Debug mode adds
     * where and when each task was made. The holders of {@linkplain #holdTime() virtual time} are listed below the
     * tasks. May be called from any thread; concurrent changes may be missed.
     *
     * <p>It takes about 10 microseconds per task, and 30 to 300 more per body, to read its stack; called on the loop,
     * it holds the loop for that long.
     *
     * <pre>{@literal
     * <EventLoop running>: 2 tasks
     * - Task-1 waits for <TaskGroup tasks=1 entered>
     *     at shop.Main.main(Main.java:12)
     *   - Task-2 waits for acquire() of <Lock [locked, waiters:1]>
     * }</pre>
     *
     * <p>asyncio: {@code python -m asyncio pstree}; {@link Asyncio#printCallGraph} shows the same in the opposite
     * direction.
     */
    public String dumpTasks() {
        return TaskDump.of(this);
    }

    /** Returns whether a thread is in {@link #runForever}. */
    public boolean isRunning() {
        return running.get();
    }

    /** Returns whether {@link #close} has been called. */
    public boolean isClosed() {
        return core.isClosed();
    }

    /**
     * Closes the loop for good: its channels are closed, its callbacks dropped, and tasks that are still pending are
     * reported and ended. Futures of the loop that are completed later notify their subscribers on the completing
     * thread. Closing twice has no effect.
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
            contextLoader.forget();
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

    /** Reports and ends the pending tasks of a closed loop; returns their first Error. */
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
     * Runs an action when this loop is closed: on the closing thread, which owns the loop then, before the channels are
     * closed; or at once, on the calling thread, if the loop is already closed. For authors of resources that live on a
     * loop and are not Netty channels, which the loop closes itself. May be called from any thread.
     *
     * @return a handle that removes the action, unless it has begun
     */
    public Disposable onClose(Runnable action) {
        return core.onClose(Objects.requireNonNull(action, "action"))::run;
    }

    // ---- readiness

    /**
     * Runs a callback on this loop whenever a channel is readable or has a connection to accept, for as long as that
     * lasts; in the context of this call. It replaces the channel's previous reader. The callback does the reading: if
     * it leaves bytes unread, it is called again. It is not called for a closed channel, and only once for one that was
     * made to block before the loop watches it. May be called from any thread.
     *
     * <p>A NIO loop watches the channel with its own selector; an epoll loop uses a selector nested in its epoll or,
     * where that is not possible, a daemon thread that serves all loops.
     *
     * <pre>{@code
     * socket.configureBlocking(false);
     * loop.addReader(socket, () -> System.out.println("something has come"));
     * }</pre>
     *
     * <p>asyncio: {@code add_reader}.
     *
     * @throws java.nio.channels.IllegalBlockingModeException if the channel blocks
     * @throws IllegalArgumentException if the channel is closed or write-only
     * @throws IllegalStateException if the loop is closed
     * @since 0.1.0
     */
    public void addReader(SelectableChannel channel, Runnable callback) {
        watch(channel, false, callback);
    }

    /**
     * Like {@link #addReader(SelectableChannel, Runnable)}, for a channel that is writable, or has finished or failed
     * to connect. Most channels are writable nearly always: remove the writer when nothing is left to write.
     *
     * <p>asyncio: {@code add_writer}.
     *
     * @throws java.nio.channels.IllegalBlockingModeException if the channel blocks
     * @throws IllegalArgumentException if the channel is closed or read-only
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
     * Runs a callback on this loop whenever a descriptor can be read, by its number, as long as that is so; at its end
     * and after an error, too. Only on epoll. Otherwise as {@link #addReader(SelectableChannel, Runnable)}: for pipes,
     * terminals and devices that native code or a parent process has given to this one.
     *
     * <p>The descriptor stays its owner's: {@link #removeReader(int)} comes before it is closed, since its number may
     * be another's at once. It may block: one that is ready can be read once without.
     *
     * <pre>{@code
     * loop.addReader(0, () -> System.out.println("something has come on stdin"));
     * }</pre>
     *
     * <p>asyncio: {@code add_reader}.
     *
     * @throws UnsupportedOperationException if this loop is not on epoll
     * @throws IllegalArgumentException if the descriptor is not open, or of a file, which is always ready: read that in
     *     a thread. What only epoll can tell, another thread hears of by the exception handler
     * @throws IllegalStateException if the loop is closed, or has a transport with this descriptor
     * @since 0.1.0
     */
    @Experimental
    public void addReader(int descriptor, Runnable callback) {
        watch(descriptor, false, callback);
    }

    /**
     * Like {@link #addReader(int, Runnable)}, for a descriptor that can be written to.
     *
     * <p>asyncio: {@code add_writer}.
     *
     * @throws UnsupportedOperationException if this loop is not on epoll
     * @throws IllegalArgumentException if the descriptor is not open, or of a file
     * @throws IllegalStateException if the loop is closed, or has a transport with this descriptor
     * @since 0.1.0
     */
    @Experimental
    public void addWriter(int descriptor, Runnable callback) {
        watch(descriptor, true, callback);
    }

    private void watch(int descriptor, boolean writer, Runnable callback) {
        Objects.requireNonNull(callback, "callback");
        if (isClosed()) {
            throw Misuse.loopClosed();
        }
        ContextView context = ThreadLocals.current();
        Origin origin = origin(this);
        core.descriptors.set(descriptor, writer, () -> new Handle(this, callback, context, origin));
    }

    /**
     * Takes back the reader of a descriptor, whose callback does not begin any more. From any thread; on the loop the
     * descriptor is let go of at once.
     *
     * <p>asyncio: {@code remove_reader}.
     *
     * @return whether there was one
     * @throws UnsupportedOperationException if this loop is not on epoll
     * @throws IllegalStateException if the loop has a transport with this descriptor
     * @since 0.1.0
     */
    public boolean removeReader(int descriptor) {
        return core.descriptors.set(descriptor, false, null);
    }

    /**
     * Like {@link #removeReader(int)}, of the writer.
     *
     * <p>asyncio: {@code remove_writer}.
     *
     * @since 0.1.0
     */
    public boolean removeWriter(int descriptor) {
        return core.descriptors.set(descriptor, true, null);
    }

    /**
     * Removes the reader of a channel; its callback is not called again. Call it also when the channel has been closed:
     * this releases the descriptor, which is otherwise released when the loop next looks for events. May be called from
     * any thread.
     *
     * <p>asyncio: {@code remove_reader}.
     *
     * @return true if there was one
     * @since 0.1.0
     */
    public boolean removeReader(SelectableChannel channel) {
        return core.watches.set(Objects.requireNonNull(channel, "channel"), false, null);
    }

    /**
     * Like {@link #removeReader(SelectableChannel)}, for the writer.
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
     * {@link #callSoonThreadsafe} would, in the context of this call. It replaces this loop's handler for the signal;
     * other loops keep theirs, and all of them are called. While any loop has a handler, the signal loses its default
     * effect: INT or TERM does not end the JVM. May be called from any thread.
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
     * @throws IllegalStateException if the loop is closed; if the signal is not available: the system reserves it
     *     (KILL, STOP), the JVM or a native library needs it (QUIT, SEGV, BUS; on Linux USR2, which the flight recorder
     *     uses), the process was started with the signal ignored, or the JVM with {@code -Xrs}; or if this Java lacks
     *     the module {@code jdk.unsupported}
     */
    public void addSignalHandler(String signal, Runnable callback) {
        Objects.requireNonNull(callback, "callback");
        ContextView context = ThreadLocals.current();
        Signals.add(this, Objects.requireNonNull(signal, "signal"), callback, guarded -> {
            if (isClosed()) {
                throw Misuse.loopClosed();
            }
            Origin origin = origin(this); // taken here: when the signal comes, the scheduling code is not the user's
            return () -> core.enqueue(new Handle(this, guarded, context, origin));
        });
    }

    /**
     * Removes this loop's handler for a signal; its callback is not called again, not even for signals that have
     * already arrived. When no loop has a handler left, the signal regains its previous effect. {@link #close} does
     * this for all signals. May be called from any thread.
     *
     * <p>asyncio: {@code remove_signal_handler}.
     *
     * @param signal as in {@link #addSignalHandler}
     * @return true if there was one
     * @throws IllegalArgumentException if the system knows no such signal
     */
    public boolean removeSignalHandler(String signal) {
        return Signals.remove(this, Objects.requireNonNull(signal, "signal"));
    }

    // ---- futures and tasks

    /** Returns a pending Future that belongs to this loop. */
    public <T> Future<T> createFuture() {
        return new Future<>(this);
    }

    /** Like {@link #createTask(Mono, TaskOptions)}, with a generated name and the current context. */
    public <T> Task<T> createTask(Mono<? extends T> coroutine) {
        return createTask(coroutine, TaskOptions.DEFAULTS);
    }

    /**
     * Like {@link #createTask(Mono, TaskOptions)}, with a name, or null for {@code Task-N}, and the current context.
     */
    public <T> Task<T> createTask(Mono<? extends T> coroutine, @Nullable String name) {
        return createTask(coroutine, name == null ? TaskOptions.DEFAULTS : TaskOptions.named(name));
    }

    /** Like {@link #createTask(Mono, TaskOptions)}, with a name, or null for {@code Task-N}, and a context. */
    public <T> Task<T> createTask(Mono<? extends T> coroutine, @Nullable String name, ContextView context) {
        return createTask(coroutine, new TaskOptions(name, Objects.requireNonNull(context, "context"), null));
    }

    /**
     * Starts a coroutine: it is subscribed to, or its body begins, in the next tick, or at once if the options ask for
     * an eager start. May be called from any thread.
     *
     * @param coroutine any Mono; one from {@link Asyncio#async} runs as a body
     * @throws IllegalStateException if the loop is closed, or its task factory did not return a task of this loop
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
     * Like {@link #createTask(Mono, TaskOptions)}, but bypasses the task factory: factories call it to make the task.
     */
    @SuppressWarnings("unchecked") // a task only hands out its coroutine's values
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
                tasks.remove(task); // closed or out of memory: it would never start
                events.refused(task);
            }
        }
        if (!queued) {
            throw Misuse.loopClosed();
        }
        return task;
    }

    /** Runs the first step inside {@code createTask}; afterwards the caller is the current task again. */
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

    /** Sets the factory that makes this loop's tasks; null for the default. */
    public void setTaskFactory(@Nullable TaskFactory factory) {
        taskFactory = factory;
    }

    /** Returns the factory of this loop's tasks, or null for the default. */
    public @Nullable TaskFactory getTaskFactory() {
        return taskFactory;
    }

    /** Returns the tasks of this loop that are not done. */
    public Set<Task<?>> allTasks() {
        return tasks.snapshot();
    }

    /** Returns the task that is taking a step right now; null in a callback or when the loop is not running. */
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
            context = outer; // a reference write costs a GC barrier, a fence with G1
        }
    }

    /**
     * Runs a callback at once, with the context that {@link Asyncio#currentContext()} returns in it, and with its
     * ThreadLocals; for authors of transports, where events arrive on the loop and need no separate turn. An exception
     * of the callback is thrown to the caller.
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
     * Sets the handler of exceptions that are not handled elsewhere: of callbacks, and of tasks that were never
     * awaited. Null restores the default, which logs. The handler is called on the loop if it runs, in the context of
     * the failed task or callback; otherwise on any thread.
     */
    public void setExceptionHandler(@Nullable BiConsumer<? super EventLoop, ? super ExceptionContext> handler) {
        events.handler = handler;
    }

    /** Returns the handler that was set, or null. */
    public @Nullable BiConsumer<? super EventLoop, ? super ExceptionContext> getExceptionHandler() {
        return events.handler;
    }

    /**
     * The default handler: logs the message, the exception, the objects concerned, and in debug mode where they were
     * made.
     */
    public void defaultExceptionHandler(ExceptionContext what) {
        LoopEvents.log(Objects.requireNonNull(what, "what"));
    }

    /**
     * Calls the exception handler; an exception that it throws is reported by the default handler. Never throws an
     * exception.
     */
    public void callExceptionHandler(ExceptionContext what) {
        events.report(Objects.requireNonNull(what, "what"));
    }

    /**
     * Adds a listener for exceptions that are not handled elsewhere, for metrics and alerts. It is called before the
     * {@linkplain #setExceptionHandler handler}, on the same threads, and does not replace it: without a handler the
     * exceptions are still logged. An exception of the listener itself is logged. May be called from any thread.
     *
     * <pre>{@code
     * loop.addExceptionListener((l, what) -> System.err.println(l.getName() + ": " + what.message()));
     * }</pre>
     *
     * @return a handle that removes the listener
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
     * Adds a listener for the events of this loop: tasks that begin and end, exceptions, slow steps, lag. It is held
     * until it is removed. A listener that is added twice is told twice. May be called from any thread.
     *
     * @return a handle that removes the listener
     * @since 0.1
     */
    public Disposable addListener(LoopListener listener) {
        return events.listeners.add(listener);
    }

    /**
     * Returns counts of the loop's pending and past work. May be called from any thread, at the cost of reading a few
     * fields.
     *
     * @since 0.1
     */
    public LoopStatistics statistics() {
        return new LoopStatistics(
                tasks.size(),
                core.readyCount(),
                core.timerCount(),
                core.channelCount(),
                events.connections.get(),
                events.children.get(),
                core.ticks(),
                core.polls(),
                executor.active(),
                executor.queued());
    }

    // ---- executors

    /**
     * Calls a blocking function in an executor and returns a Future of its result. Cancelling the Future keeps the
     * function from starting, but does not stop a running one: its later result or error goes to
     * {@code Operators.onDiscard} or {@code onErrorDropped}. A function that returns a Publisher fails. The function
     * sees the {@link Asyncio#currentContext()} of the code that calls this.
     *
     * <p>{@link Asyncio#toThread} is the cold form.
     *
     * @param executor the executor to use, or null for the default executor: platform threads of the loop
     * @throws IllegalStateException if the loop is closed; with the default executor, if that was shut down
     * @throws java.util.concurrent.RejectedExecutionException if the executor rejects the function
     */
    public <T> Future<T> runInExecutor(@Nullable Executor executor, Callable<? extends T> function) {
        Objects.requireNonNull(function, "function");
        if (core.isClosed()) {
            throw Misuse.loopClosed();
        }
        return ExecutorJob.submit(
                this, executor == null ? defaultExecutor() : executor, function, ThreadLocals.current());
    }

    /** Returns the executor of {@link Asyncio#toThread}. */
    ExecutorService defaultExecutor() {
        if (core.isClosed()) {
            throw Misuse.loopClosed();
        }
        return executor.get();
    }

    /**
     * Sets the executor of {@link Asyncio#toThread} and of {@link #runInExecutor} with null. From then on it belongs to
     * the loop and is shut down with it. The previous one is released unchanged.
     *
     * @throws IllegalStateException if the default executor was shut down
     */
    public void setDefaultExecutor(ExecutorService executor) {
        this.executor.set(Objects.requireNonNull(executor, "executor"));
    }

    /** Like {@link #shutdownDefaultExecutor(Duration)}, without a limit. */
    public Mono<Void> shutdownDefaultExecutor() {
        return Mono.defer(() -> shutDownAndJoin(null)).then();
    }

    /**
     * Shuts down the default executor: it accepts no more functions, and the Mono completes when the accepted ones have
     * ended and its threads have terminated or, with a warning, when the timeout has passed. Nothing happens until
     * subscription; cancelling only ends the wait. {@link Asyncio#run} does this at its end.
     *
     * @param timeout in real time, also on a loop with virtual time
     */
    public Mono<Void> shutdownDefaultExecutor(Duration timeout) {
        Objects.requireNonNull(timeout, "timeout");
        return Mono.defer(() -> shutDownAndJoin(timeout))
                .doOnNext(joined -> {
                    if (!joined) {
                        Log.warn(
                                "The default executor of " + this + " did not finish joining its threads within "
                                        + timeout + ": functions that were given to "
                                        + "toThread or runInExecutor still run, and their outcome is lost",
                                null);
                    }
                })
                .then();
    }

    /** Completes with whether all its threads have ended in time. */
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
     * {@link CancelledException} at its emit, and its subscriber an error. Completes when all have ended, including
     * their clean-up. Nothing happens until subscription; cancelling only ends the wait. Generators that begin later
     * cause a warning. {@link Asyncio#run} does this at its end, when the other tasks have ended.
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

    /** Returns whether debug mode is on. */
    public boolean getDebug() {
        return debug;
    }

    /**
     * Turns debug mode on or off; it is on from the start with {@code -Dasyncio.debug.enabled=true} or
     * {@code ASYNCIO_DEBUG=1} in the environment. It detects mistakes, and records where Futures, tasks, callbacks and
     * coroutines were made: see the page "Developing and debugging". May be called from any thread.
     */
    public void setDebug(boolean enabled) {
        if (enabled) {
            DebugMode.everOn = true;
        }
        debug = enabled;
    }

    /**
     * Returns the longest time that a callback, a step of a body or the handling of IO may take in debug mode without
     * being logged; by default 100 ms, as in asyncio, or the value of {@code -Dasyncio.debug.slow-callback}.
     */
    public Duration getSlowCallbackDuration() {
        return Duration.ofNanos(slowCallbackNanos);
    }

    /** Sets {@link #getSlowCallbackDuration()}. asyncio: {@code loop.slow_callback_duration}. */
    public void setSlowCallbackDuration(Duration duration) {
        slowCallbackNanos = saturatedNanos(duration);
    }

    /**
     * Starts or stops logging, for all loops, Reactor operators that are assembled on a loop and never subscribed to,
     * such as {@code users.save(user).then();} as a statement, with the place. It is on from the start with
     * {@code -Dasyncio.debug.operators=true}. This uses a {@link reactor.core.publisher.Hooks#onEachOperator Reactor
     * hook} and is meant for debugging: each operator that is assembled on a loop costs 1 to 3 microseconds more,
     * depending on the depth of the stack; a chain of four costs 5 to 13, where Reactor's own debug mode adds 6 to 15.
     * May be called from any thread; operators that are already assembled are not affected.
     */
    public static void trackOperators(boolean enabled) {
        OperatorTracking.turn(enabled, ColdMono::adoptIfOwn);
    }

    long slowCallbackNanos() {
        return slowCallbackNanos;
    }

    // ---- views

    /**
     * Returns this loop as a Reactor {@link Scheduler} on the loop's clock: {@code publishOn(loop.scheduler())},
     * {@code Mono.delay(d, loop.scheduler())}. Disposing it does nothing.
     */
    public Scheduler scheduler() {
        return scheduler;
    }

    /**
     * Returns this loop as a Netty event loop: for channels, and as the only loop of a Reactor Netty
     * {@code LoopResources}.
     */
    public IoEventLoop netty() {
        return core;
    }

    /**
     * Returns the name of its threads and of its records in logs and tools: {@code asyncio-1}.
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
