package asyncio;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * Where programs start: {@link #run}, {@link #async} and {@link #await}, made for {@code import static}.
 *
 * <p>A <em>body</em> is straight-line code that may {@link #await}: the argument of {@code run} or {@code async}. It
 * runs on a loop, alone: between two awaits nothing else of that loop happens.
 *
 * <pre>{@code
 * Asyncio.run(() -> {
 *     Task<String> slow = createTask(async(() -> { await(sleep(ofSeconds(1))); return "done"; }));
 *     System.out.println(await(slow));
 * });
 * }</pre>
 *
 * <p>asyncio: the functions of the module {@code asyncio}.
 */
public final class Asyncio {
    private static final ThreadLocal<@Nullable ContextView> THREAD_CONTEXT = new ThreadLocal<>();

    private Asyncio() {}

    // ---- running

    /**
     * Runs a body on a new loop on this thread, and returns its result. At its end, tasks that are left are cancelled
     * and waited for, then the loop is closed. It is {@link Runner#run(Callable)} and {@link Runner#close} of a runner
     * that serves once: what is said there of Ctrl-C, of virtual threads and of the end is true here too.
     *
     * @throws IllegalStateException in a running loop, or on a thread that must not block
     * @throws KeyboardInterruptException if Ctrl-C ended it
     * @throws Exception what the body throws, as it is
     */
    public static <T extends @Nullable Object> T run(Callable<T> body) throws Exception {
        return run(new Coroutine<T>(Objects.requireNonNull(body, "body"), body));
    }

    /** As {@link #run(Callable)}, for a body without a result. */
    public static void run(Body body) throws Exception {
        run(async(body));
    }

    /** As {@link #run(Callable)}, for any Mono; null if it is empty. */
    public static <T extends @Nullable Object> T run(Mono<T> main) throws Exception {
        return run(main, Runner.builder());
    }

    /** As {@link #run(Callable)}, with {@link EventLoop#setDebug debug mode} on or off, whatever the process's is. */
    public static <T extends @Nullable Object> T run(Callable<T> body, boolean debug) throws Exception {
        return run(new Coroutine<T>(Objects.requireNonNull(body, "body"), body), debug);
    }

    /** As {@link #run(Callable, boolean)}, for a body without a result. */
    public static void run(Body body, boolean debug) throws Exception {
        run(async(body), debug);
    }

    /** As {@link #run(Callable, boolean)}, for any Mono; null if it is empty. */
    public static <T extends @Nullable Object> T run(Mono<T> main, boolean debug) throws Exception {
        return run(main, Runner.builder().debug(debug));
    }

    private static <T extends @Nullable Object> T run(Mono<T> main, Runner.Builder builder) throws Exception {
        ColdMono.adopt(Objects.requireNonNull(main, "main"));
        Runner.checkMayRun(); // before there is anything to close
        try (Runner runner = builder.build()) {
            return runner.run(main);
        }
    }

    /**
     * A body as a cold Mono: nothing runs until someone subscribes or awaits, and each time it runs anew. Awaited
     * directly in a body it runs inside the current task. Subscribed elsewhere it becomes a task on the running loop,
     * or on one of {@link EventLoop#shared()} if none runs.
     *
     * <p>Cancelling the subscription cancels that task: the body gets a {@link CancelledException} at its await. The
     * body sees the subscriber's context. A body that returns null completes the Mono empty; one that returns a
     * Publisher fails.
     *
     * <p>asyncio: {@code async def}.
     */
    public static <T> Mono<T> async(Callable<? extends T> body) {
        return new Coroutine<>(Objects.requireNonNull(body, "body"), body);
    }

    /** As {@link #async(Callable)}, for a body without a result. */
    public static Mono<Void> async(Body body) {
        Objects.requireNonNull(body, "body");
        return new Coroutine<>(
                () -> {
                    body.run();
                    return null;
                },
                body);
    }

    /**
     * Waits for a Mono in a body, and returns its value, or null if it is empty. Meanwhile the loop runs other things;
     * no thread of Reactor is blocked. What is done already does not suspend.
     *
     * <p>Cancelling the task that awaits cancels what it awaits: a {@link Future} for all, another Mono by disposing of
     * it. A Future that is awaited through an operator, such as {@code await(task.map(f))}, is only detached from.
     *
     * @throws CancelledException if the task was cancelled, or the Future
     * @throws IllegalStateException outside a body, or in an operator's lambda
     * @throws Exception the Mono's error, as it is
     */
    @SuppressWarnings("NullAway") // an empty Mono is null to a caller whose T admits it
    public static <T extends @Nullable Object> T await(Mono<T> mono) throws Exception {
        Objects.requireNonNull(mono, "mono");
        EventLoop loop = EventLoop.runningOrNull();
        if (loop == null || !(loop.currentTask() instanceof BodyTask<?> body)) {
            ColdMono.adopt(mono); // one complaint is enough
            throw Misuse.awaitOutsideBody();
        }
        return body.await(mono);
    }

    // ---- tasks

    /**
     * Starts a coroutine on the running loop; it takes its first step in the next tick.
     *
     * @throws IllegalStateException if no loop runs on this thread
     */
    public static <T> Task<T> createTask(Mono<? extends T> coroutine) {
        return createTask(coroutine, TaskOptions.DEFAULTS);
    }

    /** As {@link #createTask(Mono)}, with a name; null for {@code Task-N}. */
    public static <T> Task<T> createTask(Mono<? extends T> coroutine, @Nullable String name) {
        return createTask(coroutine, name == null ? TaskOptions.DEFAULTS : TaskOptions.named(name));
    }

    /** As {@link #createTask(Mono)}, with options: an eager start, for one. */
    public static <T> Task<T> createTask(Mono<? extends T> coroutine, TaskOptions options) {
        ColdMono.adopt(Objects.requireNonNull(coroutine, "coroutine"));
        EventLoop loop = EventLoop.runningOrNull();
        if (loop == null) {
            throw Misuse.noRunningLoop("createTask");
        }
        return loop.createTask(coroutine, options);
    }

    /**
     * A task factory, for {@code loop.setTaskFactory(Asyncio::eagerTaskFactory)}, whose tasks take their first step
     * inside {@code createTask}: one that never suspends is done when {@code createTask} returns, and never waits for
     * its turn. Options may ask otherwise.
     *
     * <p>It changes the order in which things happen. It saves the tick, not the thread that a body needs: what often
     * ends without suspending is cheapest as a Mono, or awaited inline.
     *
     * <p>asyncio: {@code eager_task_factory}.
     */
    public static <T> Task<T> eagerTaskFactory(EventLoop loop, Mono<? extends T> coroutine, TaskOptions options) {
        return loop.newTask(coroutine, options.eager() == null ? options.withEager(true) : options);
    }

    /**
     * A Future as it is; any other Mono as a task.
     *
     * @throws IllegalStateException if it is no Future and no loop runs on this thread
     */
    @SuppressWarnings("unchecked")
    public static <T> Future<T> ensureFuture(Mono<? extends T> mono) {
        return mono instanceof Future<?> future ? (Future<T>) future : createTask(mono);
    }

    /**
     * The task whose coroutine calls this, or null in a callback.
     *
     * @throws IllegalStateException if no loop runs on this thread
     */
    public static @Nullable Task<?> currentTask() {
        EventLoop loop = EventLoop.runningOrNull();
        if (loop == null) {
            throw Misuse.noRunningLoop("currentTask");
        }
        return loop.currentTask();
    }

    /**
     * The tasks of the running loop that are not done.
     *
     * @throws IllegalStateException if no loop runs on this thread
     */
    public static Set<Task<?>> allTasks() {
        EventLoop loop = EventLoop.runningOrNull();
        if (loop == null) {
            throw Misuse.noRunningLoop("allTasks");
        }
        return loop.allTasks();
    }

    /** The Reactor context of the task, callback or {@link #toThread} function that calls this; empty elsewhere. */
    public static ContextView currentContext() {
        EventLoop loop = EventLoop.runningOrNull();
        if (loop != null) {
            return loop.context();
        }
        ContextView context = THREAD_CONTEXT.get();
        return context == null ? Context.empty() : context;
    }

    static void withContext(ContextView context, Runnable function) {
        ContextView outer = THREAD_CONTEXT.get();
        THREAD_CONTEXT.set(context);
        try {
            function.run();
        } finally {
            restore(outer);
        }
    }

    static <T> @Nullable T withContext(ContextView context, Callable<? extends T> function) throws Exception {
        ContextView outer =
                THREAD_CONTEXT.get(); // of one that calls another in its own thread, as a direct executor does
        THREAD_CONTEXT.set(context);
        try {
            return function.call();
        } finally {
            restore(outer);
        }
    }

    private static void restore(@Nullable ContextView outer) {
        if (outer == null) {
            THREAD_CONTEXT.remove();
        } else {
            THREAD_CONTEXT.set(outer);
        }
    }

    // ---- waiting

    /**
     * Completes after a delay, empty. Nothing happens until subscription; cancelling drops the timer. A delay that is
     * zero or negative takes exactly one tick: what is ready gets its turn.
     */
    public static Mono<Void> sleep(Duration delay) {
        return Objects.requireNonNull(delay, "delay").isZero() ? Sleep.ONE_TICK : new Sleep<>(delay, null);
    }

    /** As {@link #sleep(Duration)}, with a result. */
    public static <T> Mono<T> sleep(Duration delay, T result) {
        return new Sleep<>(Objects.requireNonNull(delay, "delay"), Objects.requireNonNull(result, "result"));
    }

    // ---- time limits

    /**
     * Waits for a Mono for at most some time. When the time is out, the Mono is cancelled, a Future for all; when that
     * has ended, its clean-up included, this fails with a {@link java.util.concurrent.TimeoutException}. A result that
     * comes all the same, or came in time, is given. Without time (zero or less) only a Future that is done has its
     * result; nothing is begun then. Nothing happens until subscription; cancelling cancels the Mono and waits for its
     * end.
     *
     * <p>asyncio: {@code wait_for}. To let what is waited for go on, {@code waitFor(shield(task), limit)}.
     *
     * @param limit on the loop's clock, from subscription on; null for none
     */
    public static <T> Mono<T> waitFor(Mono<? extends T> mono, @Nullable Duration limit) {
        ColdMono.adopt(Objects.requireNonNull(mono, "mono"));
        return new ScopeMono.WaitFor<>(mono, limit);
    }

    // ---- several at a time

    /**
     * Runs Monos concurrently and completes with their results, in the order of the arguments, null for an empty one.
     * Nothing happens until subscription. Then Futures are awaited as they are, other Monos run as tasks of the running
     * loop, or of one of {@link EventLoop#shared()}; the same Mono given twice runs once and fills both places.
     *
     * <p>Cancelling the subscription, or the task that awaits this, cancels all of them, also the Futures that were
     * given: shield those that are not to be. The awaiting task resumes with the first that ends cancelled.
     *
     * <p>The first error is signalled at once, and the others go on: their errors are not heard of any more, their
     * results go to {@code Operators.onDiscard}. That a Mono was cancelled by somebody else counts as its error. A task
     * group is for work whose parts live and die together.
     *
     * <pre>{@code
     * List<Page> pages = await(gather(fetch("a"), fetch("b")));
     * }</pre>
     *
     * <p>asyncio: {@code gather}.
     *
     * @throws NullPointerException if one of the Monos is null
     */
    @SafeVarargs
    @SuppressWarnings("varargs") // asList only reads
    public static <T> Mono<List<@Nullable T>> gather(Mono<? extends T>... monos) {
        return Gather.of(Arrays.asList(monos), false);
    }

    /** As {@link #gather(Mono...)}; the Iterable is gone through once, here. */
    public static <T> Mono<List<@Nullable T>> gather(Iterable<? extends Mono<? extends T>> monos) {
        return Gather.of(monos, false);
    }

    /**
     * As {@link #gather(Mono...)}; but if exceptions are returned, then an error takes the place of a result, a
     * cancellation too, and all are waited for. A cancellation of this itself still comes out as one.
     */
    public static Mono<List<@Nullable Object>> gather(Iterable<? extends Mono<?>> monos, boolean returnExceptions) {
        return Gather.of(monos, returnExceptions);
    }

    // ---- other threads

    /**
     * Calls a blocking function in one of the loop's threads, which are platform threads. Nothing happens until
     * subscription. Cancelling keeps a function from starting, but does not stop one that runs: it runs to its end
     * unheard. The function sees {@link #currentContext()}.
     */
    public static <T> Mono<T> toThread(Callable<? extends T> function) {
        return new ToThread<>(Objects.requireNonNull(function, "function"));
    }

    /** As {@link #toThread(Callable)}, for a function without a result. */
    public static Mono<Void> toThread(Body function) {
        Objects.requireNonNull(function, "function");
        return new ToThread<>(() -> {
            function.run();
            return null;
        });
    }

    /**
     * Starts a coroutine on a loop from another thread. Cancelling the returned future cancels the task; {@code get} on
     * the loop's own thread would wait for itself for ever.
     *
     * <p>asyncio: {@code run_coroutine_threadsafe}.
     *
     * @throws IllegalStateException if the loop is closed
     */
    public static <T> CompletableFuture<@Nullable T> runThreadsafe(Mono<? extends T> coroutine, EventLoop loop) {
        return ThreadsafeRun.start(coroutine, loop);
    }

    /**
     * A thread's future as one of the running loop, if there is one. Cancelling either cancels the other; a
     * {@code CompletionException} is unwrapped.
     *
     * <p>asyncio: {@code wrap_future}.
     */
    public static <T> Future<T> wrapFuture(CompletableFuture<? extends T> future) {
        Future<T> wrapped = new Future<>();
        wrapped.addDoneCallback(done -> {
            if (done.cancelled()) {
                future.cancel(true);
            }
        });
        future.whenComplete((result, error) -> {
            EventLoop loop = wrapped.getLoop();
            Runnable transfer = () -> ThreadsafeRun.transfer(result, error, wrapped);
            // through the loop even if it is done already: a cancellation before the next tick comes first, as in
            // asyncio
            if (loop == null || !loop.core.enqueue(transfer)) {
                transfer.run();
            }
        });
        return wrapped;
    }
}
