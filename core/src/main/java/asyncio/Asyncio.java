package asyncio;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.context.ContextView;

/**
 * The start of programs: {@link #run}, {@link #async} and {@link #await}, made for {@code import static}.
 *
 * <p>A <em>body</em> is straight-line code that may {@link #await}: the argument of {@code run} or {@code async}. It
 * runs on a loop, alone: between two awaits nothing else of that loop happens.
 *
 * <pre>{@code
 * Asyncio.run(() -> {
 *     Task<String> slow = createTask(async(() -> { await(sleep(Duration.ofSeconds(1))); return "done"; }));
 *     System.out.println(await(slow));
 * });
 * }</pre>
 *
 * <p>asyncio: the functions of the module {@code asyncio}.
 */
public final class Asyncio {
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
        return run(new MonoCoroutine<T>(Objects.requireNonNull(body, "body"), body));
    }

    /** As {@link #run(Callable)}, for a lambda. */
    public static <T extends @Nullable Object> T run(ValueBody<T> body) throws Exception {
        return run((Callable<T>) body);
    }

    /**
     * As {@link #run(Callable)}, for a body without a result.
     *
     * @param none nothing: it keeps Kotlin's lambdas behind the parentheses, and Scala's, away from here, where a value
     *     is lost
     */
    public static void run(Body body, Void... none) throws Exception {
        run(async(body));
    }

    /** As {@link #run(Callable)}, for any Mono; null if it is empty. */
    public static <T extends @Nullable Object> T run(Mono<T> main) throws Exception {
        return run(main, Runner.builder());
    }

    /** As {@link #run(Callable)}, with {@link EventLoop#setDebug debug mode} on or off, whatever the process's is. */
    public static <T extends @Nullable Object> T run(Callable<T> body, boolean debug) throws Exception {
        return run(new MonoCoroutine<T>(Objects.requireNonNull(body, "body"), body), debug);
    }

    /** As {@link #run(Callable, boolean)}, for a lambda. */
    public static <T extends @Nullable Object> T run(ValueBody<T> body, boolean debug) throws Exception {
        return run((Callable<T>) body, debug);
    }

    /**
     * As {@link #run(Callable, boolean)}, for a body without a result.
     *
     * @param none nothing: it keeps Kotlin's lambdas behind the parentheses, and Scala's, away from here, where a value
     *     is lost
     */
    public static void run(Body body, boolean debug, Void... none) throws Exception {
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
     * body sees the subscriber's context, and its ThreadLocals if {@code io.micrometer:context-propagation} is there. A
     * body that returns null completes the Mono empty; one that returns a Publisher fails.
     *
     * <p>asyncio: {@code async def}.
     */
    public static <T> Mono<T> async(Callable<? extends T> body) {
        return new MonoCoroutine<>(Objects.requireNonNull(body, "body"), body);
    }

    /** As {@link #async(Callable)}, for a lambda. */
    public static <T> Mono<T> async(ValueBody<? extends T> body) {
        return async((Callable<? extends T>) body);
    }

    /**
     * As {@link #async(Callable)}, for a body without a result.
     *
     * @param none nothing: it keeps Kotlin's lambdas behind the parentheses, and Scala's, away from here, where a value
     *     is lost
     */
    public static Mono<Void> async(Body body, Void... none) {
        Objects.requireNonNull(body, "body");
        return new MonoCoroutine<>(
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
        return Contexts.current();
    }

    // ---- waiting

    /**
     * Completes after a delay, empty. Nothing happens until subscription; cancelling drops the timer. A delay that is
     * zero or negative takes exactly one tick: what is ready gets its turn.
     */
    public static Mono<Void> sleep(Duration delay) {
        return Objects.requireNonNull(delay, "delay").isZero() ? MonoSleep.ONE_TICK : new MonoSleep<>(delay, null);
    }

    /** As {@link #sleep(Duration)}, with a result. */
    public static <T> Mono<T> sleep(Duration delay, T result) {
        return new MonoSleep<>(Objects.requireNonNull(delay, "delay"), Objects.requireNonNull(result, "result"));
    }

    // ---- several at a time

    /**
     * Runs Monos as tasks of a {@link TaskGroup}; gives their results in order, null for an empty one. Nothing happens
     * until subscription. If one fails, the others are cancelled and waited for, and this fails with the
     * {@link ExceptionGroup}; a null stands for one that was cancelled on its own. Cancelling cancels all and waits for
     * them.
     *
     * <p>Not in asyncio, whose {@code gather} lets the others go on when one fails.
     */
    @SafeVarargs
    @SuppressWarnings("varargs") // asList only reads
    public static <T> Mono<List<@Nullable T>> all(Mono<? extends T>... monos) {
        return AllSteps.of(Arrays.asList(monos));
    }

    /** As {@link #all(Mono...)}; the Iterable is gone through once, here. */
    public static <T> Mono<List<@Nullable T>> all(Iterable<? extends Mono<? extends T>> monos) {
        return AllSteps.of(monos);
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
        return new MonoScope.WaitFor<>(mono, limit);
    }

    // ---- several at a time

    /**
     * Runs Monos concurrently and completes with their results, in the order of the arguments, null for an empty one.
     * Nothing happens until subscription. Then Futures are awaited as they are, other Monos run as tasks of the running
     * loop, or of one of {@link EventLoop#shared()}; the same Mono given twice runs once and fills both places.
     *
     * <p>Cancelling the subscription, or the task that awaits this, cancels all of them, also the Futures that were
     * given: {@link #shield} those that are not to be. The awaiting task resumes with the first that ends cancelled,
     * once no {@link #cleanup clean-up} of the others is under way and no child process of theirs is left; another
     * cancellation until then reaches those that still run.
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

    /**
     * Waits for a Mono and keeps the cancellation of who waits away from it. Nothing happens until subscription; then a
     * Future is awaited as it is, any other Mono runs as a task of the running loop, or of one of
     * {@link EventLoop#shared()}.
     *
     * <p>Cancelling the subscription, or the task that awaits this, ends the waiting at once, and the inner work goes
     * on. If it fails then, and nobody else asks for its exception, that is reported to the loop's exception handler as
     * never retrieved. Keep the Task, to wait for its end:
     *
     * <pre>{@code
     * Task<Receipt> booking = createTask(book(order));
     * try {
     *     return await(shield(booking));
     * } catch (CancelledException e) {
     *     log(await(booking));                          // it is not left half done
     *     throw e;
     * }
     * }</pre>
     *
     * <p>If the inner work itself is cancelled, so is this. asyncio: {@code shield}.
     */
    public static <T> Mono<T> shield(Mono<? extends T> mono) {
        ColdMono.adopt(Objects.requireNonNull(mono, "mono"));
        return new MonoFuture<>(Shield.class, (loop, context) -> Shield.start(mono, loop, context));
    }

    /**
     * Waits for Futures or Tasks, and tells which are done. Nothing happens until subscription. It never cancels them,
     * and never fails for their errors, which are left to be asked for; cancelling it ends the waiting only.
     *
     * <pre>{@code
     * WaitResult<Task<Page>> result = await(waitTasks(tasks, ReturnWhen.FIRST_COMPLETED));
     * Future.cancelAll(result.pending(), null);
     * }</pre>
     *
     * <p>What is done is seen when the waiting code goes on. What is wanted already costs no tick. To take one after
     * the other as they end, {@link #asCompletedTasks} is cheaper than waiting for the first again and again. asyncio:
     * {@code wait}.
     *
     * @param futures what to wait for; the same one twice is one. The Iterable is gone through once, here
     * @throws IllegalArgumentException if there are none
     */
    public static <F extends Future<?>> Mono<WaitResult<F>> waitTasks(
            Iterable<? extends F> futures, ReturnWhen returnWhen) {
        return waitTasks(futures, returnWhen, null);
    }

    /**
     * As {@link #waitTasks(Iterable, ReturnWhen)}, for a time at most.
     *
     * @param timeout on the loop's clock, from the subscription on; its end is no error. Null for no limit
     */
    public static <F extends Future<?>> Mono<WaitResult<F>> waitTasks(
            Iterable<? extends F> futures, ReturnWhen returnWhen, @Nullable Duration timeout) {
        return MonoWaitTasks.of(futures, returnWhen, timeout);
    }

    /**
     * The results of Monos in the order in which they are there; empty ones are skipped. Nothing happens until the
     * first request. Then Futures are awaited as they are, other Monos run as tasks of the running loop, or of one of
     * {@link EventLoop#shared()}; the same Mono given twice runs once. Results wait for demand.
     *
     * <p>The first error, in its turn, ends it. Neither that nor cancelling the subscription cancels any of the Monos:
     * they go on.
     *
     * <pre>{@code
     * Flux<Page> faster = asCompleted(List.of(fetch("a"), fetch("b"))).take(1);    // the other one continues
     * }</pre>
     *
     * <p>asyncio: {@code as_completed}, of which this is the {@code for} loop.
     *
     * @throws NullPointerException if one of the Monos is null
     */
    public static <T> Flux<T> asCompleted(Iterable<? extends Mono<? extends T>> monos) {
        return FluxAsCompleted.<T>of(monos, null).values();
    }

    /**
     * As {@link #asCompleted(Iterable)}, for a time at most, from the first request on, by the loop's clock. Then it
     * delivers what is done and ends with a {@link java.util.concurrent.TimeoutException}; the others go on.
     */
    public static <T> Flux<T> asCompleted(Iterable<? extends Mono<? extends T>> monos, Duration timeout) {
        return FluxAsCompleted.<T>of(monos, Objects.requireNonNull(timeout, "timeout"))
                .values();
    }

    /**
     * As {@link #asCompleted(Iterable)}, but delivers the Futures themselves, which are done: those that were given,
     * and for other Monos the tasks that were started. Errors and empty ones are among them, so it does not fail
     * itself.
     *
     * <p>asyncio: {@code as_completed}, of which this is the {@code async for} loop.
     */
    public static <T> Flux<Future<T>> asCompletedTasks(Iterable<? extends Mono<? extends T>> monos) {
        return FluxAsCompleted.of(monos, null);
    }

    /** As {@link #asCompletedTasks(Iterable)}, with a limit as {@link #asCompleted(Iterable, Duration)}. */
    public static <T> Flux<Future<T>> asCompletedTasks(Iterable<? extends Mono<? extends T>> monos, Duration timeout) {
        return FluxAsCompleted.of(monos, Objects.requireNonNull(timeout, "timeout"));
    }

    /**
     * The result of the first of several Monos that succeeds, which an empty one does too. Nothing happens until
     * subscription; then Futures are awaited as they are, other Monos run as tasks of the running loop, or of one of
     * {@link EventLoop#shared()}.
     *
     * <p>The losers are cancelled, also the Futures that were given, and waited for: when the result is there, their
     * cleanup is done. A result that comes too late goes to {@code Operators.onDiscard}, unless it is that of a Future
     * that was given; an error that comes too late, to the loop's exception handler. Errors before that are those of a
     * race that somebody else has won: they are forgotten.
     *
     * <p>If all fail, it fails with an {@link ExceptionGroup} of their errors, in the order of the arguments; if all
     * were cancelled, with a {@link CancelledException}. Cancelling the subscription, or the task that awaits this,
     * cancels all of them; the task goes on when all have ended.
     *
     * <pre>{@code
     * Connection connection = await(race(open("2001:db8::1"), sleep(Duration.ofMillis(250)).then(open("192.0.2.1"))));
     * }</pre>
     *
     * @throws IllegalArgumentException if there are none
     * @throws NullPointerException if one of the Monos is null
     */
    @SafeVarargs
    @SuppressWarnings("varargs") // asList only reads
    public static <T> Mono<T> race(Mono<? extends T>... monos) {
        return Race.of(Arrays.asList(monos));
    }

    /** As {@link #race(Mono...)}; the Iterable is gone through once, here. */
    public static <T> Mono<T> race(Iterable<? extends Mono<? extends T>> monos) {
        return Race.of(monos);
    }

    /**
     * As {@link #race(Iterable)}, but they begin one after the other: the next one when one fails, or when the last has
     * run for a while. So a second attempt costs something only if the first is slow or fails. Those that have not
     * begun when one has won never do. The same Mono given twice is tried twice; Futures are under way already.
     *
     * <pre>{@code
     * Reply reply = await(race(Collections.nCopies(3, ask()), Duration.ofMillis(50)));     // a hedged request
     * }</pre>
     *
     * <p>asyncio: {@code staggered_race}, which is internal there. (RFC 8305, "happy eyeballs")
     *
     * @param delay on the loop's clock, from the beginning of the one before; null to begin when one has failed only
     * @throws IllegalArgumentException if there are none, or the delay is negative
     * @throws NullPointerException if one of the Monos is null
     * @since 0.1
     */
    public static <T> Mono<T> race(Iterable<? extends Mono<? extends T>> monos, @Nullable Duration delay) {
        return Race.of(monos, delay);
    }

    /**
     * Runs a Mono for each item of a source, a number of them at a time, and delivers their results in the order of the
     * items; empty ones are skipped. Nothing happens until the first request. Then the Monos run as tasks of the
     * running loop, or of one of {@link EventLoop#shared()}; Futures are awaited as they are. The function is called
     * where the source signals.
     *
     * <p>An item is asked of the source for each that has been delivered, so that at most {@code concurrency} run or
     * wait for demand. {@link Integer#MAX_VALUE} sets no limit, and costs no more for each item.
     *
     * <p>An error, of the source, of the function or of a Mono, cancels the source and all that run, and is signalled
     * when these have ended; further errors are suppressed by it. Cancelling the subscription cancels the same, and
     * does not wait. What was not delivered goes to {@code Operators.onDiscard}.
     *
     * <pre>{@code
     * Flux<Page> pages = mapConcurrent(Flux.fromIterable(urls), 8, url -> fetch(url));
     * }</pre>
     *
     * @throws IllegalArgumentException if {@code concurrency} is not positive
     */
    public static <S, R> Flux<R> mapConcurrent(
            Publisher<? extends S> source, int concurrency, Function<? super S, ? extends Mono<? extends R>> function) {
        return FluxMapConcurrent.of(source, concurrency, function, true);
    }

    /** As {@link #mapConcurrent}, but delivers each result as soon as it is there. */
    public static <S, R> Flux<R> mapConcurrentUnordered(
            Publisher<? extends S> source, int concurrency, Function<? super S, ? extends Mono<? extends R>> function) {
        return FluxMapConcurrent.of(source, concurrency, function, false);
    }

    // ---- generators

    /**
     * A Flux whose items come from straight-line code: the body runs to its next {@link Emitter#emit emit} when an item
     * is wanted, delivers, and suspends there until the next one is; it is never ahead. When it returns, the Flux
     * completes; what it throws is the error of the Flux.
     *
     * <p>Nothing happens until the first request. Then the body runs as a task of the running loop, or of one of
     * {@link EventLoop#shared()}; each subscription runs it anew. It sees the subscriber's context. Items are delivered
     * on its thread, so the operators behind it run there.
     *
     * <p>Cancelling the subscription cancels that task: the body gets a {@link CancelledException} at its emit, or at
     * another await. Its {@code finally} blocks may await; a task that awaits the Flux, through however many operators,
     * does not go on before they have ended. Generators that are left at the end of a program are
     * {@linkplain EventLoop#shutdownAsyncgens closed} there.
     *
     * <pre>{@code
     * Flux<Row> rows = generate(emitter -> {
     *     Connection connection = await(pool.acquire());
     *     try {
     *         for (String query : queries) {
     *             await(emitter.emit(await(connection.query(query))));
     *         }
     *     } finally {
     *         await(connection.release());
     *     }
     * });
     * }</pre>
     *
     * <p>asyncio: an {@code async def} with {@code yield}. Unlike there, the body is a task of its own: time limits and
     * task groups around an emit are about the body alone. Not to be taken for {@code Flux.generate}, whose function
     * cannot wait.
     *
     * @since 0.1
     */
    public static <T> Flux<T> generate(Generator<T> body) {
        return new FluxGenerate<>(body);
    }

    /**
     * Iterates over a Publisher in a loop of straight-line code, with one item requested for each that is asked for.
     * Nothing happens before the first {@link AsyncIterator#next next()}.
     *
     * <pre>{@code
     * try (AsyncIterator<Row> rows = iterate(table)) {
     *     for (Row row; (row = await(rows.next())) != null; ) {
     *         await(store(row));
     *     }
     * }                                                  // left early, the source is cancelled, and waited for
     * }</pre>
     *
     * <p>asyncio: {@code async for}, with {@code contextlib.aclosing} around it.
     *
     * @since 0.1
     */
    public static <T> AsyncIterator<T> iterate(Publisher<? extends T> source) {
        return iterate(source, 0);
    }

    /**
     * As {@link #iterate(Publisher)}, with some items requested ahead: while the loop works on one, the source makes
     * the next ones.
     *
     * @param prefetch how many items may have come, or be on their way, that nobody has asked for
     * @throws IllegalArgumentException if {@code prefetch} is negative
     * @since 0.1
     */
    public static <T> AsyncIterator<T> iterate(Publisher<? extends T> source, int prefetch) {
        return new AsyncIterator<>(source, prefetch);
    }

    // ---- clean-up

    /**
     * Makes the clean-up of {@code Mono.usingWhen} and the like part of what a task waits for. Nothing happens until
     * subscription. Reactor calls a cancellation done when it has told the source, and runs the clean-up behind its
     * back; a task that awaits the chain, through however many operators, does not go on before what is given here has
     * ended. Outside of tasks it changes nothing.
     *
     * <p>It is known from its subscription on, which Reactor makes when it cancels. If a second thread cancels the same
     * chain in that moment, as two time limits of the same length do, the task may go on before: authors of sources
     * register the work from its start instead, see {@link Cleanups#cleanup}.
     *
     * <pre>{@code
     * Mono<Row> row = Mono.usingWhen(
     *         pool.acquire(), connection -> connection.query(sql), connection -> cleanup(connection.release()));
     * }</pre>
     *
     * @return completes when the clean-up has, without its values; cancelling cancels it
     */
    public static Mono<Void> cleanup(Publisher<?> publisher) {
        Mono<Void> end =
                Flux.from(Objects.requireNonNull(publisher, "publisher")).then();
        return Mono.deferContextual(context -> {
            Cleanups cleanups = Cleanups.of(context);
            if (cleanups == null) {
                return end;
            }
            cleanups.begin();
            return end.doFinally(signal -> cleanups.end());
        });
    }

    /**
     * Runs a clean-up that cancellations of whoever awaits it do not reach; for {@code finally} blocks. Nothing happens
     * until subscription. It is a task, begun at once; its end is waited for. When the time is over, it is cancelled,
     * and waited for all the same; then this fails with a {@link java.util.concurrent.TimeoutException}. A cancellation
     * that comes meanwhile stays requested: the next await of the task brings it, and if there is none, the task ends
     * cancelled.
     *
     * <pre>{@code
     * try {
     *     await(connection.update(sql));
     * } finally {
     *     await(shieldedCleanup(connection.rollback(), Duration.ofSeconds(5)));
     * }
     * }</pre>
     *
     * <p>In asyncio {@code shield} with a loop around it; trio: {@code move_on_after(5, shield=True)}.
     */
    public static <T> Mono<T> shieldedCleanup(Mono<? extends T> mono, Duration limit) {
        Objects.requireNonNull(limit, "limit");
        ColdMono.adopt(Objects.requireNonNull(mono, "mono"));
        return new MonoScope.Shielded<>(ShieldedCleanupSteps.class, () -> new ShieldedCleanupSteps<>(mono, limit));
    }

    // ---- other threads

    /**
     * Calls a blocking function in one of the loop's threads, which are platform threads. Nothing happens until
     * subscription. Cancelling keeps a function from starting, but does not stop one that runs: a task that awaits this
     * resumes at once, and what comes of the function later goes to {@code Operators.onDiscard} or
     * {@code onErrorDropped}. A function that returns a Publisher fails. It sees {@link #currentContext()}, and its
     * ThreadLocals if {@code io.micrometer:context-propagation} is there.
     */
    public static <T> Mono<T> toThread(Callable<? extends T> function) {
        return toThread(function, null);
    }

    /**
     * As {@link #toThread(Callable)}, in a thread of an executor: the cold form of {@link EventLoop#runInExecutor}. The
     * end of a program does not wait for such a function.
     *
     * @param executor whose threads, or null for those of the loop
     * @since 0.1
     */
    public static <T> Mono<T> toThread(Callable<? extends T> function, @Nullable Executor executor) {
        return new MonoToThread<>(Objects.requireNonNull(function, "function"), executor);
    }

    /** As {@link #toThread(Callable)}, for a lambda. */
    public static <T> Mono<T> toThread(ValueBody<? extends T> function) {
        return toThread((Callable<? extends T>) function);
    }

    /**
     * As {@link #toThread(Callable)}, for a function without a result.
     *
     * @param none nothing: it keeps Kotlin's lambdas behind the parentheses, and Scala's, away from here, where a value
     *     is lost
     */
    public static Mono<Void> toThread(Body function, Void... none) {
        Objects.requireNonNull(function, "function");
        return new MonoToThread<>(
                () -> {
                    function.run();
                    return null;
                },
                null);
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
        Future<T> wrapped = new Future.Wrapped<>();
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

    // ---- call graphs

    /**
     * Captures the tasks that wait for the current task; null in a callback. As {@link #captureCallGraph(Future, int)}.
     *
     * @throws IllegalStateException if no loop runs on this thread
     * @since 0.1
     */
    public static @Nullable FutureCallGraph captureCallGraph() {
        return captureCallGraph(null);
    }

    /**
     * As {@link #captureCallGraph(Future, int)}, with all lines of all bodies.
     *
     * @since 0.1
     */
    public static @Nullable FutureCallGraph captureCallGraph(@Nullable Future<?> future) {
        return captureCallGraph(future, Integer.MAX_VALUE);
    }

    /**
     * The tasks that wait for a Future, those that wait for them, and so on, with the lines of their bodies: how the
     * program comes to be where it is. It finds them through the combinators of this library, and through operators
     * that are {@link reactor.core.Scannable}, as those of Reactor are. A task waits for the children of a group whose
     * scope it is in, also while the scope's body does something else.
     *
     * <p><b>Threading.</b> From any thread; what goes on meanwhile may be missing. Nothing is recorded beforehand, so
     * it costs nothing until it is called: then less than a microsecond for each task that waits, and 30 to 300 for
     * each body whose stack is read. With a limit of 0 none is.
     *
     * <pre>{@code
     * FutureCallGraph graph = captureCallGraph(reply, 0);
     * for (FutureCallGraph waiting : graph.awaitedBy()) {
     *     log.info("{} is waited for", waiting.future());
     * }
     * }</pre>
     *
     * <p>asyncio: {@code capture_call_graph}.
     *
     * @param future null for the current task
     * @param limit how many lines to keep of each stack: the outermost ones if it is positive, the innermost ones if it
     *     is negative, none if it is 0
     * @return null if no Future is given and no task is running
     * @throws IllegalStateException if no Future is given and no loop runs on this thread
     * @since 0.1
     */
    public static @Nullable FutureCallGraph captureCallGraph(@Nullable Future<?> future, int limit) {
        return CallGraph.capture("captureCallGraph", future, limit);
    }

    /**
     * As {@link #formatCallGraph(Future, int)}, of the current task.
     *
     * @since 0.1
     */
    public static String formatCallGraph() {
        return formatCallGraph(null);
    }

    /**
     * As {@link #formatCallGraph(Future, int)}, with all lines of all bodies.
     *
     * @since 0.1
     */
    public static String formatCallGraph(@Nullable Future<?> future) {
        return formatCallGraph(future, Integer.MAX_VALUE);
    }

    /**
     * Returns {@link #captureCallGraph(Future, int)} as text for people; empty without a task. A task that is reached
     * in several ways is described once.
     *
     * <pre>{@literal
     * * Task(name='fetch', id=0x2)
     *   + Call stack:
     *   |   at shop.Feed.next(Feed.java:17)
     *   + Awaited by:
     *     * Task(name='Task-1', id=0x1)
     *       + Call stack:
     *       |   at shop.Main.main(Main.java:8)
     * }</pre>
     *
     * <p>asyncio: {@code format_call_graph}.
     *
     * @throws IllegalStateException if no Future is given and no loop runs on this thread
     * @since 0.1
     */
    public static String formatCallGraph(@Nullable Future<?> future, int limit) {
        return CallGraph.format(CallGraph.capture("formatCallGraph", future, limit));
    }

    /**
     * As {@link #printCallGraph(Future, int, PrintStream)}, of the current task.
     *
     * @since 0.1
     */
    public static void printCallGraph(PrintStream to) {
        printCallGraph(null, Integer.MAX_VALUE, to);
    }

    /**
     * Prints what {@link #formatCallGraph(Future, int)} gives.
     *
     * <p>asyncio: {@code print_call_graph}, whose {@code file} is the standard output unless said otherwise.
     *
     * @throws IllegalStateException if no Future is given and no loop runs on this thread
     * @since 0.1
     */
    public static void printCallGraph(@Nullable Future<?> future, int limit, PrintStream to) {
        Objects.requireNonNull(to, "to");
        to.println(CallGraph.format(CallGraph.capture("printCallGraph", future, limit)));
    }
}
