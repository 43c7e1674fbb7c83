package asyncio;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.ContextView;

/**
 * Runs several programs, one after the other, on one loop and in one context, and ends them in order:
 * {@link Asyncio#run} in parts, for consoles, test runners and others that are called from plain code.
 *
 * <p>The loop is made by the first {@link #run}, or {@link #getLoop}. {@link #close} cancels the tasks that are left
 * and waits for them, then closes generators, reports what they failed with, waits for the threads of the default
 * executor (five minutes at most) and for connections that are being closed to send what was written (ten seconds at
 * most, after which they are aborted, with a warning that says how much is lost), and closes the loop.
 *
 * <p><b>Ctrl-C.</b> During a {@code run} on the main thread, the first Ctrl-C cancels the program, whose cleanup runs;
 * if it ends by that, {@code run} throws {@link KeyboardInterruptException}, with which a {@code main} that lets it out
 * ends with status 130. The second one ends the JVM at once. None of that happens if SIGINT is handled otherwise, by
 * {@code sun.misc.Signal.handle} say, or is not to be had ({@code java -Xrs}).
 *
 * <p><b>Threading.</b> For one thread at a time, which must not run a loop. An interrupt of that thread is kept, but
 * ends nothing. On a virtual thread the loop runs on a platform thread beside it, since a loop that waits for IO would
 * keep its carrier.
 *
 * <pre>{@code
 * try (Runner runner = new Runner()) {
 *     Session session = runner.run(openSession());
 *     for (String line; (line = console.readLine()) != null; ) {
 *         System.out.println(runner.run(session.query(line)));
 *     }
 * }
 * }</pre>
 *
 * <p>asyncio: {@code Runner}.
 */
public final class Runner implements AutoCloseable {
    private static final Duration THREAD_JOIN_TIMEOUT = Duration.ofMinutes(5);
    /** A clean-up may take its time; after this the user wonders. */
    private static final Duration REMIND_AFTER = Duration.ofSeconds(3);
    /** Then the tasks that are left are destroyed. */
    private static final Duration LIMIT_AFTER_OUT_OF_MEMORY = Duration.ofSeconds(5);
    /** Status of a process that Ctrl-C has ended: 128 and the number of SIGINT. */
    private static final int INTERRUPTED_STATUS = 130;

    private final @Nullable Boolean debug;
    private final @Nullable Supplier<? extends EventLoop> loopFactory;
    private final ContextView context;
    private @Nullable EventLoop loop;
    private boolean closed;
    /** The exception of the last run; a task that passes the same on must not have {@link #close} throw it again. */
    private @Nullable Throwable thrown;

    /** A runner with a loop of the usual kind. */
    public Runner() {
        this(builder());
    }

    private Runner(Builder builder) {
        this.debug = builder.debug;
        this.loopFactory = builder.loopFactory;
        this.context = builder.context == null ? ThreadLocals.current() : builder.context;
    }

    /** A runner with other than the usual parts. */
    public static Builder builder() {
        return new Builder();
    }

    /** Makes a {@link Runner}; not thread-safe. */
    public static final class Builder {
        private @Nullable Boolean debug;
        private @Nullable Supplier<? extends EventLoop> loopFactory;
        private @Nullable ContextView context;

        private Builder() {}

        /** Turns the loop's {@link EventLoop#setDebug debug mode} on or off, whatever the process's is. */
        public Builder debug(boolean debug) {
            this.debug = debug;
            return this;
        }

        /** Makes the loop, which is then not made {@link EventLoop#setEventLoop current}. Called once. */
        public Builder loopFactory(Supplier<? extends EventLoop> loopFactory) {
            this.loopFactory = Objects.requireNonNull(loopFactory, "loopFactory");
            return this;
        }

        /** The context of all runs; that of the code that makes the runner, unless given. */
        public Builder context(ContextView context) {
            this.context = Objects.requireNonNull(context, "context");
            return this;
        }

        /** The runner. */
        public Runner build() {
            return new Runner(this);
        }
    }

