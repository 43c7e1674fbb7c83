package asyncio;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoRegistration;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.util.concurrent.Queues;

/**
 * asyncio's {@code _run_once} over any Netty {@code IoHandler}. It selects (blocking only if nothing is ready), moves
 * due timers to the ready queue, notes how many entries are ready, and lets its driver run exactly those; so a callback
 * that reschedules itself starves neither timers nor IO.
 *
 * <p>The owner, the thread that counts as "in the event loop", moves: to whoever calls {@code runForever}, and with the
 * loop from one body to the next (see {@link LoopDriver}). Everything here but {@link #enqueue} and {@link #hold} is
 * for the owner only.
 */
final class LoopCore extends NettyEventLoop {
    /**
     * Bodies may pass the loop among themselves for this long before IO is polled again; a poll means a thread switch
     * for them.
     */
    private static final long POLL_INTERVAL_NANOS = 100_000;

    /**
     * Reading the clock costs as much as a short step. While steps are short, at least this many go by between two
     * readings; who follows them with a long one delays IO by no more than as many steps.
     */
    private static final int STEPS_BETWEEN_READINGS = 16;

    private static final long SHORT_NANOS = 5_000;

    private static final long MILLI = 1_000_000;
    private static final Runnable NOTHING = () -> {};

    private final EventLoop loop;
    private final boolean wholeMillis;
    private final @Nullable MockTicker virtualClock;
    /** A seeded schedule; null for the plain order. */
    private final @Nullable StepOrder order;

    private final @Nullable LateTimers lateTimers;
    private final Closers closers = new Closers();
    private final Queue<Runnable> inbox =
            Queues.<Runnable>unboundedMultiproducer().get();
    private final Ring<Runnable> ready = new Ring<>(256);
    /**
     * Waiters for which there was no room in one of the two above, linked by {@code next}, the last first: they were
     * told once, and nobody will tell them again.
     */
    private final AtomicReference<@Nullable Waiter> spilled = new AtomicReference<>();

    private final TimerQueue timers = new TimerQueue();
    /** When the last one goes the loop may be asleep, with a clock that could go on. */
    final TimeHolds holds = new TimeHolds(this::wakeUp);

    private final IoHandlerContext ioContext = new IoContext();
    private volatile boolean closed;
    private boolean initialized;
    private boolean mayBlock;
    private long lastPoll;
    private long lastReading;
    private int stepsUntilReading;
    private int todo;
    /** The subscriber that the entry which is running tells of the end of its Mono, if it does that. */
    private @Nullable CoreSubscriber<?> signalled;
    /** How long, in real time, the select that is under way may take at most; zero for as long as it takes. */
    private long quietNanos;
    /** Virtual time has nothing to jump to, and the monitor has looked: the select may sleep. */
    private boolean asleep;

    /** Of what Netty's {@code IoHandler} watches; used by the owner. */
    private final List<IoRegistration> registrations = new ArrayList<>();

    /** Set by {@code stop()}: the current tick is the last. */
    volatile boolean stopping;
    /** Whether the owner is blocked in select, for the watchdog. */
    volatile boolean selecting;

    LoopCore(EventLoop loop, IoHandlerFactory factory, Ticker ticker, long seed) {
        super(factory, ticker);
        this.loop = loop;
        this.wholeMillis = io instanceof NioIoHandler;
        this.virtualClock = ticker instanceof MockTicker mock ? mock : null;
        this.order = seed == 0 ? null : new StepOrder(seed, virtualClock != null);
        this.lateTimers = seed == 0 || virtualClock == null ? null : new LateTimers(seed, timers, ticker.nanoTime());
    }

    void initialize() {
        if (!initialized) {
            initialized = true;
            io.initialize();
        }
    }

    // ---- the ready queue, from any thread

