package asyncio.spring;

import asyncio.EventLoop;
import asyncio.queue.QueueShutDownException;
import java.time.Duration;
import java.util.Objects;
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
 * application context. The pool stops after the web server has answered its last request. It then accepts no more
 * items, and processes those in the queue until the drain timeout has passed. It can be started again.
 *
 * <p>Work that fails is reported to a handler, and the worker takes the next item. Work still running at the drain
 * timeout is cancelled; its items, and those not begun, go to {@link Builder#onUndelivered}. A worker has no access to
 * the request that submitted an item, neither to its context nor to its transaction: the item must have everything it
 * needs. The methods may be called from any thread.
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
 * <p>asyncio: the example of workers with a {@code Queue} in its documentation.
 *
 * @param <T> the type of the items
 * @since 0.1
 */
public final class WorkerPool<T> implements SmartLifecycle {
    /** The lifecycle phase: the web server drains and stops in later phases, which are stopped earlier. */
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
    /** The run between a start and the next stop; setting it to null stops the run. Guarded by this. */
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
     * Returns a builder for a pool.
     *
     * @param name the name of the pool and its tasks, in logs and dumps
     * @param work called on the loop with each item; the Publisher it returns is awaited there. It must not block
     */
    public static <T> Builder<T> builder(String name, Function<? super T, ? extends Publisher<?>> work) {
        return new Builder<>(Objects.requireNonNull(name, "name"), Objects.requireNonNull(work, "work"));
    }

    // ---- submitting

    /**
     * Submits an item, waiting while the queue is full. Nothing happens until subscription; cancelling before there is
     * room leaves the item out of the queue. Fails with {@link IllegalStateException} if the pool is not running, or
     * stops in the meantime.
     */
    public Mono<Void> submit(T item) {
        Objects.requireNonNull(item, "item");
        return Mono.defer(() -> running().queue.put(item));
    }

    /**
     * Submits an item if there is room in the queue.
     *
     * @return whether there was room
     * @throws IllegalStateException if the pool is not running
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
                "Worker pool " + name + " accepts no items: it was not started, or is being"
                        + " stopped with its application context",
                cause);
    }

    // ---- lifecycle

    /** Starts the workers unless they are running. */
    @Override
    public synchronized void start() {
        if (run == null) {
            run = new WorkerRun<>(this, EventLoop.shared().next());
        }
    }

    /** Notes that the workers of a run have ended; returns true if that was not requested. */
    synchronized boolean hasEnded(WorkerRun<T> ended) {
        if (run != ended) {
            return false;
        }
        run = null;
        return true;
    }

    /** Stops accepting items, and calls back when all submitted items are done, or the drain timeout has passed. */
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

    /** Like {@link #stop(Runnable)}, but blocks until then. */
    @Override
    public void stop() {
        BlockingStop.of(this);
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
     * Builds a pool. Not thread-safe.
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

        /** Sets the number of items processed at a time; 1 by default. */
        public Builder<T> workers(int workers) {
            this.workers = positive("workers", workers);
            return this;
        }

        /** Sets the capacity of the queue; {@link #submit} waits while it is full. 1000 by default. */
        public Builder<T> capacity(int capacity) {
            this.capacity = positive("capacity", capacity);
            return this;
        }

        /**
         * Sets the time to drain the queue at shutdown; 20 seconds by default. Boot limits each shutdown phase by
         * {@code spring.lifecycle.timeout-per-shutdown-phase}, 30 seconds by default, which should be longer.
         */
        public Builder<T> drainTimeout(Duration drainTimeout) {
            if (drainTimeout.isNegative()) {
                throw new IllegalArgumentException("drainTimeout must not be negative: " + drainTimeout);
            }
            this.drainTimeout = drainTimeout;
            return this;
        }

        /** Sets whether the context starts the pool; true by default. */
        public Builder<T> autoStartup(boolean autoStartup) {
            this.autoStartup = autoStartup;
            return this;
        }

        /**
         * Sets the handler of failed work, which logs by default. It is called on the loop; if it throws, the pool
         * ends.
         */
        public Builder<T> onError(BiConsumer<? super T, ? super Throwable> onError) {
            this.onError = Objects.requireNonNull(onError, "onError");
            return this;
        }

        /** Sets the receiver of items left undone at shutdown, which logs by default. It must not block. */
        public Builder<T> onUndelivered(Consumer<? super T> onUndelivered) {
            this.onUndelivered = Objects.requireNonNull(onUndelivered, "onUndelivered");
            return this;
        }

        /** Returns the pool, not started. */
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
