package asyncio.spring;

import asyncio.EventLoop;
import asyncio.queue.QueueShutDownException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.springframework.context.SmartLifecycle;
import reactor.core.publisher.Mono;

/**
 * Background work: a queue, and a number of workers on one shared loop that take from it, in the lifecycle of an
 * application context. The pool stops after the web server has answered its last request, and takes nothing new then;
 * what is in the queue is worked on until the time for draining is out. It can be started again.
 *
 * <p>Work that fails is told to a handler, and the worker takes the next item. Work of the last seconds is cancelled
 * when the time is out; these items, and those that no worker has begun, go to {@link Builder#onUndelivered}. A worker
 * knows nothing of the request that submitted an item, neither its context nor its transaction: the item has all that
 * it needs. The methods may be called from any thread.
 *
 * <pre>{@code
 * @Bean
 * WorkerPool<Mail> mails(Mailer mailer) {
 *     return WorkerPool.builder("mails", (Mail mail) -> mailer.send(mail))
 *             .workers(4)
 *             .capacity(1000)
 *             .drainTimeout(Duration.ofSeconds(20))
 *             .build();
 * }
 * }</pre>
 *
 * <p>asyncio: the workers with a {@code Queue} of its documentation.
 *
 * @param <T> the type of the items
 * @since 0.1
 */
public final class WorkerPool<T> implements SmartLifecycle {
    /** The phase: the web server drains and stops in later ones, which are stopped earlier. */
    public static final int PHASE = SmartLifecycle.DEFAULT_PHASE - 4096;

    private static final Log LOG = LogFactory.getLog(WorkerPool.class);

    final String name;
    final int workers;
    final int capacity;
    final Duration drainTimeout;
    final Function<? super T, ? extends Publisher<?>> work;
    final BiConsumer<? super T, ? super Throwable> onError;
    final Consumer<? super T> onUndelivered;
    private final boolean autoStartup;
    /** From a start to the next stop; who sets it to null stops that run. Guarded by this. */
    private @Nullable WorkerRun<T> run;

    private WorkerPool(Builder<T> builder) {
        name = builder.name;
        work = builder.work;
        workers = builder.workers;
        capacity = builder.capacity;
        drainTimeout = builder.drainTimeout;
        onError = builder.onError;
        onUndelivered = builder.onUndelivered;
        autoStartup = builder.autoStartup;
    }

    /**
     * Begins to build a pool.
     *
     * @param name of the pool and its tasks, in logs and dumps
     * @param work is called on the loop with each item; what it returns is awaited there. It must not block
     */
    public static <T> Builder<T> builder(String name, Function<? super T, ? extends Publisher<?>> work) {
        return new Builder<>(Objects.requireNonNull(name, "name"), Objects.requireNonNull(work, "work"));
    }

    // ---- submitting

    /**
     * Submits an item, waiting while the queue is full. Nothing happens until subscription; cancelling before there is
     * room leaves the item outside. Fails with {@link IllegalStateException} if the pool does not run, or stops
     * meanwhile.
     */
    public Mono<Void> submit(T item) {
        Objects.requireNonNull(item, "item");
        return Mono.defer(() -> running().queue.put(item));
    }

    /**
     * Submits an item if there is room in the queue.
     *
     * @return whether there was
     * @throws IllegalStateException if the pool does not run
     */
    public boolean trySubmit(T item) {
        try {
            return running().queue.tryPut(Objects.requireNonNull(item, "item"));
        } catch (QueueShutDownException e) {
            throw notRunning(e);
        }
    }

    /** Returns the number of items that no worker has taken yet. */
    public synchronized int queued() {
        return run == null ? 0 : run.queue.size();
    }

    private synchronized WorkerRun<T> running() {
        if (run == null) {
            throw notRunning(null);
        }
        return run;
    }

    private IllegalStateException notRunning(@Nullable Throwable cause) {
        return new IllegalStateException(
                "Worker pool " + name + " takes no items: it was not started, or is being"
                        + " stopped with its application context",
                cause);
    }

    // ---- lifecycle

