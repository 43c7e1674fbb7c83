package asyncio;

import asyncio.internal.loop.LoopCore;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.Exceptions;
import reactor.core.publisher.Mono;

/**
 * A scope of tasks. The scope ends when its body and all its tasks have ended, their clean-up included; no task
 * outlives it, no matter how it ends.
 *
 * <p><b>Errors.</b> The first task that fails, or the body, cancels the others; when all have ended, the scope fails
 * with an {@link ExceptionGroup} of all failures, in the order in which they occurred, the body's last. The
 * cancellation of a single task does not affect the others. A fatal {@link Error} ({@code StackOverflowError},
 * {@code InternalError} and other {@code VirtualMachineError}s) is thrown unchanged, with the other failures among its
 * suppressed exceptions.
 *
 * <p><b>Cancelling.</b> Cancelling the task that the scope runs in, or disposing of the subscription to the scope,
 * cancels body and tasks and waits for them; the scope then ends cancelled, or fails with the group of the failures
 * that occurred meanwhile. {@link #cancel} ends the scope early and without an error.
 *
 * <p><b>Threading.</b> Body and tasks run on one loop. {@link #createTask}, {@link #start} and {@link #cancel} may be
 * called from any thread while the scope is open.
 *
 * <pre>{@code
 * Mono<Page> page = TaskGroup.scope(group -> {                        // reactive: cold, works anywhere
 *     Task<User> user = group.createTask(users.find(id));
 *     Task<List<Order>> orders = group.createTask(orderService.of(id));
 *     return Mono.zip(user, orders, Page::new);
 * });
 *
 * Page rendered = await(TaskGroup.scopeBody(group -> {                // straight-line: in the current task
 *     Task<User> user = group.createTask(users.find(id));
 *     Task<List<Order>> orders = group.createTask(orderService.of(id));
 *     return new Page(await(user), await(orders));
 * }));
 * }</pre>
 *
 * <p>asyncio: {@code TaskGroup}.
 */
public final class TaskGroup {
    private final EventLoop loop;
    private final Task<?> parent;
    /** The handler of failed tasks; null in a group that a failure ends. */
    private final @Nullable BiConsumer<? super Task<?>, ? super Throwable> onFailure;
    /**
     * The number of cancellations of the parent that were delivered before this scope, which then belongs to its
     * clean-up.
     */
    private final int cancellingBefore;

    /** Guarded by this, as are the links of the children, since they may be added from any thread. */
    private @Nullable GroupChild first;

    private @Nullable GroupChild last;
    /** The number of children; includes those being made, which are not linked yet. Guarded by this. */
    private int count;
    /** Whether the scope has ended, so that no task may be added. Guarded by this. */
    private boolean finished;

    private boolean aborting;
    /** Completes when {@link #count} is zero. Guarded by this. */
    private @Nullable Future<Void> childrenDone;

    // the rest is used on the loop only

    private boolean parentCancelRequested;
    private final List<Throwable> errors = new ArrayList<>(0);
    /** Failures that came in the tick of a cancellation, suppressed by an exception that is not thrown. */
    private final List<Throwable> late = new ArrayList<>(0);

    private @Nullable Error fatal;

    TaskGroup(Task<?> parent, @Nullable BiConsumer<? super Task<?>, ? super Throwable> onFailure) {
        this.onFailure = onFailure;
        this.loop = parent.loop;
        this.parent = parent;
        this.cancellingBefore = parent.cancelRequested() ? 0 : parent.cancelling();
    }

    // ---- scopes

    /**
     * A scope with a Mono as its body. Nothing happens until subscription; each subscription enters the scope anew.
     * Awaited in a body, it runs in the current task; elsewhere it runs as a task of the running loop, or of one of
     * {@link EventLoop#shared()}.
     */
    public static <T> Mono<T> scope(Function<? super TaskGroup, ? extends Mono<? extends T>> body) {
        Objects.requireNonNull(body, "body");
        return new MonoScope.Supplied<>(
                TaskGroup.class,
                false,
                () -> new GroupSteps<T>(group -> Objects.requireNonNull(
                        body.apply(group), "The body of the scope returned null instead of a Mono")));
    }

    /** Like {@link #scope}, with straight-line code as the body. */
    public static <T extends @Nullable Object> Mono<T> scopeBody(BodyFunction<? super TaskGroup, T> body) {
        Objects.requireNonNull(body, "body");
        return new MonoScope.Supplied<>(
                TaskGroup.class,
                true,
                () -> new GroupSteps<T>(group -> new MonoCoroutine<>(() -> body.apply(group), body)));
    }

