package asyncio.internal.loop;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoRegistration;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Promise;
import io.netty.util.concurrent.Ticker;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * asyncio's {@code _run_once} over any Netty {@code IoHandler}. It selects (blocking only if nothing is ready), moves
 * due timers to the ready queue, notes how many entries are ready, and lets its driver run exactly those; so a callback
 * that reschedules itself starves neither timers nor IO.
 *
 * <p>The owner, the thread that counts as "in the event loop", changes: it is the thread that calls {@code runForever},
 * and moves with the loop from one body to the next (see {@link LoopDriver}). Methods are for the owner only, except
 * {@link #enqueue}, {@link #hold} and those marked "from any thread".
 */
public final class LoopCore extends NettyEventLoop {
    /**
     * The time for which bodies may pass the loop among themselves before IO is polled again; a poll costs them a
     * thread switch.
     */
    private static final long POLL_INTERVAL_NANOS = 100_000;

    /**
     * Reading the clock costs as much as a short step. While steps are short, at least this many run between two
     * readings; if long ones follow, they delay IO by at most this many steps.
     */
    private static final int STEPS_BETWEEN_READINGS = 16;

    private static final long SHORT_NANOS = 5_000;

    private static final long MILLI = 1_000_000;
    private static final Runnable NOTHING = () -> {};

    private final LoopObserver observer;
    private final @Nullable IdleObserver idleObserver;
    private final boolean wholeMillis;
    /** Whether it accepts channels of {@code java.nio} although it uses epoll. */
    private final boolean nests;

    private @Nullable NestedSelector nested;
    /** Whether an entry has run since {@link #nested} last selected. */
    boolean stepped;

    private final @Nullable MockTicker virtualClock;
    /** A seeded schedule; null for the plain order. */
    private final @Nullable StepOrder order;

    private final @Nullable LateTimers lateTimers;
    private final Closers closers = new Closers();
    /** The channels that are watched for other code. */
    public final ChannelWatches watches = new ChannelWatches(this);
    /** The descriptors that are watched for others. */
    public final DescriptorWatches descriptors;

    private final Queue<Runnable> inbox;
    private final Ring<Runnable> ready = new Ring<>(256);
    /**
     * Entries that did not fit in one of the two above, linked, the last first: they are enqueued only once, so they
     * must not be lost.
     */
    private final AtomicReference<@Nullable Entry> spilled = new AtomicReference<>();

    private final TimerQueue timers = new TimerQueue();
    /** The release of the last hold wakes the loop, which may be asleep although its clock could move on. */
    private final TimeHolds holds = new TimeHolds(this::wakeUp);

    private final IoHandlerContext ioContext = new IoContext();
    private volatile boolean closed;
    private boolean initialized;
    private boolean mayBlock;
    private long lastPoll;
    private long lastReading;
    private int stepsUntilReading;
    private int todo;
    private @Nullable Object signalled;
    /** The number so far; written by the owner. */
    private long ticks;

    private long polls;
    /** Whether Netty's handler passes on the events that its poll has found. */
    private boolean polling;
    /** The longest real time that the current select may take; zero for no limit. */
    private long quietNanos;
    /**
     * Whether the select may sleep, because virtual time has nothing to jump to and the idle observer has been called.
     */
    private boolean asleep;

    /** The handles that Netty's {@code IoHandler} watches; used by the owner. */
    private final List<IoRegistration> registrations = new ArrayList<>();

    /** Set by {@code stop()}: the current tick is the last one. */
    private volatile boolean stopping;
    /** Whether the owner is blocked in select, for the watchdog. */
    private volatile boolean selecting;

    /**
     * Makes a loop that does not run yet.
     *
     * @param seed the seed of the schedule; zero for the plain order
     * @param inbox an empty queue for many producers and one consumer
     * @param idleObserver called before virtual time jumps; may be null
     */
    public LoopCore(
            IoHandlerFactory factory,
            Ticker ticker,
            long seed,
            Queue<Runnable> inbox,
            LoopObserver observer,
            @Nullable IdleObserver idleObserver) {
        super(factory, ticker);
        this.inbox = inbox;
        this.observer = observer;
        this.idleObserver = idleObserver;
        this.wholeMillis = io instanceof NioIoHandler;
        boolean epoll = Transports.isEpoll(io);
        this.nests = epoll && NestedSelector.isWanted();
        this.descriptors = new DescriptorWatches(this, epoll);
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
    public boolean enqueue(Runnable entry) {
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
            // close() may have emptied the inbox before the line above: the last to come removes the entry
            return !abandonInbox(entry);
        }
        io.wakeup();
        return true;
    }

    /** Keeps an entry without allocating; throws if that is not possible, since such callers can handle the failure. */
    private void spill(Runnable entry, OutOfMemoryError e) {
        if (!(entry instanceof Entry kept) || !kept.link(null)) {
            throw e;
        }
        Entry before;
        do {
            before = spilled.get();
            kept.link(before);
        } while (!spilled.compareAndSet(before, kept));
    }

    /** Moves as many spilled entries to the ready queue as there is room for. */
    private void takeSpilled() {
        Entry first = null;
        for (Entry entry = spilled.getAndSet(null); entry != null; ) {
            Entry next = entry.linked();
            entry.link(first); // reverses the list
            first = entry;
            entry = next;
        }
        while (first != null) {
            Entry next = first.linked();
            first.link(null);
            enqueueHere(first);
            first = next;
        }
    }

    private void enqueueHere(Entry entry) {
        try {
            ready.add(entry);
        } catch (OutOfMemoryError e) {
            spill(entry, e);
        }
    }

    /**
     * Empties the inbox of a closed loop; entries other than {@code own} are told of the close here. Returns true if
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
            for (Entry entry = spilled.getAndSet(null), next; entry != null; entry = next) {
                next = entry.linked();
                entry.link(null);
                if (entry == own) {
                    found = true;
                } else {
                    left.add(entry);
                }
            }
        }
        Error error = abandonAll(left);
        if (error != null) {
            throw error;
        }
        return found;
    }

    /** Tells an entry that the loop is closed. Netty's entries run, since they may have waiters or hold a buffer. */
    private static void abandon(Runnable entry) {
        if (entry instanceof Entry own) {
            own.loopClosed();
        } else {
            safeExecute(entry);
        }
    }

    /** Abandons all entries, even if one throws; returns the first Error. */
    private @Nullable Error abandonAll(Iterable<Runnable> entries) {
        Error error = null;
        for (Runnable entry : entries) {
            try {
                abandon(entry);
            } catch (RuntimeException e) {
                observer.failedAtClose(entry, e);
            } catch (Error e) {
                error = error == null ? e : error;
            }
        }
        return error;
    }

    /** Tells the exception handler of something that failed and is nobody's call. */
    void report(Runnable what, Exception e) {
        observer.failed(what, e);
    }

    /** Keeps virtual time from jumping until the returned hold is released, from any thread; null if time is real. */
    public TimeHolds.@Nullable Hold hold(Object holder, @Nullable Throwable site) {
        return virtualClock == null ? null : holds.add(holder, site);
    }

    /** Returns the holds that keep virtual time from jumping. */
    public List<TimeHolds.Hold> holds() {
        return holds.snapshot();
    }

    /** Makes the current tick the last one. */
    public void stopAfterTick() {
        stopping = true;
    }

    boolean isStopping() {
        return stopping;
    }

    void stopped() {
        stopping = false;
    }

    /** Returns whether the owner is blocked in select, for the watchdog. */
    public boolean isSelecting() {
        return selecting;
    }

    /** Makes the loop check its wait conditions again, from any thread. */
    public void wakeUp() {
        if (!inEventLoop()) {
            enqueue(NOTHING);
        }
    }

    // ---- the tick, by the owner

    /** Selects, collects due timers, and counts the entries that make up this tick. */
    void beginTick(boolean block) {
        mayBlock = block;
        if (select() == 0 && ready.isEmpty() && timeMayPass()) {
            if (idleObserver != null) {
                whenIdle(idleObserver);
            } else if (nothingCame()) {
                jump();
            }
        }
        countTick();
    }

    /** Handles IO and collects due timers; returns the number of handles that had IO. */
    private int select() {
        long deadline = nextDeadline();
        polling = true;
        int handled = io.run(ioContext);
        polling = false;
        if (nested != null) {
            handled += nested.run();
        }
        if (selecting) {
            selecting = false;
            if (handled == 0 && observer.measures() && deadline != TimerQueue.NONE) {
                observer.late(ticker.nanoTime() - deadline);
            }
        }
        polls++;
        lastPoll = System.nanoTime();
        lastReading = lastPoll;
        collectReady();
        return handled;
    }

    /**
     * Returns whether nothing is ready; checked once there are no holds, since a thread may have sent its result just
     * before it released its hold.
     */
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

    /** Calls the observer before a jump, or in place of one. */
    private void whenIdle(IdleObserver idle) {
        boolean timers = nextDeadline() != TimerQueue.NONE;
        long quiet = idle.quietNanos(timers, openChannels() > 0);
        if (quiet > 0 && (!mayBlock || !isQuietFor(quiet))) {
            return; // if this thread may not block, one that may will come
        }
        if (!nothingCame()) {
            return;
        }
        idle.idle(nextDeadline());
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

    /** Waits for IO; returns false if anything came meanwhile, or may come. */
    private boolean isQuietFor(long nanos) {
        long end = System.nanoTime() + nanos;
        try {
            // a select may end early because of a wake-up meant for an earlier one
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

    /** Returns whether this loop has a selector of {@code java.nio}, or may nest one in its epoll. */
    boolean selects() {
        return wholeMillis || nests;
    }

    /** Returns the number of channels with a watched descriptor; called by the owner. */
    private int openChannels() {
        registrations.removeIf(registration -> !registration.isValid());
        return registrations.size() + watches.foreign() + descriptors.size();
    }

    @Override
    public Future<IoRegistration> register(IoHandle handle) {
        Future<IoRegistration> registered = super.register(handle);
        if (idleObserver != null && isCompatible(handle.getClass())) {
            registered.addListener(done -> {
                if (done.isSuccess()) {
                    registrations.add(registered.getNow());
                }
            });
        }
        return registered;
    }

    @Override
    IoRegistration registerNow(IoHandle handle) throws Exception {
        descriptors.registering(handle);
        try {
            return super.registerNow(handle);
        } catch (Exception e) {
            descriptors.deregistered(handle);
            throw e;
        }
    }

    @Override
    void deregistered(IoHandle handle) {
        super.deregistered(handle);
        descriptors.deregistered(handle);
    }

    @Override
    void register(IoHandle handle, Promise<IoRegistration> promise) {
        if (!nests || io.isCompatible(handle.getClass()) || !NestedSelector.takes(handle.getClass())) {
            super.register(handle, promise);
            return;
        }
        try {
            if (nested == null) {
                nest(SelectorProbe::descriptorOf);
            }
            Objects.requireNonNull(nested).register(handle, promise);
        } catch (RuntimeException e) { // for example, no descriptor is left for a selector
            promise.tryFailure(e);
        }
    }

    /** Nests a selector in epoll from now on, if its descriptor can be found. */
    void nest(NestedSelector.Probe probe) {
        nested = new NestedSelector(this, probe);
    }

    @Override
    public boolean isCompatible(Class<? extends IoHandle> handleType) {
        return super.isCompatible(handleType) || nests && NestedSelector.takes(handleType);
    }

    @Override
    void pollSoon() {
        stepsUntilReading = 0;
        lastPoll = System.nanoTime() - POLL_INTERVAL_NANOS;
    }

    /** Like {@link #beginTick}, without IO; returns false if there is nothing to run, or IO has waited long enough. */
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

    /** Returns whether only IO, a timer or another thread can bring the next entry. */
    boolean isIdle() {
        return ready.isEmpty() && inbox.isEmpty() && spilled.get() == null;
    }

    int todo() {
        return todo;
    }

    /** Returns the next entry of this tick; null when the tick has ended. */
    @Nullable Runnable peek() {
        return todo > 0 ? ready.peek() : null;
    }

    Runnable poll() {
        Runnable entry = ready.remove(); // a StackOverflowError there must change nothing
        todo--;
        return entry;
    }

    /** Runs an entry, noting the subscriber that it signals the end of a Mono to. */
    void runEntry(Runnable entry) {
        stepped = true;
        Object subscriber = entry instanceof Entry own ? own.signals() : null;
        if (subscriber == null) {
            entry.run(); // may pass the loop on, after which nothing here may be touched
            return;
        }
        signalled = subscriber;
        try {
            entry.run();
        } finally {
            signalled = null;
        }
    }

    /** Returns the subscriber that the running entry signals the end of a Mono to; null if there is none. */
    public @Nullable Object signalled() {
        return signalled;
    }

    /** Puts an entry before all others, as the rest of the running one: it belongs to the same tick. */
    public boolean enqueueNext(Runnable rest) {
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
        ticks++;
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

    /** Returns whether there is memory for one more entry, before it is moved; if not, the ready entries run first. */
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

    /** Returns whether time is virtual and has no holds, so that the loop need not wait in real time. */
    private boolean timeMayPass() {
        return virtualClock != null
                && !stopping
                && holds.none()
                && (idleObserver != null || nextDeadline() != TimerQueue.NONE);
    }

    // ---- timers

    /** Adds a timer, from any thread; false if the loop is closed. */
    public boolean addTimer(TimerQueue.Entry timer) {
        if (closed) {
            return false;
        }
        if (inEventLoop()) {
            timers.add(timer);
            return true;
        }
        return enqueue(new TimerChange(timers, timer, true));
    }

    /** Removes a timer if it is present, from any thread. */
    public void removeTimer(TimerQueue.Entry timer) {
        if (inEventLoop()) {
            timers.remove(timer);
        } else {
            enqueue(new TimerChange(timers, timer, false));
        }
    }

    /** A change to the timers requested by another thread: made when the loop reads its inbox, not a tick later. */
    private static final class TimerChange extends Entry {
        private final TimerQueue timers;
        private final TimerQueue.Entry timer;
        private final boolean add;

        TimerChange(TimerQueue timers, TimerQueue.Entry timer, boolean add) {
            this.timers = timers;
            this.timer = timer;
            this.add = add;
        }

        @Override
        public void run() {
            if (add) {
                timers.add(timer);
            } else {
                timers.remove(timer);
            }
        }

        @Override
        protected void loopClosed() {
            if (add) {
                abandon(timer.action());
            }
        }
    }

    // ---- inspection, from any thread

    /** Returns whether time is virtual. */
    public boolean isVirtual() {
        return virtualClock != null;
    }

    /** Returns the number of entries in the ready queue. */
    public int readyCount() {
        return ready.size();
    }

    /** Returns the number of channels that are registered or watched. */
    public int channelCount() {
        return registered() + watches.foreign();
    }

    /** Returns the number of ticks so far. */
    public long ticks() {
        return ticks;
    }

    /** Returns the number of selects so far. */
    public long polls() {
        return polls;
    }

    /** Returns the number of the poll whose events are being passed on; -1 outside of polls. For the owner. */
    long currentPoll() {
        return polling ? polls : -1;
    }

    /** Returns the number of timers. */
    public int timerCount() {
        return timers.size();
    }

    public long now() {
        return ticker.nanoTime();
    }

    // ---- closing

    @Override
    public boolean isClosed() {
        return closed;
    }

    /**
     * Closes the channels, drops the callbacks, notifies the waiters; called by a thread that owns the loop while it
     * does not run.
     *
     * @return the first Error thrown by one of these
     */
    @Nullable Error close() {
        initialize(); // a handler that was never initialized cannot be destroyed
        cancelScheduledTasks();
        Error error = runReadyAtClose(); // the last flush of the data written in this tick
        closing = true;
        error = first(error, closers.run(observer));
        watches.close();
        descriptors.close();
        if (nested != null) {
            nested.prepareToDestroy();
        }
        io.prepareToDestroy();
        // closing channels queues their last events; they may queue more, but not forever
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
        if (nested != null) {
            nested.destroy();
        }
        io.destroy();
        terminated();
        return error;
    }

    /**
     * Runs an action when the loop is closed, on the closing thread; at once if it is already closed.
     *
     * @return removes the action, unless it has started
     */
    public Runnable onClose(Runnable action) {
        return closers.add(action, this::isShuttingDown);
    }

    private @Nullable Error runReadyAtClose() {
        collectReady();
        while (timers.size() > 0) { // also those that were still in the inbox: their sleepers are told
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
                    && (nested == null || !nested.isDue())
                    && !stopping
                    && (quietNanos > 0 || asleep || !timeMayPass());
            selecting = block;
            return block;
        }

        @Override
        public boolean shouldReportActiveIoTime() {
            return observer.measures();
        }

        @Override
        public void reportActiveIoTime(long activeNanos) {
            observer.io(activeNanos);
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
            // a selector counts in milliseconds; rounded down, it would spin through the last millisecond
            return wholeMillis ? (delay + MILLI - 1) / MILLI * MILLI : delay;
        }

        @Override
        public long deadlineNanos() {
            if (quietNanos > 0) {
                return System.nanoTime() + quietNanos; // differs each time: epoll ignores a known deadline
            }
            long deadline = nextDeadline();
            return deadline == TimerQueue.NONE || virtualClock != null ? -1 : deadline;
        }
    }
}