    /** Starts the workers, unless they run. */
    @Override
    public synchronized void start() {
        if (run == null) {
            run = new WorkerRun<>(this, EventLoop.shared().next());
        }
    }

    /** The workers of a run have ended; returns whether nobody has asked for that. */
    synchronized boolean hasEnded(WorkerRun<T> ended) {
        if (run != ended) {
            return false;
        }
        run = null;
        return true;
    }

    /** Stops taking items, and calls back when what was submitted is done, or the time for that is out. */
    @Override
    public void stop(Runnable callback) {
        WorkerRun<T> ending;
        synchronized (this) {
            ending = run;
            run = null;
        }
        if (ending == null) {
            callback.run();
        } else {
            ending.drain(callback);
        }
    }

    /** As {@link #stop(Runnable)}, and blocks until then. */
    @Override
    public void stop() {
        CountDownLatch stopped = new CountDownLatch(1);
        stop(stopped::countDown);
        try {
            stopped.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public synchronized boolean isRunning() {
        return run != null;
    }

    @Override
    public boolean isAutoStartup() {
        return autoStartup;
    }

    @Override
    public int getPhase() {
        return PHASE;
    }

    @Override
    public synchronized String toString() {
        return "<WorkerPool " + name + " workers=" + workers
                + (run == null ? " stopped>" : " queued=" + run.queue.size() + ">");
    }

    /**
     * Options of a pool. Not thread-safe.
     *
     * @param <T> the type of the items
     */
    public static final class Builder<T> {
        private final String name;
        private final Function<? super T, ? extends Publisher<?>> work;
        private int workers = 1;
        private int capacity = 1000;
        private Duration drainTimeout = Duration.ofSeconds(20);
        private boolean autoStartup = true;
        private BiConsumer<? super T, ? super Throwable> onError;
        private Consumer<? super T> onUndelivered;

        private Builder(String name, Function<? super T, ? extends Publisher<?>> work) {
            this.name = name;
            this.work = work;
            onError = (item, error) -> LOG.error("Worker pool " + name + " failed to work on " + item, error);
            onUndelivered = item -> LOG.error("Worker pool " + name + " was stopped before its work on " + item);
        }

        /** Sets how many items are worked on at a time: 1 unless set. */
        public Builder<T> workers(int workers) {
            this.workers = positive("workers", workers);
            return this;
        }

        /** Sets how many items wait in the queue before {@link #submit} does: 1000 unless set. */
        public Builder<T> capacity(int capacity) {
            this.capacity = positive("capacity", capacity);
            return this;
        }

        /**
         * Sets how long the workers may go on at the end: 20 seconds unless set. Boot gives each phase of the end a
         * time of its own, {@code spring.lifecycle.timeout-per-shutdown-phase}, 30 seconds unless set, which should be
         * longer.
         */
        public Builder<T> drainTimeout(Duration drainTimeout) {
            if (drainTimeout.isNegative()) {
                throw new IllegalArgumentException("drainTimeout must not be negative: " + drainTimeout);
            }
            this.drainTimeout = drainTimeout;
            return this;
        }

        /** Sets whether the context starts the pool: true unless set. */
        public Builder<T> autoStartup(boolean autoStartup) {
            this.autoStartup = autoStartup;
            return this;
        }

        /**
         * Sets the handler of work that fails, which logs unless set. Called on the loop; one that throws ends the
         * pool.
         */
        public Builder<T> onError(BiConsumer<? super T, ? super Throwable> onError) {
            this.onError = Objects.requireNonNull(onError, "onError");
            return this;
        }

        /** Sets the taker of items whose work is not done at the end, which logs unless set. It must not block. */
        public Builder<T> onUndelivered(Consumer<? super T> onUndelivered) {
            this.onUndelivered = Objects.requireNonNull(onUndelivered, "onUndelivered");
            return this;
        }

        /** Returns a pool that is not started. */
        public WorkerPool<T> build() {
            return new WorkerPool<>(this);
        }

        private static int positive(String option, int value) {
            if (value < 1) {
                throw new IllegalArgumentException(option + " must be positive, not " + value);
            }
            return value;
        }
    }
}