    @Override
    boolean enqueue(Runnable entry) {
        if (closed) {
            return false;
        }
        if (inEventLoop()) {
            try {
                ready.add(entry);
            } catch (OutOfMemoryError e) {
                spill(entry, e);
            }
            return true;
        }
        try {
            Memory.need();
            inbox.add(entry);
        } catch (OutOfMemoryError e) {
            spill(entry, e);
        }
        if (closed) {
            // close() may have looked at the inbox before the line above: whoever comes last takes the entry out again
            return !abandonInbox(entry);
        }
        io.wakeup();
        return true;
    }

    /** Keeps a waiter without allocating anything; who wants something else of the loop can be told that it failed. */
    private void spill(Runnable entry, OutOfMemoryError e) {
        if (!(entry instanceof Waiter waiter)) {
            throw e;
        }
        Waiter before;
        do {
            before = spilled.get();
            waiter.next = before;
        } while (!spilled.compareAndSet(before, waiter));
    }

    /** Moves as many of them to the ready queue as there is room for. */
    private void takeSpilled() {
        Waiter first = null;
        for (Waiter waiter = spilled.getAndSet(null); waiter != null; ) {
            Waiter next = waiter.next;
            waiter.next = first; // the first first
            first = waiter;
            waiter = next;
        }
        while (first != null) {
            Waiter next = first.next;
            first.next = null;
            enqueueHere(first);
            first = next;
        }
    }

    private void enqueueHere(Waiter waiter) {
        try {
            ready.add(waiter);
        } catch (OutOfMemoryError e) {
            spill(waiter, e);
        }
    }

    /**
     * Empties the inbox of a closed loop; entries other than {@code own} that resume somebody run here. True if
     * {@code own} was among them.
     */
    private boolean abandonInbox(@Nullable Runnable own) {
        List<Runnable> left = new ArrayList<>();
        boolean found = false;
        synchronized (inbox) {
            for (Runnable entry; (entry = inbox.poll()) != null; ) {
                if (entry == own) {
                    found = true;
                } else {
                    left.add(entry);
                }
            }
            for (Waiter waiter = spilled.getAndSet(null), next; waiter != null; waiter = next) {
                next = waiter.next;
                waiter.next = null;
                if (waiter == own) {
                    found = true;
                } else {
                    left.add(waiter);
                }
            }
        }
        Error error = abandonAll(left);
        if (error != null) {
            throw error;
        }
        return found;
    }

    /**
     * What becomes of an entry whose loop is closed: a callback is dropped as asyncio does, a waiter is told on this
     * thread, a task ends before its first step; and Netty's entries run, since somebody may wait for them, or they
     * hold a buffer.
     */
    private static void abandon(Runnable entry) {
        if (entry instanceof Waiter waiter) {
            waiter.loopClosed();
        } else if (entry instanceof TaskStart start) {
            Task<?> task = start.task();
            task.finishWith(new CancelledException("The event loop was closed before " + task.getName() + " began"));
        } else if (entry instanceof TimerChange change) {
            if (change.add) {
                abandon(change.timer.action());
            }
        } else if (!(entry instanceof Handle)) {
            safeExecute(entry);
        }
    }

    /** All of them, whatever one throws; the first Error. */
    private static @Nullable Error abandonAll(Iterable<Runnable> entries) {
        Error error = null;
        for (Runnable entry : entries) {
            try {
                abandon(entry);
            } catch (RuntimeException e) {
                Log.error("Exception in " + Log.text(entry) + " of an event loop that is closed", e);
            } catch (Error e) {
                error = error == null ? e : error;
            }
        }
        return error;
    }

    /** Keeps virtual time from jumping until it is disposed of, from any thread. */
    Disposable hold(Object holder, @Nullable Origin origin) {
        return virtualClock == null ? Disposables.disposed() : holds.add(holder, origin);
    }

    /** Makes the loop look again at what it waits for, from any thread. */
    void wakeUp() {
        if (!inEventLoop()) {
            enqueue(NOTHING);
        }
    }

