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
 * Runs several programs one after the other, on one loop and in one context, and shuts the loop down:
 * {@link Asyncio#run} in parts, for consoles, test runners and other plain code.
 *
 * <p>The first {@link #run} or {@link #getLoop} makes the loop. {@link #close} cancels the tasks that are left, waits
 * for them and reports their failures, then closes generators, waits for the threads of the default executor (five
 * minutes at most) and for connections that are being closed to send the data written to them (ten seconds at most,
 * after which they are aborted, with a warning that says how much is lost), and closes the loop.
 *
 * <p><b>Ctrl-C.</b> During a {@code run} on the main thread, the first Ctrl-C cancels the program, and its clean-up
 * runs; if that ends the program, {@code run} throws a {@link KeyboardInterruptException}, and if {@code main} does not
 * catch it, the process ends with status 130. The second one ends the JVM at once. None of that happens if SIGINT is
 * handled by other code, with {@code sun.misc.Signal.handle} for example, or is not available ({@code java -Xrs}).
 *
 * <p><b>Threading.</b> For use by one thread at a time, which must not be running a loop. An interrupt of that thread
 * is kept but ends nothing. If called on a virtual thread, it runs the loop on a separate platform thread, since a loop
 * that waits for IO would hold its carrier.
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
    /** Clean-up that takes longer than this is reported. */
    private static final Duration REMIND_AFTER = Duration.ofSeconds(3);
    /** After this, the tasks that are left are destroyed. */
    private static final Duration LIMIT_AFTER_OUT_OF_MEMORY = Duration.ofSeconds(5);
    /** The exit status of a process that Ctrl-C has ended: 128 plus the number of SIGINT. */
    private static final int INTERRUPTED_STATUS = 130;

    private final @Nullable Boolean debug;
    private final @Nullable Supplier<? extends EventLoop> loopFactory;
    private final ContextView context;
    private @Nullable EventLoop loop;
    private boolean closed;
    /** The exception of the last run; {@link #close} must not throw it again if a task passes it on. */
    private @Nullable Throwable thrown;

    /** Makes a runner with a default loop. */
    public Runner() {
        this(builder());
    }

    private Runner(Builder builder) {
        this.debug = builder.debug;
        this.loopFactory = builder.loopFactory;
        this.context = builder.context == null ? ThreadLocals.current() : builder.context;
    }

    /** Returns a builder of a runner. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder of a {@link Runner}; not thread-safe. */
    public static final class Builder {
        private @Nullable Boolean debug;
        private @Nullable Supplier<? extends EventLoop> loopFactory;
        private @Nullable ContextView context;

        private Builder() {}

        /** Turns the loop's {@link EventLoop#setDebug debug mode} on or off, overriding that of the process. */
        public Builder debug(boolean debug) {
            this.debug = debug;
            return this;
        }

        /**
         * Sets the factory of the loop, which is called once. The loop is then not made {@link EventLoop#setEventLoop
         * current}.
         */
        public Builder loopFactory(Supplier<? extends EventLoop> loopFactory) {
            this.loopFactory = Objects.requireNonNull(loopFactory, "loopFactory");
            return this;
        }

        /** Sets the context of all runs; by default that of the code that makes the runner. */
        public Builder context(ContextView context) {
            this.context = Objects.requireNonNull(context, "context");
            return this;
        }

        /** Makes the runner. */
        public Runner build() {
            return new Runner(this);
        }
    }

    /**
     * Runs a body, and returns its result.
     *
     * @throws IllegalStateException if the runner is closed, in a running loop, or on a thread that must not block
     * @throws KeyboardInterruptException if Ctrl-C ended it
     * @throws Exception the exception that the body throws, unchanged
     */
    public <T extends @Nullable Object> T run(Callable<T> body) throws Exception {
        return run(new MonoCoroutine<T>(Objects.requireNonNull(body, "body"), body));
    }

    /** Like {@link #run(Callable)}, for a lambda. */
    public <T extends @Nullable Object> T run(ValueBody<T> body) throws Exception {
        return run((Callable<T>) body);
    }

    /**
     * Like {@link #run(Callable)}, for a body without a result.
     *
     * @param none nothing; it keeps trailing lambdas of Kotlin and Scala from choosing this overload, which would lose
     *     their value
     */
    public void run(Body body, Void... none) throws Exception {
        run(Asyncio.async(body));
    }

    /** Like {@link #run(Callable)}, for any Mono; returns null if it is empty. */
    public <T extends @Nullable Object> T run(Mono<T> main) throws Exception {
        return run(main, context);
    }

    /** Like {@link #run(Mono)}, in another context. */
    @SuppressWarnings("NullAway") // an empty Mono is null to a caller whose T admits it
    public <T extends @Nullable Object> T run(Mono<T> main, ContextView context) throws Exception {
        ColdMono.adopt(Objects.requireNonNull(main, "main"));
        Objects.requireNonNull(context, "context");
        checkMayRun();
        EventLoop loop = loop(); // made, and made current, on the caller's thread
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
                task.exception(); // marks it as retrieved: it is thrown, and must not be logged as well
            }
            throw e;
        } finally {
            if (interception != null) {
                interception.restore();
            }
        }
    }

    /** Only its name identifies the launcher's thread: its number varies with the version of Java. */
    private static boolean onMainThread() {
        Thread thread = Thread.currentThread();
        ThreadGroup group = thread.getThreadGroup();
        return thread.getName().equals("main")
                && group != null
                && group.getName().equals("main");
    }

    /** Makes the JVM end as it does at Ctrl-C if the exception leaves {@code main}. */
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
     * Returns the loop, which is made now if there is none.
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
                loop = Objects.requireNonNull(loopFactory.get(), "loopFactory returned no loop");
            }
            if (debug != null) {
                loop.setDebug(debug);
            }
            this.loop = loop;
        }
        return loop;
    }

    /**
     * Ends the work that the runs have left, and closes the loop. Does nothing if there is no loop. Blocks. An
     * {@link Error} that ends a task meanwhile is thrown, unless the last run has already thrown it, so
     * try-with-resources may be used. After a run that ended with an {@link OutOfMemoryError}, tasks have five seconds
     * to end and are then destroyed.
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

    /** Cancels all tasks except generators, which the others may use until they end. */
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

    /** Closes the generators; their errors go to their subscribers. */
    private static void closeGenerators(EventLoop loop, boolean outOfMemory) {
        List<Task<?>> generators = Task.generators(loop);
        if (!generators.isEmpty()) {
            Task.closeGenerators(generators);
            runUntilEnded(generators, loop, outOfMemory);
        }
    }

    private static void runUntilEnded(Collection<Task<?>> left, EventLoop loop, boolean outOfMemory) {
        TimerHandle reminder = loop.callLater(REMIND_AFTER, () -> remind(left));
        // the code that was to end one of them may have died of the OutOfMemoryError
        TimerHandle limit = outOfMemory ? loop.callLater(LIMIT_AFTER_OUT_OF_MEMORY, loop::stop) : reminder;
        loop.runUntilDone(List.copyOf(left));
        reminder.cancel();
        limit.cancel();
    }

    private static void remind(Collection<Task<?>> cancelled) {
        List<Task<?>> left = cancelled.stream().filter(task -> !task.done()).toList();
        Log.warn(
                "Asyncio.run has ended, but waits for " + left.size() + " cancelled tasks, which are still running: "
                        + left + ". A catch (Exception e) around an await must rethrow CancelledException",
                null);
    }
}