    /**
     * Runs a body, and returns its result.
     *
     * @throws IllegalStateException if the runner is closed, in a running loop, or on a thread that must not block
     * @throws KeyboardInterruptException if Ctrl-C ended it
     * @throws Exception what the body throws, as it is
     */
    public <T extends @Nullable Object> T run(Callable<T> body) throws Exception {
        return run(new MonoCoroutine<T>(Objects.requireNonNull(body, "body"), body));
    }

    /** As {@link #run(Callable)}, for a lambda. */
    public <T extends @Nullable Object> T run(ValueBody<T> body) throws Exception {
        return run((Callable<T>) body);
    }

    /**
     * As {@link #run(Callable)}, for a body without a result.
     *
     * @param none nothing: it keeps Kotlin's lambdas behind the parentheses, and Scala's, away from here, where a value
     *     is lost
     */
    public void run(Body body, Void... none) throws Exception {
        run(Asyncio.async(body));
    }

    /** As {@link #run(Callable)}, for any Mono; null if it is empty. */
    public <T extends @Nullable Object> T run(Mono<T> main) throws Exception {
        return run(main, context);
    }

    /** As {@link #run(Mono)}, in another context. */
    @SuppressWarnings("NullAway") // an empty Mono is null to a caller whose T admits it
    public <T extends @Nullable Object> T run(Mono<T> main, ContextView context) throws Exception {
        ColdMono.adopt(Objects.requireNonNull(main, "main"));
        Objects.requireNonNull(context, "context");
        checkMayRun();
        EventLoop loop = loop(); // made, and made current, on the thread of the caller
        try {
            T result = OnPlatformThread.callOffVirtualThread(() -> runHere(loop, main, context));
            thrown = null;
            return result;
        } catch (Throwable e) {
            thrown = e;
            throw e;
        }
    }

    static void checkMayRun() {
        if (EventLoop.runningOrNull() != null) {
            throw Misuse.runInsideLoop();
        }
        if (Schedulers.isInNonBlockingThread()) {
            throw new IllegalStateException("Asyncio.run and Runner.run block, which thread "
                    + Thread.currentThread().getName() + " must not: subscribe to async(() -> ...) instead");
        }
    }

    private static <T> @Nullable T runHere(EventLoop loop, Mono<? extends T> main, ContextView context)
            throws Exception {
        Task<T> task = loop.createTask(main, TaskOptions.DEFAULTS.withContext(context));
        AtomicInteger interrupts = new AtomicInteger();
        Signals.Interception interception = onMainThread()
                ? Signals.interceptInterrupt(i -> {
                    if (interrupts.incrementAndGet() > 1 || !task.cancel()) {
                        i.passOn();
                    }
                })
                : null;
        try {
            return loop.runUntilComplete(task);
        } catch (CancelledException e) {
            if (interrupts.get() > 0 && task.uncancel() == 0) {
                KeyboardInterruptException interrupt = new KeyboardInterruptException(e);
                exitQuietlyIfUncaught();
                throw interrupt;
            }
            throw e;
        } catch (Error e) {
            if (task.done() && !task.cancelled()) {
                task.exception(); // it is on its way out: not to be logged as well
            }
            throw e;
        } finally {
            if (interception != null) {
                interception.restore();
            }
        }
    }

    /** The launcher's thread has no mark but its name: its number differs from one Java to the next. */
    private static boolean onMainThread() {
        Thread thread = Thread.currentThread();
        ThreadGroup group = thread.getThreadGroup();
        return thread.getName().equals("main")
                && group != null
                && group.getName().equals("main");
    }

    /** If the exception leaves {@code main}, the JVM is to end as it does at Ctrl-C. */
    private static void exitQuietlyIfUncaught() {
        Thread main = Thread.currentThread();
        Thread.UncaughtExceptionHandler others = main.getUncaughtExceptionHandler();
        main.setUncaughtExceptionHandler((thread, e) -> {
            if (e instanceof KeyboardInterruptException) {
                System.exit(INTERRUPTED_STATUS);
            }
            others.uncaughtException(thread, e);
        });
    }

    /**
     * The loop, which is made now if there was none.
     *
     * @throws IllegalStateException if the runner is closed
     */
    public EventLoop getLoop() {
        return loop();
    }