    // ---- the tick, by the owner

    /** Select, due timers, and the number of entries that make up this tick. */
    void beginTick(boolean block) {
        mayBlock = block;
        if (select() == 0 && ready.isEmpty() && timeMayPass()) {
            if (loop.monitor != null) {
                whenIdle(loop.monitor);
            } else if (nothingCame()) {
                jump();
            }
        }
        countTick();
    }

    /** IO and due timers; how many handles had IO. */
    private int select() {
        long deadline = nextDeadline();
        int handled = io.run(ioContext);
        if (selecting) {
            selecting = false;
            if (handled == 0 && loop.getDebug() && deadline != TimerQueue.NONE) {
                DebugMode.checkLateness(loop, ticker.nanoTime() - deadline);
            }
        }
        lastPoll = System.nanoTime();
        lastReading = lastPoll;
        collectReady();
        return handled;
    }

    /** To be asked when nobody holds the time any more: a thread may have sent its result just before it let go. */
    private boolean nothingCame() {
        collectReady();
        return ready.isEmpty();
    }

    /** Nothing is ready: virtual time jumps to the next timer. */
    private void jump() {
        if (lateTimers != null) {
            lateTimers.beforeJump(nettyDeadline());
        }
        Objects.requireNonNull(virtualClock)
                .advance(Math.max(0, nextDeadline() - ticker.nanoTime()), TimeUnit.NANOSECONDS);
        if (lateTimers != null) {
            lateTimers.afterJump(ticker.nanoTime());
        }
        collectReady();
    }

    /** What a monitor wants to happen before a jump, or in its place. */
    private void whenIdle(LoopMonitor monitor) {
        boolean timers = nextDeadline() != TimerQueue.NONE;
        long quiet = EventLoop.saturatedNanos(monitor.quietTime(timers, mayHearFromOutside(timers)));
        if (quiet > 0 && (!mayBlock || !isQuietFor(quiet))) {
            return; // if it may not block, a thread will come that may
        }
        if (!nothingCame()) {
            return;
        }
        long next = nextDeadline();
        monitor.idle(loop, next == TimerQueue.NONE ? null : Duration.ofNanos(next));
        if (!nothingCame() || !timeMayPass()) {
            return;
        }
        if (nextDeadline() != TimerQueue.NONE) {
            jump();
        } else {
            asleep = true;
            try {
                select();
            } finally {
                asleep = false;
            }
        }
    }

    /** Waits for IO; false if anything has come, or may come, meanwhile. */
    private boolean isQuietFor(long nanos) {
        long end = System.nanoTime() + nanos;
        try {
            // a select may end early, by a wake-up that was meant for an earlier one
            for (quietNanos = nanos; quietNanos > 0; quietNanos = end - System.nanoTime()) {
                if (select() > 0 || !ready.isEmpty() || !timeMayPass()) {
                    return false;
                }
            }
            return true;
        } finally {
            quietNanos = 0;
        }
    }

    private boolean mayHearFromOutside(boolean timers) {
        return openChannels() > 0 || !timers && loop.tasks.snapshot().stream().anyMatch(Task::awaitsForeign);
    }

    /** How many channels have a descriptor that is watched; by the owner. */
    int openChannels() {
        registrations.removeIf(registration -> !registration.isValid());
        return registrations.size();
    }

    @Override
    public Future<IoRegistration> register(IoHandle handle) {
        Future<IoRegistration> registered = super.register(handle);
        if (loop.monitor != null && io.isCompatible(handle.getClass())) {
            registered.addListener(done -> {
                if (done.isSuccess()) {
                    registrations.add(registered.getNow());
                }
            });
        }
        return registered;
    }

    @Override
    void pollSoon() {
        stepsUntilReading = 0;
        lastPoll = System.nanoTime() - POLL_INTERVAL_NANOS;
    }

