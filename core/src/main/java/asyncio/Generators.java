package asyncio;

import java.util.List;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The generators of a loop: tasks that are closed at its end after all others, which may use them to the last.
 *
 * <p>asyncio: the weak set behind {@code shutdown_asyncgens}; here a generator is a task, which the loop knows anyway.
 */
final class Generators {
    /** The coroutine of a generator's task. */
    interface Closeable {
        /** Has each emit fail from now on; cancelling the task is the caller's. */
        void close(String reason);
    }

    private static final String REASON = "The event loop is shut down";

    private volatile boolean shutDown;

    static boolean contains(Task<?> task) {
        return task.source() instanceof Closeable;
    }

    /** Returns the generators that have begun and not ended. */
    static List<Task<?>> of(EventLoop loop) {
        return loop.tasks.snapshot().stream().filter(Generators::contains).toList();
    }

    /** Tells them to end. */
    static void close(List<Task<?>> generators) {
        Future.cancelAll(generators, REASON);
        for (Task<?> task : generators) {
            if (task.source() instanceof Closeable generator) {
                generator.close(REASON);
            }
        }
    }

    Mono<Void> shutDown(EventLoop loop) {
        return Mono.defer(() -> {
            shutDown = true;
            List<Task<?>> generators = of(loop);
            close(generators);
            return Flux.fromIterable(generators).concatMap(EndedWaiter::of).then();
        });
    }

    /** One begins. */
    void begin(Object generator) {
        if (shutDown) {
            Log.warn(Log.text(generator) + " begins after shutdownAsyncgens(): nothing will close it", null);
        }
    }
}