    private EventLoop loop() {
        if (closed) {
            throw new IllegalStateException("Runner is closed");
        }
        EventLoop loop = this.loop;
        if (loop == null) {
            if (loopFactory == null) {
                loop = EventLoop.newEventLoop();
                EventLoop.setEventLoop(loop);
            } else {
                loop = Objects.requireNonNull(loopFactory.get(), "loopFactory gave no loop");
            }
            if (debug != null) {
                loop.setDebug(debug);
            }
            this.loop = loop;
        }
        return loop;
    }

    /**
     * Ends what the runs have left, and closes the loop. Does nothing if there is none. Blocks. An {@link Error} that
     * ends a task meanwhile is thrown, unless the last run has thrown it already: so try-with-resources may be used.
     * After a run that ended with an {@link OutOfMemoryError} tasks have five seconds to end, and are destroyed then.
     *
     * @throws IllegalStateException in a running loop
     */
    @Override
    public void close() {
        EventLoop loop = this.loop;
        if (loop == null) {
            closed = true;
            return;
        }
        checkMayRun();
        this.loop = null;
        closed = true;
        try {
            boolean outOfMemory = thrown instanceof OutOfMemoryError;
            OnPlatformThread.callOffVirtualThread(() -> {
                shutDown(loop, outOfMemory);
                return null;
            });
        } catch (Throwable e) {
            Throwable before = thrown;
            if (e != before) {
                throw Misuse.<Error>sneaky(before == null ? e : Suppressed.apart(e, before));
            }
        } finally {
            thrown = null;
            if (loopFactory == null) {
                EventLoop.setEventLoop(null);
            }
        }
    }

    private static void shutDown(EventLoop loop, boolean outOfMemory) {
        Throwable error = null;
        try {
            cancelAllTasks(loop, outOfMemory);
            closeGenerators(loop, outOfMemory);
            Future<Void> joined = loop.createTask(loop.shutdownDefaultExecutor(THREAD_JOIN_TIMEOUT));
            loop.runUntilDone(List.of(joined));
            Closings.runUntilOver(loop);
            LeakDetector.reportAtEndOf(loop.events);
        } catch (Throwable e) {
            error = e;
            throw e;
        } finally {
            Suppressed.close(error, loop::close);
        }
    }

    /** But for generators, which tasks may use to the last. */
    private static void cancelAllTasks(EventLoop loop, boolean outOfMemory) {
        Set<Task<?>> left = loop.allTasks();
        left.removeIf(Task::isGenerator);
        if (left.isEmpty()) {
            return;
        }
        Future.cancelAll(left, null);
        runUntilEnded(left, loop, outOfMemory);
        for (Task<?> task : left) {
            if (task.done() && !task.cancelled() && task.exception() != null) {
                loop.callExceptionHandler(ExceptionContext.of("Unhandled exception during Asyncio.run() shutdown")
                        .exception(task.exception())
                        .future(task)
                        .build());
            }
        }
    }

    /** Their errors are their subscribers'. */
    private static void closeGenerators(EventLoop loop, boolean outOfMemory) {
        List<Task<?>> generators = Task.generators(loop);
        if (!generators.isEmpty()) {
            Task.closeGenerators(generators);
            runUntilEnded(generators, loop, outOfMemory);
        }
    }

    private static void runUntilEnded(Collection<Task<?>> left, EventLoop loop, boolean outOfMemory) {
        TimerHandle reminder = loop.callLater(REMIND_AFTER, () -> remind(left));
        // whoever was to end one of them may have died of it
        TimerHandle limit = outOfMemory ? loop.callLater(LIMIT_AFTER_OUT_OF_MEMORY, loop::stop) : reminder;
        loop.runUntilDone(List.copyOf(left));
        reminder.cancel();
        limit.cancel();
    }

    private static void remind(Collection<Task<?>> cancelled) {
        List<Task<?>> left = cancelled.stream().filter(task -> !task.done()).toList();
        Log.warn(
                "Asyncio.run has ended, but waits for " + left.size() + " tasks that were cancelled and go on: " + left
                        + ". A catch (Exception e) around an await must rethrow CancelledException",
                null);
    }
}