    /** As {@link #beginTick} without IO; false if there is nothing to run, or IO has waited long enough. */
    boolean beginTickWithoutIo() {
        if (stepsUntilReading <= 0) {
            long now = System.nanoTime();
            if (now - lastPoll >= POLL_INTERVAL_NANOS) {
                return false;
            }
            stepsUntilReading = now - lastReading < SHORT_NANOS ? STEPS_BETWEEN_READINGS : 0;
            lastReading = now;
        }
        collectReady();
        countTick();
        stepsUntilReading -= todo;
        return todo > 0;
    }

    /** Whether only IO, a timer or another thread can bring the next entry. */
    boolean isIdle() {
        return ready.isEmpty() && inbox.isEmpty() && spilled.get() == null;
    }

    int todo() {
        return todo;
    }

    /** The next entry of this tick; null when the tick is over. */
    @Nullable Runnable peek() {
        return todo > 0 ? ready.peek() : null;
    }

    Runnable poll() {
        todo--;
        return ready.remove();
    }

    /** Runs an entry, noting whom it tells of the end of a Mono. */
    void runEntry(Runnable entry) {
        CoreSubscriber<?> subscriber = entry instanceof Waiter waiter ? waiter.subscriber() : null;
        if (subscriber == null) {
            entry.run(); // may hand the loop on, after which nothing here may be touched
            return;
        }
        signalled = subscriber;
        try {
            entry.run();
        } finally {
            signalled = null;
        }
    }

    @Nullable CoreSubscriber<?> signalled() {
        return signalled;
    }

    /** Puts an entry before all others, as the rest of the one that is running: it belongs to the same tick. */
    boolean enqueueNext(Runnable rest) {
        if (closed) {
            return false;
        }
        try {
            ready.addFirst(rest);
        } catch (OutOfMemoryError e) {
            return false; // the usual way needs no memory
        }
        todo++;
        return true;
    }

    private void countTick() {
        todo = order == null ? ready.size() : order.arrange(ready);
    }

    private void collectReady() {
        if (spilled.get() != null) {
            takeSpilled();
        }
        while (!inbox.isEmpty() && hasRoom()) {
            Runnable entry = inbox.poll();
            if (entry instanceof TimerChange) {
                entry.run();
            } else if (entry != null) {
                ready.add(entry);
            }
        }
        if (nextDeadline() == TimerQueue.NONE) {
            return;
        }
        long now = ticker.nanoTime();
        // two sources of timers, ours and Netty's, in one order of deadlines
        while (nextDeadline() <= now && hasRoom()) {
            if (timers.nextDeadline() <= nettyDeadline()) {
                ready.add(timers.poll().action());
            } else {
                ready.add(Objects.requireNonNull(pollScheduledTask(now)));
            }
        }
    }

    /**
     * Whether there is memory for one entry more, before it is taken from where it is; if not, what is ready has its
     * turn first.
     */
    private boolean hasRoom() {
        try {
            ready.reserve();
            timers.reserve();
            return true;
        } catch (OutOfMemoryError e) {
            return false;
        }
    }

    private long nettyDeadline() {
        long deadline = nextScheduledTaskDeadlineNanos();
        return deadline == -1 ? TimerQueue.NONE : deadline;
    }

    private long nextDeadline() {
        return Math.min(timers.nextDeadline(), nettyDeadline());
    }

    /** Whether time is virtual and nobody holds it, so that the loop need not wait for what is real. */
    private boolean timeMayPass() {
        return virtualClock != null
                && !stopping
                && holds.none()
                && (loop.monitor != null || nextDeadline() != TimerQueue.NONE);
    }

    // ---- timers

    /** Adds a timer, from any thread; false if the loop is closed. */
    boolean addTimer(TimerQueue.Entry timer) {
        if (closed) {
            return false;
        }
        if (inEventLoop()) {
            timers.add(timer);
            return true;
        }
        return enqueue(new TimerChange(timers, timer, true));
    }