    /**
     * A scope in which the failure of a task is passed to a handler and does not affect the other tasks. Otherwise as
     * {@link #scope}: it ends when body and tasks have ended, and a failure of the body, a cancellation or
     * {@link #cancel} ends all of them. Awaiting the failed task still gives its error.
     *
     * <p>A handler that throws ends the scope with that exception, as a failing task does elsewhere: rethrow errors
     * that the scope should not survive. A fatal {@link Error} ends the scope without a call of the handler. To restart
     * tasks, use Reactor's {@code retryWhen}:
     *
     * <pre>{@code
     * Mono<Void> feeds = TaskGroup.supervise(
     *         (task, error) -> metrics.failed(error),
     *         group -> {
     *             group.createTask(feed("a").retryWhen(Retry.backoff(5, Duration.ofSeconds(1))), "a");
     *             group.createTask(feed("b"), "b");                     // keeps running if the other one has given up
     *             return Mono.empty();
     *         });
     * }</pre>
     *
     * <p>Kotlin: {@code supervisorScope}; in asyncio a loop around {@code wait}.
     *
     * @param onFailure called with each task that fails, and its error; on the loop, in a callback
     * @since 0.1
     */
    public static <T> Mono<T> supervise(
            BiConsumer<? super Task<?>, ? super Throwable> onFailure,
            Function<? super TaskGroup, ? extends Mono<? extends T>> body) {
        Objects.requireNonNull(onFailure, "onFailure");
        Objects.requireNonNull(body, "body");
        return new MonoScope.Supplied<>(
                TaskGroup.class,
                false,
                () -> new GroupSteps<T>(
                        onFailure,
                        group -> Objects.requireNonNull(
                                body.apply(group), "The body of the scope returned null instead of a Mono")));
    }

    /**
     * Like {@link #supervise}, with straight-line code as the body.
     *
     * @since 0.1
     */
    public static <T extends @Nullable Object> Mono<T> superviseBody(
            BiConsumer<? super Task<?>, ? super Throwable> onFailure, BodyFunction<? super TaskGroup, T> body) {
        Objects.requireNonNull(onFailure, "onFailure");
        Objects.requireNonNull(body, "body");
        return new MonoScope.Supplied<>(
                TaskGroup.class,
                true,
                () -> new GroupSteps<T>(onFailure, group -> new MonoCoroutine<>(() -> body.apply(group), body)));
    }

    /** Returns the Future to wait for; null if all children have ended, after which none may be added. */
    synchronized @Nullable Future<Void> childrenLeft() {
        if (count == 0) {
            finished = true;
            return null;
        }
        Future<Void> done = new ChildrenDone();
        childrenDone = done;
        return done;
    }

    /** A Future that knows the tasks it waits for. */
    final class ChildrenDone extends Future.Owned<Void> {
        ChildrenDone() {
            super(loop);
        }

        @Override
        Collection<? extends Future<?>> parts() {
            return tasks();
        }

        @Override
        public String toString() {
            return TaskGroup.this.toString();
        }
    }

    void finish(@Nullable Throwable bodyError, @Nullable CancelledException cancelled, @Nullable Object value)
            throws Exception {
        if (bodyError instanceof CancelledException) {
            late.addAll(List.of(bodyError.getSuppressed()));
        }
        if (parentCancelRequested && parent.uncancel() <= cancellingBefore) {
            cancelled = null; // it was this group's own request
        }
        if (fatal == null && bodyError instanceof Error error && Exceptions.isJvmFatal(error)) {
            fatal = error; // the first one counts
        }
        if (bodyError != null && !(bodyError instanceof CancelledException)) {
            errors.add(bodyError);
        }
        Suppressed.remove(errors, late);
        if (fatal == null && errors.isEmpty() && cancelled == null) {
            late.forEach(this::report);
            return;
        }
        reactor.core.publisher.Operators.onDiscard(value, parent.getContext());
        if (fatal != null) {
            throw withLate(Suppressed.addAll(fatal, errors));
        }
        if (errors.isEmpty()) {
            CancelledException delivered = Objects.requireNonNull(cancelled);
            throw late.isEmpty() ? delivered : withLate(delivered.own(loop));
        }
        if (parent.cancelling() > 0) {
            // the cancellation from outside was not delivered, or the errors take precedence: it stays requested
            parent.uncancel();
            parent.cancel();
        }
        throw withLate(new ExceptionGroup("unhandled errors in a TaskGroup", errors));
    }

