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
 * The entry points of a program: {@link #run}, {@link #async} and {@link #await}, meant for {@code import static}.
 *
 * <p>A <em>body</em> is straight-line code that may {@link #await}: the argument of {@code run} or {@code async}. It
 * runs on a loop and has it to itself: between two awaits nothing else runs on that loop.
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
     * Runs a body on a new loop on this thread and returns its result. When the body has ended, the remaining tasks are
     * cancelled and waited for, then the loop is closed. This is {@link Runner#run(Callable)} and {@link Runner#close}
     * of a runner that is used once: the rules there for Ctrl-C, virtual threads and shutdown apply here too.
     *
     * @throws IllegalStateException in a running loop, or on a thread that must not block
     * @throws KeyboardInterruptException if Ctrl-C ended the program
     * @throws Exception the exception that the body throws, unchanged
     */
    public static <T extends @Nullable Object> T run(Callable<T> body) throws Exception {
        return run(new MonoCoroutine<T>(Objects.requireNonNull(body, "body"), body));
    }

    /** Like {@link #run(Callable)}, for a lambda. */
    public static <T extends @Nullable Object> T run(ValueBody<T> body) throws Exception {
        return run((Callable<T>) body);
    }

    /**
     * Like {@link #run(Callable)}, for a body without a result.
     *
     * @param none not used: it makes Kotlin's trailing lambdas, and Scala's, choose another overload, since this one
     *     loses a value
     */
    public static void run(Body body, Void... none) throws Exception {
        run(async(body));
    }

    /** Like {@link #run(Callable)}, for any Mono; returns null if it is empty. */
    public static <T extends @Nullable Object> T run(Mono<T> main) throws Exception {
        return run(main, Runner.builder());
    }

    /**
     * Like {@link #run(Callable)}, with {@link EventLoop#setDebug debug mode} on or off, regardless of the process-wide
     * setting.
     */
    public static <T extends @Nullable Object> T run(Callable<T> body, boolean debug) throws Exception {
        return run(new MonoCoroutine<T>(Objects.requireNonNull(body, "body"), body), debug);
    }

    /** Like {@link #run(Callable, boolean)}, for a lambda. */
    public static <T extends @Nullable Object> T run(ValueBody<T> body, boolean debug) throws Exception {
        return run((Callable<T>) body, debug);
    }

    /**
     * Like {@link #run(Callable, boolean)}, for a body without a result.
     *
     * @param none not used: it makes Kotlin's trailing lambdas, and Scala's, choose another overload, since this one
     *     loses a value
     */
    public static void run(Body body, boolean debug, Void... none) throws Exception {
        run(async(body), debug);
    }

    /** Like {@link #run(Callable, boolean)}, for any Mono; returns null if it is empty. */
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
     * Returns a body as a cold Mono: nothing runs until it is subscribed to or awaited, and each subscription runs it
     * anew. Awaited directly in a body, it runs inside the current task. Subscribed to elsewhere, it becomes a task on
     * the running loop, or on one of {@link EventLoop#shared()} if none is running.
     *
     * <p>Cancelling the subscription cancels that task: the body gets a {@link CancelledException} at its await. The
     * body sees the subscriber's context, and its ThreadLocals if {@code io.micrometer:context-propagation} is present.
     * A body that returns null completes the Mono empty; one that returns a Publisher fails.
     *
     * <p>asyncio: {@code async def}.
     */
    public static <T> Mono<T> async(Callable<? extends T> body) {
        return new MonoCoroutine<>(Objects.requireNonNull(body, "body"), body);
    }

    /** Like {@link #async(Callable)}, for a lambda. */
    public static <T> Mono<T> async(ValueBody<? extends T> body) {
        return async((Callable<? extends T>) body);
    }

    /**
     * Like {@link #async(Callable)}, for a body without a result.
     *
     * @param none not used: it makes Kotlin's trailing lambdas, and Scala's, choose another overload, since this one
     *     loses a value
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
     * Waits for a Mono in a body and returns its value, or null if it is empty. Meanwhile the loop runs other code; no
     * Reactor thread is blocked. Awaiting a Mono that is already done does not suspend.
     *
     * <p>Cancelling the awaiting task cancels the awaited Mono: a {@link Future} for all its subscribers, any other
     * Mono by disposing of its subscription. A Future that is awaited through an operator, as in
     * {@code await(task.map(f))}, is not cancelled: the task only detaches from it.
     *
     * @throws CancelledException if the task was cancelled, or the Future
     * @throws IllegalStateException outside a body, or in an operator's lambda
     * @throws Exception the Mono's error, unchanged
     */
    @SuppressWarnings("NullAway") // an empty Mono is null to callers with a nullable T
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

    /** Like {@link #createTask(Mono)}, with a name; null for {@code Task-N}. */
    public static <T> Task<T> createTask(Mono<? extends T> coroutine, @Nullable String name) {
        return createTask(coroutine, name == null ? TaskOptions.DEFAULTS : TaskOptions.named(name));
    }

    /** Like {@link #createTask(Mono)}, with options, such as an eager start. */
    public static <T> Task<T> createTask(Mono<? extends T> coroutine, TaskOptions options) {
        ColdMono.adopt(Objects.requireNonNull(coroutine, "coroutine"));
        EventLoop loop = EventLoop.runningOrNull();
        if (loop == null) {
            throw Misuse.noRunningLoop("createTask");
        }
        return loop.createTask(coroutine, options);
    }

    /**
     * Makes tasks that take their first step inside {@code createTask}, for
     * {@code loop.setTaskFactory(Asyncio::eagerTaskFactory)}. A task that never suspends is done when
     * {@code createTask} returns, and never waits for its turn. The options of a task take precedence.
     *
     * <p>Eager starts change the order of execution. They save a tick, but not the thread that a body needs: work that
     * often ends without suspending is cheapest as a Mono, or awaited inline.
     *
     * <p>asyncio: {@code eager_task_factory}.
     */
    public static <T> Task<T> eagerTaskFactory(EventLoop loop, Mono<? extends T> coroutine, TaskOptions options) {
        return loop.newTask(coroutine, options.eager() == null ? options.withEager(true) : options);
    }

    /**
     * Returns a Future unchanged, and any other Mono as a new task.
     *
     * @throws IllegalStateException if it is not a Future and no loop runs on this thread
     */
    @SuppressWarnings("unchecked")
    public static <T> Future<T> ensureFuture(Mono<? extends T> mono) {
        return mono instanceof Future<?> future ? (Future<T>) future : createTask(mono);
    }

    /**
     * Returns the task that the caller runs in, or null in a callback.
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
     * Returns the tasks of the running loop that are not done.
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

    /** Returns the Reactor context of the calling task, callback or {@link #toThread} function; empty elsewhere. */
    public static ContextView currentContext() {
        return Contexts.current();
    }

    // ---- waiting

    /**
     * Completes empty after a delay. Nothing happens until subscription; cancelling drops the timer. A zero or negative
     * delay takes exactly one tick, so that everything that is ready gets its turn.
     */
    public static Mono<Void> sleep(Duration delay) {
        return Objects.requireNonNull(delay, "delay").isZero() ? MonoSleep.ONE_TICK : new MonoSleep<>(delay, null);
    }

    /** Like {@link #sleep(Duration)}, with a result. */
    public static <T> Mono<T> sleep(Duration delay, T result) {
        return new MonoSleep<>(Objects.requireNonNull(delay, "delay"), Objects.requireNonNull(result, "result"));
    }

    // ---- several at a time

    /**
     * Runs Monos as tasks of a {@link TaskGroup} and emits their results in order, with null for an empty one. Nothing
     * happens until subscription. If one fails, the others are cancelled and waited for, and this fails with the
     * {@link ExceptionGroup}. The result of a Mono that was cancelled on its own is null. Cancelling this cancels all
     * of them and waits for their end.
     *
     * <p>Not in asyncio: its {@code gather} keeps the others running when one fails.
     */
    @SafeVarargs
    @SuppressWarnings("varargs") // asList only reads
    public static <T> Mono<List<@Nullable T>> all(Mono<? extends T>... monos) {
        return AllSteps.of(Arrays.asList(monos));
    }

    /** Like {@link #all(Mono...)}; the Iterable is iterated once, by this call. */
    public static <T> Mono<List<@Nullable T>> all(Iterable<? extends Mono<? extends T>> monos) {
        return AllSteps.of(monos);
    }

    // ---- time limits

    /**
     * Waits for a Mono with a time limit. When the limit is reached, the Mono is cancelled, a Future for all its
     * subscribers; when it has ended, including its clean-up, this fails with a
     * {@link java.util.concurrent.TimeoutException}. If the Mono still completes with a result, or did so in time, that
     * result is emitted. With a limit of zero or less nothing is started, and only a Future that is already done gives
     * its result. Nothing happens until subscription; cancelling cancels the Mono and waits for its end.
     *
     * <p>asyncio: {@code wait_for}. To keep the work running after a timeout, use {@code waitFor(shield(task), limit)}.
     *
     * @param limit measured on the loop's clock from the subscription; null for no limit
     */
    public static <T> Mono<T> waitFor(Mono<? extends T> mono, @Nullable Duration limit) {
        ColdMono.adopt(Objects.requireNonNull(mono, "mono"));
        return new MonoScope.WaitFor<>(mono, limit);
    }

    // ---- several at a time

    /**
     * Runs Monos concurrently and emits their results in the order of the arguments, with null for an empty one.
     * Nothing happens until subscription. Then Futures are awaited directly, other Monos run as tasks of the running
     * loop, or of one of {@link EventLoop#shared()}; a Mono that is given twice runs once and fills both places.
     *
     * <p>Cancelling the subscription, or the task that awaits this, cancels all of them, including the given Futures:
     * {@link #shield} those that must not be cancelled. The awaiting task resumes with the first that ends cancelled,
     * once no {@link #cleanup clean-up} of the others is under way and none of their child processes is left; another
     * cancellation before that reaches those that are still running.
     *
     * <p>The first error is signalled at once and the others keep running: their errors are no longer reported, their
     * results go to {@code Operators.onDiscard}. A Mono that was cancelled from elsewhere counts as failed. Use a task
     * group if all the work should end when one part fails.
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

    /** Like {@link #gather(Mono...)}; the Iterable is iterated once, by this call. */
    public static <T> Mono<List<@Nullable T>> gather(Iterable<? extends Mono<? extends T>> monos) {
        return Gather.of(monos, false);
    }

    /**
     * Like {@link #gather(Mono...)}, but if {@code returnExceptions} is true, an error or a cancellation takes the
     * place of the result, and all are waited for. A cancellation of the returned Mono itself is still signalled as
     * one.
     */
    public static Mono<List<@Nullable Object>> gather(Iterable<? extends Mono<?>> monos, boolean returnExceptions) {
        return Gather.of(monos, returnExceptions);
    }

    /**
     * Waits for a Mono and protects it from cancellation of the wait. Nothing happens until subscription; then a Future
     * is awaited directly, any other Mono runs as a task of the running loop, or of one of {@link EventLoop#shared()}.
     *
     * <p>Cancelling the subscription, or the task that awaits this, ends the wait at once, and the inner work keeps
     * running. If it then fails and its exception is retrieved nowhere else, that is reported to the loop's exception
     * handler as never retrieved. Keep the Task to wait for its end:
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
     * Waits for Futures or Tasks and emits which of them are done. Nothing happens until subscription. It never cancels
     * them and never fails with their errors, which remain to be retrieved; cancelling it only ends the wait.
     *
     * <pre>{@code
     * WaitResult<Task<Page>> result = await(waitTasks(tasks, ReturnWhen.FIRST_COMPLETED));
     * Future.cancelAll(result.pending(), null);
     * }</pre>
     *
     * <p>The result shows the state at the moment when the waiting code resumes. If the condition is already met, no
     * tick passes. To process Futures one by one as they end, {@link #asCompletedTasks} is cheaper than repeatedly
     * waiting for the first. asyncio: {@code wait}.
     *
     * @param futures the Futures to wait for; duplicates count once. The Iterable is iterated once, by this call
     * @throws IllegalArgumentException if there are none
     */
    public static <F extends Future<?>> Mono<WaitResult<F>> waitTasks(
            Iterable<? extends F> futures, ReturnWhen returnWhen) {
        return waitTasks(futures, returnWhen, null);
    }

    /**
     * Like {@link #waitTasks(Iterable, ReturnWhen)}, with a time limit.
     *
     * @param timeout measured on the loop's clock from the subscription; reaching it is not an error. Null for no limit
     */
    public static <F extends Future<?>> Mono<WaitResult<F>> waitTasks(
            Iterable<? extends F> futures, ReturnWhen returnWhen, @Nullable Duration timeout) {
        return MonoWaitTasks.of(futures, returnWhen, timeout);
    }

    /**
     * Emits the results of Monos in the order in which they complete; empty ones are skipped. Nothing happens until the
     * first request. Then Futures are awaited directly, other Monos run as tasks of the running loop, or of one of
     * {@link EventLoop#shared()}; a Mono that is given twice runs once. Results wait for demand.
     *
     * <p>The first error, in its turn, ends the Flux. Neither an error nor cancelling the subscription cancels any of
     * the Monos: they keep running.
     *
     * <pre>{@code
     * Flux<Page> faster = asCompleted(List.of(fetch("a"), fetch("b"))).take(1);    // the other one continues
     * }</pre>
     *
     * <p>asyncio: {@code as_completed} in a {@code for} loop.
     *
     * @throws NullPointerException if one of the Monos is null
     */
    public static <T> Flux<T> asCompleted(Iterable<? extends Mono<? extends T>> monos) {
        return FluxAsCompleted.<T>of(monos, null).values();
    }

    /**
     * Like {@link #asCompleted(Iterable)}, with a time limit, measured on the loop's clock from the first request. When
     * it is reached, the Flux delivers the results of the Monos that are done and ends with a
     * {@link java.util.concurrent.TimeoutException}; the others keep running.
     */
    public static <T> Flux<T> asCompleted(Iterable<? extends Mono<? extends T>> monos, Duration timeout) {
        return FluxAsCompleted.<T>of(monos, Objects.requireNonNull(timeout, "timeout"))
                .values();
    }

    /**
     * Like {@link #asCompleted(Iterable)}, but emits the completed Futures themselves: the given ones and, for other
     * Monos, the tasks that were started. Failed and empty ones are among them, so the Flux itself does not fail.
     *
     * <p>asyncio: {@code as_completed} in an {@code async for} loop.
     */
    public static <T> Flux<Future<T>> asCompletedTasks(Iterable<? extends Mono<? extends T>> monos) {
        return FluxAsCompleted.of(monos, null);
    }

    /** Like {@link #asCompletedTasks(Iterable)}, with a limit as {@link #asCompleted(Iterable, Duration)}. */
    public static <T> Flux<Future<T>> asCompletedTasks(Iterable<? extends Mono<? extends T>> monos, Duration timeout) {
        return FluxAsCompleted.of(monos, Objects.requireNonNull(timeout, "timeout"));
    }

    /**
     * Emits the result of the first Mono that succeeds; completing empty counts as success. Nothing happens until
     * subscription; then Futures are awaited directly, other Monos run as tasks of the running loop, or of one of
     * {@link EventLoop#shared()}.
     *
     * <p>The losers, including given Futures, are cancelled and waited for: when the result is emitted, their clean-up
     * is done. A late result goes to {@code Operators.onDiscard}, unless it is that of a given Future; a late error
     * goes to the loop's exception handler. Errors before the first success are dropped.
     *
     * <p>If all fail, it fails with an {@link ExceptionGroup} of their errors, in the order of the arguments; if all
     * were cancelled, with a {@link CancelledException}. Cancelling the subscription, or the task that awaits this,
     * cancels all of them; the task resumes when all have ended.
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

    /** Like {@link #race(Mono...)}; the Iterable is iterated once, by this call. */
    public static <T> Mono<T> race(Iterable<? extends Mono<? extends T>> monos) {
        return Race.of(monos);
    }

    /**
     * Like {@link #race(Iterable)}, but the Monos start one after another: the next one when one fails, or when the
     * latest has run for the delay. So a second attempt costs something only if the first is slow or fails. Monos that
     * have not started when one has won never start. A Mono that is given twice is tried twice; Futures are already
     * under way.
     *
     * <pre>{@code
     * Reply reply = await(race(Collections.nCopies(3, ask()), Duration.ofMillis(50)));     // a hedged request
     * }</pre>
     *
     * <p>asyncio: {@code staggered_race}, which is internal there. (RFC 8305, "happy eyeballs")
     *
     * @param delay measured on the loop's clock from the start of the previous one; null to start the next one only
     *     when one has failed
     * @throws IllegalArgumentException if there are none, or the delay is negative
     * @throws NullPointerException if one of the Monos is null
     * @since 0.1
     */
    public static <T> Mono<T> race(Iterable<? extends Mono<? extends T>> monos, @Nullable Duration delay) {
        return Race.of(monos, delay);
    }

    /**
     * Runs a Mono for each item of a source, a limited number at a time, and emits their results in the order of the
     * items; empty ones are skipped. Nothing happens until the first request. Then the Monos run as tasks of the
     * running loop, or of one of {@link EventLoop#shared()}; Futures are awaited directly. The function is called on
     * the thread that the source signals on.
     *
     * <p>Each delivery requests another item from the source, so that at most {@code concurrency} Monos run or wait for
     * demand. {@link Integer#MAX_VALUE} sets no limit, and costs no more per item.
     *
     * <p>An error of the source, the function or a Mono cancels the source and all running Monos, and is signalled when
     * these have ended; further errors are added to it as suppressed ones. Cancelling the subscription cancels the
     * same, without waiting. Undelivered results go to {@code Operators.onDiscard}.
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

    /** Like {@link #mapConcurrent}, but emits each result as soon as it is available. */
    public static <S, R> Flux<R> mapConcurrentUnordered(
            Publisher<? extends S> source, int concurrency, Function<? super S, ? extends Mono<? extends R>> function) {
        return FluxMapConcurrent.of(source, concurrency, function, false);
    }

    // ---- generators

    /**
     * Returns a Flux of the items that straight-line code emits: when an item is requested, the body runs to its next
     * {@link Emitter#emit emit}, delivers the item, and suspends there until another one is requested; it never runs
     * ahead. When the body returns, the Flux completes; an exception that it throws is the error of the Flux.
     *
     * <p>Nothing happens until the first request. Then the body runs as a task of the running loop, or of one of
     * {@link EventLoop#shared()}; each subscription runs it anew. It sees the subscriber's context. Items are delivered
     * on its thread, so downstream operators run there.
     *
     * <p>Cancelling the subscription cancels that task: the body gets a {@link CancelledException} at its emit, or at
     * another await. Its {@code finally} blocks may await; a task that awaits the Flux, through any number of
     * operators, does not resume before they have ended. Generators that are left at the end of a program are
     * {@linkplain EventLoop#shutdownAsyncgens closed} then.
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
     * <p>asyncio: an {@code async def} with {@code yield}. Unlike there, the body is its own task: time limits and task
     * groups around an emit apply to the body only. Not to be confused with {@code Flux.generate}: its function cannot
     * wait.
     *
     * @since 0.1
     */
    public static <T> Flux<T> generate(Generator<T> body) {
        return new FluxGenerate<>(body);
    }

    /**
     * Iterates over a Publisher in straight-line code; each {@link AsyncIterator#next next()} requests one item.
     * Nothing happens before the first.
     *
     * <pre>{@code
     * try (AsyncIterator<Row> rows = iterate(table)) {
     *     for (Row row; (row = await(rows.next())) != null; ) {
     *         await(store(row));
     *     }
     * }                                                  // left early, the source is cancelled and waited for
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
     * Like {@link #iterate(Publisher)}, with items requested ahead: while the loop works on one, the source produces
     * the next ones.
     *
     * @param prefetch the number of items that may be requested or buffered ahead of {@code next()}
     * @throws IllegalArgumentException if {@code prefetch} is negative
     * @since 0.1
     */
    public static <T> AsyncIterator<T> iterate(Publisher<? extends T> source, int prefetch) {
        return new AsyncIterator<>(source, prefetch);
    }

    // ---- clean-up

    /**
     * Makes tasks wait for the clean-up of {@code Mono.usingWhen} and similar operators. Nothing happens until
     * subscription. Reactor considers a cancellation complete as soon as the source has been told, and runs the
     * clean-up in the background; a task that awaits the chain, through any number of operators, does not resume before
     * the Publisher given here has ended. Outside of tasks this changes nothing.
     *
     * <p>The clean-up is known from its subscription on, which Reactor makes when it cancels. If a second thread
     * cancels the same chain at that moment, as two time limits of the same length do, the task may resume earlier:
     * authors of sources register the work from its start instead, see {@link Cleanups#cleanup}.
     *
     * <pre>{@code
     * Mono<Row> row = Mono.usingWhen(
     *         pool.acquire(), connection -> connection.query(sql), connection -> cleanup(connection.release()));
     * }</pre>
     *
     * @return a Mono that ends as the clean-up does, without its values; cancelling it cancels the clean-up
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
     * Runs a clean-up that is protected from cancellation of the awaiting task; for {@code finally} blocks. Nothing
     * happens until subscription. The clean-up is a task that starts at once and is waited for. When the limit is
     * reached, it is cancelled and still waited for; then this fails with a
     * {@link java.util.concurrent.TimeoutException}. A cancellation that arrives meanwhile stays requested: the task's
     * next await throws it, and if there is none, the task ends cancelled.
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
     * Calls a blocking function on a thread of the loop's default executor, which has platform threads. Nothing happens
     * until subscription. Cancelling keeps a function from starting, but does not stop a running one: a task that
     * awaits this resumes at once, and a later result or error of the function goes to {@code Operators.onDiscard} or
     * {@code onErrorDropped}. A function that returns a Publisher fails. The function sees {@link #currentContext()},
     * and its ThreadLocals if {@code io.micrometer:context-propagation} is present.
     */
    public static <T> Mono<T> toThread(Callable<? extends T> function) {
        return toThread(function, null);
    }

    /**
     * Like {@link #toThread(Callable)}, on a thread of an executor: the cold form of {@link EventLoop#runInExecutor}.
     * The end of a program does not wait for such a function.
     *
     * @param executor the executor to use, or null for the loop's default executor
     * @since 0.1
     */
    public static <T> Mono<T> toThread(Callable<? extends T> function, @Nullable Executor executor) {
        return new MonoToThread<>(Objects.requireNonNull(function, "function"), executor);
    }

    /** Like {@link #toThread(Callable)}, for a lambda. */
    public static <T> Mono<T> toThread(ValueBody<? extends T> function) {
        return toThread((Callable<? extends T>) function);
    }

    /**
     * Like {@link #toThread(Callable)}, for a function without a result.
     *
     * @param none not used: it makes Kotlin's trailing lambdas, and Scala's, choose another overload, since this one
     *     loses a value
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
     * the loop's own thread would deadlock.
     *
     * <p>asyncio: {@code run_coroutine_threadsafe}.
     *
     * @throws IllegalStateException if the loop is closed
     */
    public static <T> CompletableFuture<@Nullable T> runThreadsafe(Mono<? extends T> coroutine, EventLoop loop) {
        return ThreadsafeRun.start(coroutine, loop);
    }

    /**
     * Wraps a thread-based future in one of the running loop, if there is one. Cancelling either cancels the other; a
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
     * Captures the tasks that wait for the current task; returns null in a callback. See
     * {@link #captureCallGraph(Future, int)}.
     *
     * @throws IllegalStateException if no loop runs on this thread
     * @since 0.1
     */
    public static @Nullable FutureCallGraph captureCallGraph() {
        return captureCallGraph(null);
    }

    /**
     * Like {@link #captureCallGraph(Future, int)}, with all lines of all bodies.
     *
     * @since 0.1
     */
    public static @Nullable FutureCallGraph captureCallGraph(@Nullable Future<?> future) {
        return captureCallGraph(future, Integer.MAX_VALUE);
    }

    /**
     * Captures the tasks that wait for a Future, the tasks that wait for those, and so on, with the stacks of their
     * bodies: how the program got there. Tasks are found through the combinators of this library, and through operators
     * that are {@link reactor.core.Scannable}, as Reactor's are. A task in the scope of a group counts as waiting for
     * the group's children, even while the scope's body does something else.
     *
     * <p><b>Threading.</b> May be called from any thread; concurrent changes may be missed. Nothing is recorded
     * beforehand, so there is no cost until the call: then less than a microsecond for each waiting task, and 30 to 300
     * for each body stack that is read. With a limit of 0 no stack is read.
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
     * @param limit the number of lines to keep of each stack: the outermost ones if positive, the innermost ones if
     *     negative, none if 0
     * @return the graph, or null if no Future is given and no task is running
     * @throws IllegalStateException if no Future is given and no loop runs on this thread
     * @since 0.1
     */
    public static @Nullable FutureCallGraph captureCallGraph(@Nullable Future<?> future, int limit) {
        return CallGraph.capture("captureCallGraph", future, limit);
    }

    /**
     * Like {@link #formatCallGraph(Future, int)}, for the current task.
     *
     * @since 0.1
     */
    public static String formatCallGraph() {
        return formatCallGraph(null);
    }

    /**
     * Like {@link #formatCallGraph(Future, int)}, with all lines of all bodies.
     *
     * @since 0.1
     */
    public static String formatCallGraph(@Nullable Future<?> future) {
        return formatCallGraph(future, Integer.MAX_VALUE);
    }

    /**
     * Returns {@link #captureCallGraph(Future, int)} as human-readable text; empty without a task. A task that is
     * reached by several paths is described once.
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
     * Like {@link #printCallGraph(Future, int, PrintStream)}, for the current task.
     *
     * @since 0.1
     */
    public static void printCallGraph(PrintStream to) {
        printCallGraph(null, Integer.MAX_VALUE, to);
    }

    /**
     * Prints the text of {@link #formatCallGraph(Future, int)}.
     *
     * <p>asyncio: {@code print_call_graph}, where {@code file} is the standard output by default.
     *
     * @throws IllegalStateException if no Future is given and no loop runs on this thread
     * @since 0.1
     */
    public static void printCallGraph(@Nullable Future<?> future, int limit, PrintStream to) {
        Objects.requireNonNull(to, "to");
        to.println(CallGraph.format(CallGraph.capture("printCallGraph", future, limit)));
    }
}