    /** Removes a timer if it is there, from any thread. */
    void removeTimer(TimerQueue.Entry timer) {
        if (inEventLoop()) {
            timers.remove(timer);
        } else {
            enqueue(new TimerChange(timers, timer, false));
        }
    }

    /** What another thread wants of the timers: done when the loop looks into its inbox, not a tick later. */
    private record TimerChange(TimerQueue timers, TimerQueue.Entry timer, boolean add) implements Runnable {
        @Override
        public void run() {
            if (add) {
                timers.add(timer);
            } else {
                timers.remove(timer);
            }
        }
    }

    /** How many timers there are. */
    int timerCount() {
        return timers.size();
    }

    long now() {
        return ticker.nanoTime();
    }

    // ---- closing

    @Override
    boolean isClosed() {
        return closed;
    }

    /**
     * Closes the channels, drops the callbacks, tells the waiters; by a thread that owns the loop, which does not run.
     *
     * @return the first Error that one of these has thrown
     */
    @Nullable Error close() {
        initialize(); // a handler that was never initialized cannot be destroyed
        cancelScheduledTasks();
        Error error = runReadyAtClose(); // the last flush of what was written in this tick
        closing = true;
        error = first(error, closers.run(loop));
        io.prepareToDestroy();
        // closing channels queues their last events; they may queue more, but not for ever
        for (int round = 0; round < 16 && !(ready.isEmpty() && inbox.isEmpty()); round++) {
            error = first(error, runReadyAtClose());
        }
        closed = true;
        error = first(error, abandonAll(ready));
        ready.clear();
        try {
            abandonInbox(null);
        } catch (Error e) {
            error = first(error, e);
        }
        io.destroy();
        terminated();
        return error;
    }

    /** Runs an action when the loop is closed, on the thread that does; at once if it has been. */
    Disposable onClose(Runnable action) {
        return closers.add(action, this::isShuttingDown);
    }

    private @Nullable Error runReadyAtClose() {
        collectReady();
        while (timers.size() > 0) { // also those that were still in the inbox: who sleeps on one is told
            ready.add(timers.poll().action());
        }
        List<Runnable> entries = new ArrayList<>(ready);
        ready.clear();
        return abandonAll(entries);
    }

    private static @Nullable Error first(@Nullable Error before, @Nullable Error next) {
        return before == null ? next : before;
    }

    private final class IoContext implements IoHandlerContext {
        @Override
        public boolean canBlock() {
            // the inbox too: on epoll a wake-up is a no-op while the loop is awake
            boolean block = mayBlock
                    && ready.isEmpty()
                    && inbox.isEmpty()
                    && spilled.get() == null
                    && !stopping
                    && (quietNanos > 0 || asleep || !timeMayPass());
            selecting = block;
            return block;
        }

        @Override
        public boolean shouldReportActiveIoTime() {
            return loop.getDebug();
        }

        @Override
        public void reportActiveIoTime(long activeNanos) {
            DebugMode.checkIoDuration(loop, activeNanos);
        }

        @Override
        public long delayNanos(long currentTimeNanos) {
            if (quietNanos > 0) {
                return quietNanos;
            }
            long deadline = deadlineNanos();
            if (deadline == -1) {
                return Long.MAX_VALUE / 2;
            }
            long delay = Math.max(0, deadline - ticker.nanoTime());
            // a selector counts in milliseconds; rounded down, it would spin through the last one
            return wholeMillis ? (delay + MILLI - 1) / MILLI * MILLI : delay;
        }

        @Override
        public long deadlineNanos() {
            if (quietNanos > 0) {
                return System.nanoTime()
                        + quietNanos; // another one each time: epoll leaves a timer alone that it knows
            }
            long deadline = nextDeadline();
            return deadline == TimerQueue.NONE || virtualClock != null ? -1 : deadline;
        }
    }
}