    private <E extends Throwable> E withLate(E error) {
        Suppressed.remove(List.of(error.getSuppressed()), late);
        return Suppressed.addAll(error, late);
    }

    private void report(Throwable error) {
        loop.callExceptionHandler(ExceptionContext.of("Error of cancelled work in " + this)
                .exception(error)
                .build());
    }

    // ---- children

    /** Like {@link #createTask(Mono, TaskOptions)}, with a generated name and the current context. */
    public <T> Task<T> createTask(Mono<? extends T> coroutine) {
        return createTask(coroutine, TaskOptions.DEFAULTS);
    }

    /** Like {@link #createTask(Mono, TaskOptions)}, with a name. */
    public <T> Task<T> createTask(Mono<? extends T> coroutine, @Nullable String name) {
        return createTask(coroutine, name == null ? TaskOptions.DEFAULTS : TaskOptions.named(name));
    }

    /**
     * Starts a task of this group, as {@link EventLoop#createTask(Mono, TaskOptions)} does. May be called from any
     * thread, also by tasks of the group while the scope waits for them.
     *
     * @throws IllegalStateException if the group is finished, or is shutting down after a failure or a cancellation
     */
    public <T> Task<T> createTask(Mono<? extends T> coroutine, TaskOptions options) {
        return createChild(coroutine, options, null);
    }

    <T> Task<T> createStarting(Mono<? extends T> coroutine, TaskOptions options, StartSteps<?> starting) {
        return createChild(coroutine, options, starting);
    }

    /**
     * Starts a task of this group and waits until it reports with a value that it is ready: a server that listens, say.
     * Nothing happens until subscription. If the task fails before that, the returned Mono fails with its error and the
     * group does not; a later error is the group's. Cancelling before that cancels the task and waits for it.
     *
     * <pre>{@code
     * int port = await(group.start(started -> async(() -> {
     *     Server server = await(Streams.startServerBody(handler, "127.0.0.1", 0));
     *     started.started(server.port());
     *     await(server.serveForever());
     * })));
     * }</pre>
     *
     * <p>trio: {@code nursery.start}.
     *
     * @param child returns the coroutine of the task, which is to call {@link Started#started} once
     */
    public <V> Mono<V> start(Function<? super Started<V>, ? extends Mono<?>> child) {
        return start(child, TaskOptions.DEFAULTS);
    }

    /** Like {@link #start(Function)}, with options for the task. */
    public <V> Mono<V> start(Function<? super Started<V>, ? extends Mono<?>> child, TaskOptions options) {
        Objects.requireNonNull(child, "child");
        Objects.requireNonNull(options, "options");
        return new MonoScope.Supplied<>(TaskGroup.class, false, () -> new StartSteps<>(this, child, options));
    }

    /**
     * The means by which a task that was started with {@link TaskGroup#start} reports that it is ready. Thread-safe.
     */
    public static final class Started<V> {
        private final Future<V> ready;

        Started(Future<V> ready) {
            this.ready = ready;
        }

        /**
         * Reports that the task is ready.
         *
         * @param value the value of {@code start}; null completes it empty
         * @throws IllegalStateException if it was called before
         */
        public void started(@Nullable V value) {
            if (!ready.trySetResult(value) && !ready.cancelled()) {
                throw new IllegalStateException("started() was called twice");
            }
        }
    }

    private <T> Task<T> createChild(
            Mono<? extends T> coroutine, TaskOptions options, @Nullable StartSteps<?> starting) {
        ColdMono.adopt(Objects.requireNonNull(coroutine, "coroutine"));
        synchronized (this) {
            if (finished || aborting) {
                throw new IllegalStateException("This TaskGroup is " + (finished ? "finished" : "shutting down") + ": "
                        + this + ". Start work that outlives the scope with loop.createTask(...)");
            }
            count++;
        }
        Task<T> task;
        try {
            task = loop.createTask(coroutine, options);
        } catch (Throwable e) {
            childGone();
            throw e;
        }
        GroupChild child = new GroupChild(task, starting);
        boolean tooLate;
        synchronized (this) {
            link(child);
            tooLate = aborting;
        }
        if (tooLate) {
            task.cancel(); // it was made while the group was told to shut down
        }
        if (!task.addWaiter(child)) {
            if (loop.core.inEventLoop()) {
                child.run(); // a failed eager task aborts the group before anything else is started
            } else {
                child.resume();
            }
        }
        return task;
    }

    private void link(GroupChild child) {
        GroupChild last = this.last;
        child.before = last;
        if (last == null) {
            first = child;
        } else {
            last.after = child;
        }
        this.last = child;
    }

