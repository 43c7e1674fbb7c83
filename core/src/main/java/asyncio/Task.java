package asyncio;

import asyncio.internal.loop.Entry;
import asyncio.internal.loop.Seated;
import java.io.PrintStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * A running coroutine: a cold {@code Mono} that a loop has started, and the {@link Future} of its result. Made by
 * {@link Asyncio#createTask createTask}.
 *
 * <p><b>Threading.</b> The body, or the subscription to the Mono, runs on the loop; every method may be called from any
 * thread.
 *
 * <p><b>Cancelling.</b> {@link #cancel} is a request. It cancels the Mono that the task awaits, and a body sees it as a
 * {@link CancelledException} thrown by its {@link Asyncio#await await}; {@code finally} blocks run, and may await. The
 * task is done when its body has ended, so awaiting a cancelled task waits for its clean-up. A task that was cancelled
 * before its first step never starts. Cancelling a <em>subscription</em> to a task only detaches that subscriber.
 *
 * <p><b>Errors.</b> A task fails with the exception that its coroutine throws, unchanged. An exception that was never
 * retrieved is logged when the task is garbage-collected.
 *
 * <pre>{@code
 * Task<User> user = createTask(users.find(id));
 * Task<Void> ticker = createTask(async(() -> { while (true) { tick(); await(sleep(Duration.ofSeconds(1))); } }));
 * User found = await(user);
 * ticker.cancel();
 * }</pre>
 *
 * <p>asyncio: {@code Task}, with one difference: a running task is held strongly by its loop.
 *
 * @param <T> the type of the result
 */
public abstract non-sealed class Task<T> extends Future<T> {
    private static final AtomicLong COUNTER = new AtomicLong();
    private static final VarHandle SLOT;
    private static final VarHandle REQUESTS;
    private static final VarHandle LABEL;
    /** The last content of {@link #slot}. */
    private static final Object FINISHED = new Object();

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            SLOT = lookup.findVarHandle(Task.class, "slot", Object.class);
            REQUESTS = lookup.findVarHandle(Task.class, "requests", int.class);
            LABEL = lookup.findVarHandle(Task.class, "label", Object.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final EventLoop loop;
    private final Mono<? extends T> source;
    /** Replaced only by the task itself, by {@link ContextVar#set}. */
    private Context context;

    private final long number = COUNTER.incrementAndGet();
    /** The name that was given, or the {@link TaskRecord} that has it; null for none. */
    private volatile @Nullable Object label;

    /** Cancellations requested and not taken back. */
    private volatile int requests;
    /**
     * The meeting point of {@link #cancel} and the task's own steps. Null: not suspended, no request. A {@link Wait}:
     * suspended on it. A {@link CancelRequest}: to be delivered at the next await. {@link #FINISHED}: too late for
     * requests.
     */
    private volatile @Nullable Object slot;

    /** The work that its awaits left under way; null until an awaited source looks at its context. */
    private volatile @Nullable Cleanups cleanups;
    /** The time limits of its current scopes that have no timer yet, the innermost first; used on the loop. */
    @Nullable UnarmedLimit unarmed;

    /** Link of the {@link Registry}, guarded by it. */
    private @Nullable Task<?> previousTask;

    private @Nullable Task<?> nextTask;

    Task(EventLoop loop, Mono<? extends T> source, @Nullable String name, Context context) {
        super(loop);
        this.loop = loop;
        this.source = source;
        this.label = name;
        this.context = context;
    }

    /**
     * @param late whether it came from another thread while the task was running, or after the value it was meant to
     *     prevent: in a task without a body it then only counts for the next await, not against a result
     */
    private record CancelRequest(@Nullable String message, boolean late) {
        CancelledException exception(EventLoop loop) {
            return CancelledException.of(loop, message);
        }
    }

    // ---- run by the loop

    /** Takes the first step; on the loop. */
    abstract void start();

    /** The unfinished tasks of a loop, held strongly, in the order of their creation. */
    static final class Registry extends Links<Task<?>> {
        @Override
        @Nullable Task<?> previous(Task<?> task) {
            return task.previousTask;
        }

        @Override
        @Nullable Task<?> next(Task<?> task) {
            return task.nextTask;
        }

        @Override
        void setPrevious(Task<?> task, @Nullable Task<?> previous) {
            task.previousTask = previous;
        }

        @Override
        void setNext(Task<?> task, @Nullable Task<?> next) {
            task.nextTask = next;
        }
    }

    /** Returns the thread that the body runs on; null if there is none. */
    @Nullable Thread bodyThread() {
        return null;
    }

    // ---- generators

    /** Returns whether this task runs a generator, which the other tasks of the loop may use until they end. */
    final boolean isGenerator() {
        return source() instanceof GeneratorCoroutine;
    }

    /**
     * Returns the generators of a loop that have started and not ended.
     *
     * <p>asyncio: the weak set behind {@code shutdown_asyncgens}; here a generator is a task, which the loop knows.
     */
    static List<Task<?>> generators(EventLoop loop) {
        return loop.tasks.snapshot().stream().filter(Task::isGenerator).toList();
    }

    /** Cancels and closes generators. */
    static void closeGenerators(Collection<Task<?>> generators) {
        String reason = "The event loop is shut down";
        Future.cancelAll(generators, reason);
        for (Task<?> task : generators) {
            ((GeneratorCoroutine) task.source()).close(reason);
        }
    }

    /** The ready-queue entry for a task's first step. */
    static final class Start extends Entry {
        private final Task<?> task;

        Start(Task<?> task) {
            this.task = task;
        }

        @Override
        public void run() {
            EventLoop loop = task.loop;
            if (task.hasBody()) {
                task.step(null);
                return;
            }
            loop.enterTask(task);
            try (ThreadLocals.Scope locals = ThreadLocals.restore(task.getContext())) {
                task.step(null);
            } finally {
                loop.enterTask(null);
            }
        }

        @Override
        protected @Nullable Seated starts() {
            return task.seated();
        }

        @Override
        protected Object task() {
            return task;
        }

        @Override
        protected void loopClosed() {
            task.finishWith(new CancelledException("The event loop was closed before " + task.getName() + " began"));
        }

        @Override
        public String toString() {
            return task.toString();
        }
    }

    /** Takes the step after a suspension; on the loop. */
    abstract void resume(Wait wait);

    /** Returns whether the task has a body, which needs a thread to run on. */
    final boolean hasBody() {
        return seated() != null;
    }

    /** Returns this task as the loop sees it if it has its own thread, otherwise null. */
    @Nullable Seated seated() {
        return null;
    }

    /** Ends the task because the loop is closed. */
    void unwind(CancelledException closed) {
        finishWith(closed);
    }

    final CancelledException closedWhilePending() {
        return new CancelledException("The event loop was closed while " + getName() + " was pending");
    }

    /** Returns whether {@link #resume} runs code of this library only. */
    abstract boolean resumesInternally();

    final void checkNotItself(Future<?> awaited) {
        if (awaited == (Object) this) {
            throw new IllegalStateException("Task cannot await on itself: " + this);
        }
    }

    /** Takes a step. If it throws, a task without a body ends with the exception, since nothing would resume it. */
    final void step(@Nullable Wait wait) {
        if (hasBody()) {
            takeStep(wait);
            return;
        }
        stepBegins();
        try {
            takeStep(wait);
        } catch (Throwable e) {
            if (!done()) {
                finishWith(e);
            }
            if (e instanceof Error) {
                throw e; // it ends the loop's run
            }
        } finally {
            stepEnds();
        }
    }

    /** Tells the record, if there is one; on the loop. */
    final void stepBegins() {
        if (label instanceof TaskRecord record) {
            record.stepBegins();
        }
    }

    /** Like {@link #stepBegins}. */
    final void stepEnds() {
        if (label instanceof TaskRecord record) {
            record.stepEnds();
        }
    }

    /** Its end is to be recorded; before any other thread knows it. */
    final void recordIn(TaskRecord record) {
        LABEL.set(this, record); // without a fence, which takes longer than all else here
    }

    final @Nullable TaskRecord record() {
        return label instanceof TaskRecord record ? record : null;
    }

    private void takeStep(@Nullable Wait wait) {
        if (wait == null) {
            start();
        } else {
            resume(wait);
        }
    }

    // ---- the scopes that are open in it

    /** Returns the innermost one that guards what the task awaits; null if there is none. On the loop. */
    @Nullable AwaitGuard guard() {
        return null;
    }

    /** Opens or closes one; does nothing in tasks that know them otherwise. */
    void setGuard(@Nullable AwaitGuard guard) {}

    // ---- suspension and cancellation

    /**
     * Suspends the task on {@code wait}, until the loop runs the wait. An earlier request is passed on to the awaited
     * source, as in asyncio; if that has already ended, the request stays and is delivered on resumption.
     */
    final void suspendOn(Wait wait) {
        if (unarmed != null) {
            armAll();
        }
        for (; ; ) {
            Object before = slot;
            if (SLOT.compareAndSet(this, before, wait)) {
                if (before instanceof CancelRequest request && !wait.requestCancel(request.message, null)) {
                    SLOT.compareAndSet(this, wait, request); // a newer request has the same effect
                }
                return;
            }
        }
    }

    private void armAll() {
        for (UnarmedLimit next = unarmed; next != null; ) {
            UnarmedLimit arming = next;
            next = arming.nextUnarmed();
            arming.setNextUnarmed(null);
            arming.arm();
        }
        unarmed = null;
    }

    /** Ends a suspension; returns the exception to throw if a request is waiting to be delivered. */
    final @Nullable CancelledException wakeUp() {
        return SLOT.getAndSet(this, null) instanceof CancelRequest request ? request.exception(loop) : null;
    }

    /** Takes a request that came since the last step and before an await; for a task that never started. */
    final @Nullable CancelledException takeRequest() {
        return slot instanceof CancelRequest ? wakeUp() : null;
    }

    /**
     * Renews a request that was passed to the wait, since the source ended without regard to it; on the loop, before
     * {@link #wakeUp}.
     */
    final void requestAgain(Wait wait, @Nullable String message) {
        if (requests > 0) { // if it was not taken back meanwhile
            SLOT.compareAndSet(this, wait, new CancelRequest(message, false)); // fails only against a newer request
        }
    }

    /** A request that came too late for the wait that has ended: for the next one, or the end. On the loop. */
    final void postpone(CancelledException request) {
        if (requests > 0) { // not taken back meanwhile
            SLOT.compareAndSet(
                    this,
                    null,
                    new CancelRequest(
                            request.getMessage(), true)); // fails against a newer request, or a task that has finished
        }
    }

    /** Returns whether a request waits for the next await. */
    final boolean cancelRequested() {
        return slot instanceof CancelRequest;
    }

    /**
     * Requests cancellation, as {@link #cancel} does; returns the request if it waits for the next await and no other
     * one does, so that {@link #drop} takes back this one only, whatever other threads request meanwhile. Null if
     * others wait, or the awaited source has got it. On the loop.
     */
    final @Nullable Object cancelHere(@Nullable String message) {
        Object before = slot;
        if (before != null && !(before instanceof Wait wait && wait.hasEnded())) {
            cancel(message);
            return null;
        }
        CancelRequest alone = new CancelRequest(message, false);
        if (!countRequest(message)) {
            return null;
        }
        if (SLOT.compareAndSet(this, before, alone)) { // a wait that has ended takes no request
            return alone;
        }
        request(message, null); // another thread was faster
        return null;
    }

    /** Drops that request, if it still waits and no newer one has taken its place. */
    final void drop(Object request) {
        SLOT.compareAndSet(this, request, null);
    }

    /**
     * Ends the task with a result; a request that was not delivered takes precedence, as in asyncio. In a task without
     * a body, the result is a value that its source has handed over, which would be lost: there, a request of another
     * thread that came after that has lost the race, and is refused.
     */
    final void finishWith(@Nullable T result) {
        Object before = SLOT.getAndSet(this, FINISHED);
        boolean first = ended();
        try {
            if (before instanceof CancelRequest request && !(request.late && !hasBody())) {
                finishCancelled(request, result);
            } else {
                finishResult(result);
            }
        } finally {
            if (first) {
                loop.events.ended(this);
            }
        }
    }

    private void finishCancelled(CancelRequest request, @Nullable T result) {
        try {
            Operators.onDiscard(result, context);
            finishCancelled(request.exception(loop));
        } catch (Error e) {
            finishExceptionally(e);
            throw e;
        }
    }

    /**
     * Refuses requests from now on, before the outcome is settled; returns the exception to end with if one came in
     * time.
     */
    final @Nullable CancelledException closeToRequests() {
        return SLOT.getAndSet(this, FINISHED) instanceof CancelRequest request ? request.exception(loop) : null;
    }

    final void finishWith(Throwable exception) {
        SLOT.setVolatile(this, FINISHED);
        boolean first = ended();
        try {
            if (exception instanceof CancelledException cancelled) {
                finishCancelled(cancelled);
            } else {
                finishExceptionally(exception);
            }
        } finally {
            if (first) {
                loop.events.ended(this);
            }
        }
    }

    /** Returns false if it had ended before: the loop's close ends every task it finds. */
    private boolean ended() {
        boolean first = loop.tasks.remove(this);
        Cleanups cleanups = this.cleanups;
        if (cleanups != null) {
            cleanups.ownerHasEnded();
        }
        return first;
    }

    /** Abandons the awaited source, because the loop closes and the wait will not end. */
    final void abandonWait() {
        if (slot instanceof Wait wait) {
            wait.abandon();
        }
    }

    /**
     * Returns whether the task is suspended on exactly this Mono and it has ended, so that the resumption with the
     * result is on its way.
     */
    final boolean hasComeBy(Mono<?> awaited) {
        return slot instanceof Wait wait && wait.awaited() == awaited && wait.hasEnded();
    }

    final Cleanups cleanups() {
        Cleanups cleanups = this.cleanups;
        if (cleanups == null) {
            synchronized (this) {
                cleanups = this.cleanups;
                if (cleanups == null) {
                    cleanups = new Cleanups(this);
                    this.cleanups = cleanups;
                }
            }
        }
        return cleanups;
    }

    /**
     * Disposes of the source of a cancelled wait, or gives back the value it produced; returns the work that is then
     * still under way, or null.
     */
    final @Nullable Future<Void> cleanupOf(Wait ended, boolean cancelled) {
        if (!(ended instanceof WaitSubscriber<?> wait)) {
            return null;
        }
        wait.disposeIfCancelled();
        if (cancelled) {
            wait.giveBackOnce();
        }
        Cleanups cleanups = this.cleanups;
        return cleanups == null ? null : cleanups.rest();
    }

    /** Suspends until the clean-up has ended; returns false if there is none. For tasks without a body. */
    final boolean joinCleanup(Wait ended) {
        for (Future<Void> rest; (rest = cleanupOf(ended, cancelRequested())) != null; ) {
            Wait joining = new Wait.Joining((WaitSubscriber<?>) ended, rest);
            if (rest.addWaiter(joining)) {
                suspendOn(joining);
                return true;
            }
        }
        return false;
    }

    // ---- API

    /**
     * Requests cancellation. If the task awaits a {@link Future}, the Future is cancelled at once, for all its
     * awaiters; any other awaited Mono is disposed in the loop's next tick. Otherwise the task's next await throws.
     * Each call counts in {@link #cancelling()}. A task without a body that has already taken the value it returns,
     * such as an item of a queue in {@link Asyncio#waitFor}, ends with it if another thread cancels it then.
     *
     * @param message the message of the {@link CancelledException}
     * @return false if the task is already done; true means requested, and the task may refuse
     */
    @Override
    public boolean cancel(@Nullable String message) {
        return cancel(message, null);
    }

    @Override
    final boolean cancel(@Nullable String message, @Nullable CancelAll among) {
        // walks down the chain of awaited tasks in a loop: recursion would overflow the stack
        ArrayDeque<Task<?>> outer = new ArrayDeque<>(0);
        Set<Task<?>> seen = Set.of();
        Task<?> task = this;
        while (task.countRequest(message)) {
            if (among != null) {
                among.add(task);
            }
            Task<?> inner = task.awaitedTask();
            if (inner == null || inner.done()) {
                if (task.request(message, among)) {
                    return true;
                }
                break;
            }
            if (seen.isEmpty()) {
                seen = Collections.newSetFromMap(new IdentityHashMap<>());
            }
            seen.add(task);
            outer.push(task);
            task = inner;
            if (seen.contains(task)) {
                return breakCycle(task, message);
            }
            if (among != null && among.hasAsked(task) && task.slot != FINISHED) {
                return true; // it already has the request, or has passed it on
            }
        }
        // the innermost ended meanwhile: the request stays with the task that awaits it, or did
        while (!outer.isEmpty()) {
            if (outer.pop().request(message, among)) {
                return true;
            }
        }
        return false;
    }

    /** Returns whether cancelled work is still under way in the task, or is about to be disposed of. */
    final boolean isBeingCleanedUp() {
        Cleanups cleanups = this.cleanups;
        return cleanups != null && cleanups.areUnderWay() || slot instanceof WaitSubscriber<?> wait && wait.isCutOff();
    }

    /**
     * Resumes the waiter when the task's clean-up has ended, at the task's end at the latest; returns false if there is
     * no clean-up.
     */
    final boolean tellWhenCleanedUp(Waiter waiter) {
        Cleanups cleanups = this.cleanups;
        Future<Void> rest = cleanups == null ? null : cleanups.awaited();
        if (rest != null) {
            return rest.addWaiter(waiter);
        }
        if (!isBeingCleanedUp()) {
            return false;
        }
        loop.core.enqueue(waiter::resume); // by then it has disposed of the awaited source, or is about to
        return true;
    }

    /** Returns the Future that the task waits for, directly or through a Mono that stands for one. */
    final @Nullable Future<?> awaitedFuture() {
        return slot instanceof Wait wait ? wait.awaitedFuture() : null;
    }

    private @Nullable Task<?> awaitedTask() {
        return slot instanceof Wait wait ? wait.awaitedTask() : null;
    }

    /**
     * Breaks a circle of tasks that await each other: one stops waiting, which frees the others. It is the one where
     * the walk came round, or, if that one waits for its own work, the next one that waits for a task it did not start.
     * There is always one, since no task is started by a task that it started.
     */
    private static boolean breakCycle(Task<?> start, @Nullable String message) {
        Task<?> task = start;
        do {
            if (task.slot instanceof Wait.OnFuture wait) {
                if (SLOT.compareAndSet(task, wait, new CancelRequest(message, false))) {
                    wait.abandon();
                    wait.resume();
                }
                return true;
            }
            task = task.awaitedTask();
        } while (task != null && task != start);
        return true; // the circle has come apart meanwhile: another task runs, or another thread cancels
    }

    private boolean countRequest(@Nullable String message) {
        if (done() || slot == FINISHED) {
            return false;
        }
        REQUESTS.getAndAdd(this, 1);
        loop.events.cancelRequested(this, message);
        return true;
    }

    private boolean request(@Nullable String message, @Nullable CancelAll among) {
        for (; ; ) {
            Object before = slot;
            if (before == FINISHED) {
                uncancel(); // too late: not counted either
                return false;
            }
            if (before instanceof Wait wait && wait.requestCancel(message, among)) {
                return true;
            }
            boolean late = !loop.core.inEventLoop() && !(before instanceof CancelRequest earlier && !earlier.late);
            if (SLOT.compareAndSet(this, before, new CancelRequest(message, late))) {
                return true;
            }
        }
    }

    /**
     * Cancels the task, and completes empty when it has ended in any way, its clean-up included. Nothing happens until
     * subscription; cancelling the subscription only ends the waiting.
     */
    public final Mono<Void> cancelAndJoin() {
        return cancelAndJoin(null);
    }

    /** Like {@link #cancelAndJoin()}, with the message of the {@link CancelledException}. */
    public final Mono<Void> cancelAndJoin(@Nullable String message) {
        return Mono.defer(() -> {
            cancel(message);
            return whenEnded();
        });
    }

    /** Returns the number of cancellations that have been requested and not taken back by {@link #uncancel}. */
    public final int cancelling() {
        return requests;
    }

    /**
     * Takes one cancellation back, for code that requested it itself, such as a timeout; at zero, a request that has
     * not been delivered yet is dropped.
     *
     * @return the number left
     */
    public final int uncancel() {
        for (; ; ) {
            // read before the count: a request that comes after the decrement is a new one, and stays
            Object pending = slot;
            int before = requests;
            if (before == 0) {
                return 0;
            }
            if (REQUESTS.compareAndSet(this, before, before - 1)) {
                if (before == 1 && pending instanceof CancelRequest request) {
                    SLOT.compareAndSet(this, request, null);
                }
                return before - 1;
            }
        }
    }

    /** Unsupported: a task's result comes from its coroutine. */
    @Override
    public final void setResult(@Nullable T result) {
        throw new UnsupportedOperationException("Task does not support setResult: its result is that of its coroutine");
    }

    /** Unsupported: a task's exception comes from its coroutine. */
    @Override
    public final void setException(Throwable exception) {
        throw new UnsupportedOperationException(
                "Task does not support setException: its exception is that of its coroutine");
    }

    /** Unsupported, as {@link #setResult}. */
    @Override
    public final boolean trySetResult(@Nullable T result) {
        throw new UnsupportedOperationException(
                "Task does not support trySetResult: its result is that of its coroutine");
    }

    /** Unsupported, as {@link #setException}. */
    @Override
    public final boolean trySetException(Throwable exception) {
        throw new UnsupportedOperationException(
                "Task does not support trySetException: its exception is that of its coroutine");
    }

    /** Returns the name that was given, or {@code Task-N}. */
    public final String getName() {
        String name = givenName();
        return name == null ? "Task-" + number : name;
    }

    /** Returns null if it was given none. */
    final @Nullable String givenName() {
        Object label = this.label;
        return label instanceof TaskRecord record ? record.givenName() : (String) label;
    }

    /**
     * Returns a number that is unique among the tasks of this process. asyncio: {@code id(task)}.
     *
     * @since 0.1
     */
    public final long getId() {
        return number;
    }

    /** Renames the task. */
    public final void setName(String name) {
        Objects.requireNonNull(name, "name");
        if (label instanceof TaskRecord record) {
            record.rename(name);
            label = record; // a volatile write, for those that read the name
        } else {
            label = name;
        }
    }

    /** Returns the context that the coroutine sees: that of the code that created the task, unless one was given. */
    public final Context getContext() {
        return context;
    }

    /**
     * Replaces the context of this task, which is taking a step, for itself and for the sources it awaits from now on.
     */
    final void replaceContext(Context context) {
        synchronized (this) {
            this.context = context;
            Cleanups cleanups = this.cleanups;
            if (cleanups != null) {
                cleanups.replaceContext(context);
            }
        }
        loop.leaveContext(context);
    }

    /** Returns the coroutine: the Mono that was given to {@code createTask}. asyncio: {@code get_coro}. */
    public final Mono<? extends T> source() {
        return source;
    }

    @Override
    final ContextView contextForLog() {
        return context;
    }

    /**
     * Returns whether the task is suspended on a source that another library will end, or that has already ended, so
     * that the resumption is on its way.
     */
    final boolean awaitsForeign() {
        return slot instanceof Wait wait && (wait.hasEnded() || wait.isForeign());
    }

    @Override
    final String describeForLog() {
        return "Task exception was never retrieved: task " + getName();
    }

    /**
     * Returns the source that the task is suspended on, usually a Mono, a subscription or another task; null if it is
     * ready, running or done. For logs and tests, from any thread. asyncio: {@code _fut_waiter}.
     */
    public final @Nullable Object awaits() {
        return slot instanceof Wait wait ? wait.awaited() : null;
    }

    /** Like {@link #getStack(int)}, without a limit. */
    public final List<StackTraceElement> getStack() {
        return getStack(Integer.MAX_VALUE);
    }

    /**
     * Returns the stack of the body, down to the {@link Asyncio#await await} it is suspended in or to the line it runs,
     * without the lines of this library; for a failed task, the lines of its exception. Empty for a task that has not
     * started, was cancelled or has a result, and for a coroutine that is a Mono without a body, which has no stack:
     * see {@link #awaits()}. From any thread; for a task that is running, the stack is that of some moment.
     *
     * <p>Reading the stack of the body's thread takes 30 to 300 microseconds.
     *
     * <p>asyncio: {@code get_stack}, which has the outermost line first.
     *
     * @param limit the maximum number of lines; the innermost come first
     * @throws IllegalArgumentException if the limit is negative
     * @since 0.1
     */
    public final List<StackTraceElement> getStack(int limit) {
        if (limit < 0) {
            throw new IllegalArgumentException("limit must not be negative, but is " + limit);
        }
        if (limit == 0) {
            return List.of();
        }
        Throwable failure = cancelled() ? null : failure();
        List<StackTraceElement> stack =
                failure == null ? BodyStack.of(bodyThread(), this::done) : BodyStack.of(failure);
        return stack.size() <= limit ? stack : List.copyOf(stack.subList(0, limit));
    }

    /** Like {@link #printStack(int, PrintStream)}, without a limit. */
    public final void printStack(PrintStream to) {
        printStack(Integer.MAX_VALUE, to);
    }

    /**
     * Prints {@link #getStack(int)} like a stack trace, for diagnosis.
     *
     * <pre>{@literal
     * Stack for <Task pending wait_for=sleep(PT1H) name='fetch'> (innermost line first):
     *     at shop.Feed.next(Feed.java:17)
     *     at shop.Main.main(Main.java:8)
     * }</pre>
     *
     * <p>asyncio: {@code print_stack}.
     *
     * @throws IllegalArgumentException if the limit is negative
     * @since 0.1
     */
    public final void printStack(int limit, PrintStream to) {
        Objects.requireNonNull(to, "to");
        List<StackTraceElement> stack = getStack(limit);
        StringBuilder text = new StringBuilder();
        if (stack.isEmpty()) {
            text.append("No stack for ").append(this);
        } else {
            text.append(done() ? "Stack trace of " : "Stack for ").append(this).append(" (innermost line first):");
        }
        for (StackTraceElement frame : stack) {
            text.append(System.lineSeparator()).append("    at ").append(BodyStack.describe(frame));
        }
        to.println(text); // in one go: other threads print too
    }

    /** Returns whether the task is suspended on this wait, or waits for its clean-up. */
    final boolean isSuspendedOn(Wait wait) {
        Object now = slot;
        return now == wait || now instanceof Wait.Joining joining && joining.ended() == wait;
    }

    @Override
    String describePending() {
        Object target = awaits();
        // only the name of a task: they may await each other in a circle
        String waitsOn = target == null
                ? ""
                : " wait_for=" + (target instanceof Task<?> inner ? inner.getName() : Log.text(target));
        return (requests > 0 ? " cancelling" : " pending") + waitsOn;
    }

    /** {@code <Task pending name='Task-1' wait_for=<Future pending>>}. */
    @Override
    public String toString() {
        return "<Task" + describe() + " name='" + getName() + "'" + Origin.describe(origin()) + ">";
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        return key == Attr.NAME ? getName() : super.scanUnsafe(key);
    }
}
