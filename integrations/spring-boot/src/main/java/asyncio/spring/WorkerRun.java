package asyncio.spring;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import asyncio.TaskGroup;
import asyncio.queue.Queue;
import java.util.Objects;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.reactivestreams.Publisher;
import reactor.core.Disposable;
import reactor.core.Exceptions;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.Context;

/** The queue and the workers of a {@link WorkerPool} between a start and the next stop. */
final class WorkerRun<T> {
    private static final Log LOG = LogFactory.getLog(WorkerPool.class);

    private final WorkerPool<T> pool;
    private final Task<?> workers;
    final Queue<T> queue;

    WorkerRun(WorkerPool<T> pool, EventLoop loop) {
        this.pool = pool;
        queue = new Queue<>(pool.capacity, pool.onUndelivered);
        // without the ThreadLocals of the thread that starts the context
        workers = loop.createTask(
                TaskGroup.scope(group -> {
                    for (int i = 1; i <= pool.workers; i++) {
                        group.createTask(worker(), pool.name + "-" + i);
                    }
                    return Mono.empty();
                }),
                pool.name,
                Context.empty());
        workers.addDoneCallback(this::ended);
    }

    private Mono<Void> worker() {
        return async(() -> {
            for (T item; (item = await(queue.next())) != null; ) {
                workOn(item);
            }
        });
    }

    private void workOn(T item) throws Exception {
        try {
            Publisher<?> work = Objects.requireNonNull(
                    pool.work.apply(item), () -> "The work of worker pool " + pool.name + " is null");
            if (work instanceof Mono<?> mono) {
                await(mono);
            } else {
                await(Flux.from(work).then());
            }
        } catch (Throwable e) { // even an Error of the work must not keep the other items from being processed
            if (Exceptions.isJvmFatal(e)
                    || Objects.requireNonNull(Asyncio.currentTask()).cancelling() > 0) {
                pool.onUndelivered.accept(item);
                throw e;
            }
            pool.onError.accept(item, e);
        }
    }

    /** Shuts the queue down however the workers have ended, since no worker takes from it any more. */
    private void ended(Future<?> workers) {
        queue.shutdown(true);
        Throwable error = workers.cancelled() ? null : workers.exception();
        if (pool.hasEnded(this)) {
            LOG.error("Worker pool " + pool.name + " has ended, and accepts no items until it is started again", error);
        }
    }

    /** Lets the workers end when the queue is empty or the limit has passed, whichever is first. */
    void drain(Runnable callback) {
        queue.shutdown();
        Disposable limit = Schedulers.parallel()
                .schedule(this::cutOff, pool.drainTimeout.toMillis(), java.util.concurrent.TimeUnit.MILLISECONDS);
        workers.addDoneCallback(ended -> {
            limit.dispose();
            callback.run();
        });
    }

    private void cutOff() {
        if (workers.cancel("The time to drain worker pool " + pool.name + " is up: " + pool.drainTimeout)) {
            LOG.warn("Worker pool " + pool.name + " had not drained after " + pool.drainTimeout + ": " + queue.size()
                    + " items are left in the queue");
        }
    }
}