    private synchronized void unlink(GroupChild child) {
        GroupChild before = child.before;
        GroupChild after = child.after;
        if (before == null) {
            first = after;
        } else {
            before.after = after;
        }
        if (after == null) {
            last = before;
        } else {
            after.before = before;
        }
    }

    private void childGone() {
        Future<Void> done = null;
        synchronized (this) {
            count--;
            if (count == 0) {
                done = childrenDone;
                childrenDone = null;
            }
        }
        if (done != null) {
            done.trySetResult(null);
        }
    }

    /** A task of the group, until it has ended; it is notified on the loop. */
    private final class GroupChild extends Waiter {
        final Task<?> task;
        /** The receiver of a failure, in place of the group, until the task has reported that it started. */
        private final @Nullable StartSteps<?> starting;

        @Nullable GroupChild before;

        @Nullable GroupChild after;

        GroupChild(Task<?> task, @Nullable StartSteps<?> starting) {
            this.task = task;
            this.starting = starting;
        }

        @Override
        public void run() {
            unlink(this);
            try {
                boolean theirs = starting != null && starting.childEnded(task);
                CancelledException cancellation = task.cancellation();
                if (cancellation != null) {
                    late.addAll(List.of(cancellation.getSuppressed()));
                } else if (!theirs) {
                    Throwable error = task.exception();
                    if (error != null) {
                        failed(task, error);
                    }
                }
            } finally {
                childGone();
            }
        }

        /** The task that the scope is in stands for its children, also while its body does something else. */
        @Override
        Object tells() {
            return parent;
        }

        /** A handler is the user's code. */
        @Override
        protected boolean isInternal() {
            return onFailure == null;
        }

        @Override
        LoopCore resumesOn() {
            return loop.core;
        }
    }

    private void failed(Task<?> task, Throwable error) {
        if (onFailure == null || error instanceof Error e && Exceptions.isJvmFatal(e)) {
            failed(error);
            return;
        }
        try {
            onFailure.accept(task, error);
        } catch (Throwable e) { // rethrown: it ends the group
            failed(e);
        }
    }

    private void failed(Throwable error) {
        errors.add(error);
        if (fatal == null && error instanceof Error e && Exceptions.isJvmFatal(e)) {
            fatal = e;
        }
        if (!isAborting() && !parentCancelRequested) {
            abort();
            parentCancelRequested = true;
            parent.cancel();
        }
    }

    synchronized boolean isAborting() {
        return aborting;
    }

    void abort() {
        List<Task<?>> children = new ArrayList<>();
        synchronized (this) {
            aborting = true;
            for (GroupChild child = first; child != null; child = child.after) {
                children.add(child.task);
            }
        }
        Future.cancelAll(children, null);
    }

    // ---- API

    /**
     * Cancels the body and all tasks; when they have ended, the scope ends without an error, unless one of them fails
     * meanwhile or the scope is cancelled from outside as well. Its value is lost. Further calls, and calls after the
     * end, do nothing. May be called from any thread; off the loop's thread it takes effect in the loop's next tick.
     *
     * <p>asyncio: {@code TaskGroup.cancel} (3.15).
     */
    public void cancel() {
        if (loop.core.inEventLoop()) {
            cancelHere();
        } else {
            loop.core.enqueue(new Cancelling());
        }
    }

    private void cancelHere() {
        synchronized (this) {
            if (finished) {
                return;
            }
        }
        if (!isAborting()) {
            abort();
        }
        if (!parentCancelRequested) {
            parentCancelRequested = true;
            parent.cancel();
        }
    }

    private final class Cancelling extends Waiter {
        @Override
        public void run() {
            cancelHere();
        }

        @Override
        protected boolean isInternal() {
            return true;
        }

        @Override
        LoopCore resumesOn() {
            return loop.core;
        }
    }

    /** Returns the tasks that have not ended. */
    public Set<Task<?>> tasks() {
        Set<Task<?>> tasks = new LinkedHashSet<>();
        synchronized (this) {
            for (GroupChild child = first; child != null; child = child.after) {
                tasks.add(child.task);
            }
        }
        return tasks;
    }

    /** {@code <TaskGroup tasks=2 errors=1 cancelling>}, without the parts that do not apply. */
    @Override
    public synchronized String toString() {
        return "<TaskGroup" + (count > 0 ? " tasks=" + count : "")
                + (errors.isEmpty() ? "" : " errors=" + errors.size())
                + (finished ? " finished" : aborting ? " cancelling" : " entered") + ">";
    }
}
