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
 * <p><b>Threading.</b> Its body, or the subscription to its Mono, runs on its loop; every method may be called from any
 * thread.
 *
 * <p><b>Cancelling.</b> {@link #cancel} is a request. It cancels what the task awaits and arrives in a body as a
 * {@link CancelledException} at its {@link Asyncio#await await}; {@code finally} blocks run, and may await. The task is
 * done when its body is: so awaiting a cancelled task waits for its cleanup. A task that was cancelled before its first
 * step never starts. Cancelling a <em>subscription</em> to a task only detaches that subscriber.
 *
 * <p><b>Errors.</b> Whatever the coroutine throws, as it is. An exception that nobody asked for is logged when the task
 * is collected.
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
    /** The last content of {@link #slot}. */
    private static final Object FINISHED = new Object();

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            SLOT = lookup.findVarHandle(Task.class, "slot", Object.class);
            REQUESTS = lookup.findVarHandle(Task.class, "requests", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final EventLoop loop;
    private final Mono<? extends T> source;
    /** Replaced by the task itself only, by {@link ContextVar#set}. */
    private Context context;

    private final long number = COUNTER.incrementAndGet();
    private volatile @Nullable String name;
    /** Cancellations requested and not taken back. */
    private volatile int requests;
    /**
     * The meeting point of {@link #cancel} and the task's own steps. Null: not suspended, no request. A {@link Wait}:
     * suspended on it. A {@link CancelRequest}: to be delivered at the next await. {@link #FINISHED}: too late for
     * requests.
     */
    private volatile @Nullable Object slot;

    /** The work that its awaits have left under way; null until something that it awaits looks at its context. */
    private volatile @Nullable Cleanups cleanups;
    /** Time limits of scopes that it is in, the innermost first, whose timers nobody has needed yet; on the loop. */
    @Nullable UnarmedLimit unarmed;

    /** Links of {@link Registry}, guarded by it. */
    private @Nullable Task<?> previousTask;

    private @Nullable Task<?> nextTask;

    Task(EventLoop loop, Mono<? extends T> source, @Nullable String name, Context context) {
        super(loop);
        this.loop = loop;
        this.source = source;
        this.name = name;
        this.context = context;
    }

    private record CancelRequest(@Nullable String message) {
        CancelledException exception(EventLoop loop) {
            return CancelledException.of(loop, message);
        }
    }

    // ---- what the loop runs

    /** The first step; on the loop. */
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

    /** Returns the thread that its body is on; null if it has none. */
    @Nullable Thread bodyThread() {
        return null;
    }

    // ---- generators

    /** Whether it runs a generator, which the other tasks of its loop may use to the last. */
    final boolean isGenerator() {
        return source() instanceof GeneratorCoroutine;
    }

    /**
     * Returns the generators of a loop that have begun and not ended.
     *
     * <p>asyncio: the weak set behind {@code shutdown_asyncgens}; here a generator is a task, which the loop knows.
     */
    static List<Task<?>> generators(EventLoop loop) {
        return loop.tasks.snapshot().stream().filter(Task::isGenerator).toList();
    }

    /** Tells generators to end. */
    static void closeGenerators(Collection<Task<?>> generators) {
        String reason = "The event loop is shut down";
        Future.cancelAll(generators, reason);
        for (Task<?> task : generators) {
            ((GeneratorCoroutine) task.source()).close(reason);
        }
    }

    /** The entry in the ready queue that runs a task's first step. */
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

    /** The step after a suspension; on the loop. */
    abstract void resume(Wait wait);

    /** Whether it has a body, which needs a thread to run on. */
    final boolean hasBody() {
        return seated() != null;
    }

    /** This, if it has a thread of its own; to the loop. */
    @Nullable Seated seated() {
        return null;
    }

    /** The loop is closed: ends it. */
    void unwind(CancelledException closed) {
        finishWith(closed);
    }

    final CancelledException closedWhilePending() {
        return new CancelledException("The event loop was closed while " + getName() + " was pending");
    }

    /** Whether {@link #resume} runs code of this library only. */
    abstract boolean resumesInternally();

    final void checkNotItself(Future<?> awaited) {
        if (awaited == (Object) this) {
            throw new IllegalStateException("Task cannot await on itself: " + this);
        }
    }

    /** Takes a step. A task without a body ends with what that throws: nobody would resume it. */
    final void step(@Nullable Wait wait) {
        if (hasBody()) {
            takeStep(wait);
            return;
        }
        try {
            takeStep(wait);
        } catch (Throwable e) {
            if (!done()) {
                finishWith(e);
            }
            if (e instanceof Error) {
                throw e; // it ends the loop's run
            }
        }
    }

    private void takeStep(@Nullable Wait wait) {
        if (wait == null) {
            start();
        } else {
            resume(wait);
        }
    }

    // ---- meeting cancel

    /**
     * Puts the task to sleep on {@code wait}; the task is suspended from here until the loop runs the wait. A request
     * that came before is passed on to what is awaited, as asyncio does; if that has ended already, the request stays,
     * to be delivered on resumption.
     */
    final void suspendOn(Wait wait) {
        if (unarmed != null) {
            armAll();
        }
        for (; ; ) {
            Object before = slot;
            if (SLOT.compareAndSet(this, before, wait)) {
                if (before instanceof CancelRequest request && !wait.requestCancel(request.message, null)) {
                    SLOT.compareAndSet(this, wait, request); // fails only against a newer request, which does as well
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

    /** Ends a suspension; the exception to throw if a request is waiting to be delivered. */
    final @Nullable CancelledException wakeUp() {
        return SLOT.getAndSet(this, null) instanceof CancelRequest request ? request.exception(loop) : null;
    }

    /** Takes a request that came since the last step, before anything is awaited: a task that never started. */
    final @Nullable CancelledException takeRequest() {
        return slot instanceof CancelRequest ? wakeUp() : null;
    }

    /** A request that the wait had, whose source has ended all the same; on the loop, before {@link #wakeUp}. */
    final void requestAgain(Wait wait, @Nullable String message) {
        if (requests > 0) { // not taken back meanwhile
            SLOT.compareAndSet(this, wait, new CancelRequest(message)); // fails only against a newer request
        }
    }

    /** Whether a request waits for the next await. */
    final boolean cancelRequested() {
        return slot instanceof CancelRequest;
    }

    /** Ends the task with a result; a request that was not delivered wins over it (asyncio's rule). */
    final void finishWith(@Nullable T result) {
        Object before = SLOT.getAndSet(this, FINISHED);
        boolean first = ended();
        try {
            if (before instanceof CancelRequest request) {
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

    /** Closes the task to requests, before its outcome is settled; the exception to end with if one came in time. */
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

    /** False if it had ended before: the loop's close ends whatever it finds. */
    private boolean ended() {
        boolean first = loop.tasks.remove(this);
        Cleanups cleanups = this.cleanups;
        if (cleanups != null) {
            cleanups.ownerHasEnded();
        }
        return first;
    }

    /** Lets go of what is awaited, because the loop closes and the wait will not end. */
    final void abandonWait() {
        if (slot instanceof Wait wait) {
            wait.abandon();
        }
    }

    /** Whether it is suspended on just this, which has ended: the resumption is on its way, with the result. */
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
     * Disposes of what a wait that was cancelled is waiting for, or gives back what came of it; what is still under way
     * then, or null.
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

    /** Suspends until that is over; false if there is none. For tasks without a body. */
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
     * Requests cancellation. If the task is awaiting a {@link Future}, that is cancelled at once, for all; any other
     * Mono is disposed in the loop's next tick. Otherwise its next await throws. Each call counts in
     * {@link #cancelling()}.
     *
     * @param message what the {@link CancelledException} will say
     * @return false if the task is done already; true means requested: the task may refuse
     */
    @Override
    public boolean cancel(@Nullable String message) {
        return cancel(message, null);
    }

    @Override
    final boolean cancel(@Nullable String message, @Nullable CancelAll among) {
        // a chain of tasks that await each other is walked down in a loop: recursion would overflow the stack
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
                return true; // it has the request, or has passed it on
            }
        }
        // the innermost ended meanwhile: the request stays with the one that awaits it, or did
        while (!outer.isEmpty()) {
            if (outer.pop().request(message, among)) {
                return true;
            }
        }
        return false;
    }

    /** Whether something that was cancelled is still under way in it, or is about to be disposed of. */
    final boolean isBeingCleanedUp() {
        Cleanups cleanups = this.cleanups;
        return cleanups != null && cleanups.areUnderWay() || slot instanceof WaitSubscriber<?> wait && wait.isCutOff();
    }

    /** Resumes the waiter when it is not being cleaned up any more, at its end at the latest; false if it is not. */
    final boolean tellWhenCleanedUp(Waiter waiter) {
        Cleanups cleanups = this.cleanups;
        Future<Void> rest = cleanups == null ? null : cleanups.awaited();
        if (rest != null) {
            return rest.addWaiter(waiter);
        }
        if (!isBeingCleanedUp()) {
            return false;
        }
        loop.core.enqueue(waiter::resume); // by then it has disposed of what it awaited, or is about to
        return true;
    }

    /** The Future it waits for, directly or by a Mono that stands for one. */
    final @Nullable Future<?> awaitedFuture() {
        return slot instanceof Wait wait ? wait.awaitedFuture() : null;
    }

    private @Nullable Task<?> awaitedTask() {
        return slot instanceof Wait wait ? wait.awaitedTask() : null;
    }

    /**
     * Tasks that await each other in a circle: one stops waiting, which frees the others. The one where the walk came
     * round; or, if that waits for work of its own, the next that waits for a task it did not start: there is one,
     * since nobody is started by what they have started.
     */
    private static boolean breakCycle(Task<?> start, @Nullable String message) {
        Task<?> task = start;
        do {
            if (task.slot instanceof Wait.OnFuture wait) {
                if (SLOT.compareAndSet(task, wait, new CancelRequest(message))) {
                    wait.abandon();
                    wait.resume();
                }
                return true;
            }
            task = task.awaitedTask();
        } while (task != null && task != start);
        return true; // it has come apart meanwhile: somebody else goes on, or cancels
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
                uncancel(); // too late, so not counted either
                return false;
            }
            if (before instanceof Wait wait && wait.requestCancel(message, among)) {
                return true;
            }
            if (SLOT.compareAndSet(this, before, new CancelRequest(message))) {
                return true;
            }
        }
    }

    /**
     * Cancels, and completes, empty, when the task has ended, its clean-up included, in whatever way. Nothing happens
     * until subscription; cancelling that ends the waiting only.
     */
    public final Mono<Void> cancelAndJoin() {
        return cancelAndJoin(null);
    }

    /** As {@link #cancelAndJoin()}, with what the {@link CancelledException} will say. */
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
     * Takes one cancellation back, for those who requested it themselves (a timeout); at zero, a request that has not
     * been delivered yet is dropped.
     *
     * @return how many are left
     */
    public final int uncancel() {
        for (; ; ) {
            // read before the count: a request that comes after it was lowered is a new one, and stays
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

    /** Refused: a task's result is what its coroutine returns. */
    @Override
    public final void setResult(@Nullable T result) {
        throw new UnsupportedOperationException("Task does not support setResult: its result is that of its coroutine");
    }

    /** Refused: a task's exception is what its coroutine throws. */
    @Override
    public final void setException(Throwable exception) {
        throw new UnsupportedOperationException(
                "Task does not support setException: its exception is that of its coroutine");
    }

    /** Refused, as {@link #setResult}. */
    @Override
    public final boolean trySetResult(@Nullable T result) {
        throw new UnsupportedOperationException(
                "Task does not support trySetResult: its result is that of its coroutine");
    }

    /** Refused, as {@link #setException}. */
    @Override
    public final boolean trySetException(Throwable exception) {
        throw new UnsupportedOperationException(
                "Task does not support trySetException: its exception is that of its coroutine");
    }

    /** The name given, or {@code Task-N}. */
    public final String getName() {
        String name = this.name;
        return name == null ? "Task-" + number : name;
    }

    /**
     * A number that tells it from all other tasks of this process, also from those of the same name. asyncio:
     * {@code id(task)}.
     *
     * @since 0.1
     */
    public final long getId() {
        return number;
    }

    /** Renames it. */
    public final void setName(String name) {
        this.name = Objects.requireNonNull(name, "name");
    }

    /** The context its coroutine sees: that of the code that created it, unless given. */
    public final Context getContext() {
        return context;
    }

    /** Gives the task that is taking a step, this one, another context: for it, and for what it awaits from now on. */
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

    /** The coroutine: the Mono that was given to {@code createTask}. asyncio: {@code get_coro}. */
    public final Mono<? extends T> source() {
        return source;
    }

    @Override
    final ContextView contextForLog() {
        return context;
    }

    /**
     * Whether it is suspended on something that another library will end, or that another thread has ended: the
     * resumption is then on its way.
     */
    final boolean awaitsForeign() {
        return slot instanceof Wait wait && (wait.hasEnded() || wait.isForeign());
    }

    @Override
    final String describeForLog() {
        return "Task exception was never retrieved: task " + getName();
    }

    /**
     * Returns the source that it is suspended on, usually a Mono, a subscription or another task; null if it is ready,
     * running or done. For logs and tests, from any thread. asyncio: {@code _fut_waiter}.
     */
    public final @Nullable Object awaits() {
        return slot instanceof Wait wait ? wait.awaited() : null;
    }

    /** As {@link #getStack(int)}, all of it. */
    public final List<StackTraceElement> getStack() {
        return getStack(Integer.MAX_VALUE);
    }

    /**
     * The lines of its body that are on the way to the {@link Asyncio#await await} it is suspended in, or to what it is
     * doing, without those of this library; of a task that failed, those of its exception. Empty for a task that has
     * not begun, was cancelled or has a result, and for a coroutine that is no body but a Mono, which has no stack: see
     * {@link #awaits()}. From any thread; a task that runs meanwhile has the stack of some moment.
     *
     * <p>It reads the stack of the body's thread, which takes 30 to 300 microseconds.
     *
     * <p>asyncio: {@code get_stack}, whose lines have the outermost first.
     *
     * @param limit how many lines to give, of the innermost, which come first
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

    /** As {@link #printStack(int, PrintStream)}, with all of it. */
    public final void printStack(PrintStream to) {
        printStack(Integer.MAX_VALUE, to);
    }

    /**
     * Prints {@link #getStack(int)} in the manner of a stack trace, for a person who looks into a program.
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

    /** Whether that is its suspension, or the one whose clean-up it is waiting for. */
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
