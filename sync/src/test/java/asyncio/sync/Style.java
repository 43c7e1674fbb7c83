package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;

import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** How a task awaits a Mono: in a straight-line body, or as its coroutine. */
enum Style {
    BODY {
        @Override
        <T> Mono<T> of(Mono<T> mono) {
            return async(() -> await(mono));
        }
    },
    MONO {
        @Override
        <T> Mono<T> of(Mono<T> mono) {
            return mono;
        }
    };

    abstract <T> Mono<T> of(Mono<T> mono);

    /** Lets everything that is ready run. */
    static void tick() throws Exception {
        await(sleep(Duration.ZERO));
    }

    static void ticks(int n) throws Exception {
        for (int i = 0; i < n; i++) {
            tick();
        }
    }

    /** Returns the error with which the task ends, or null. */
    static @Nullable Throwable errorOf(Future<?> future) {
        try {
            await(future);
            return null;
        } catch (Throwable e) {
            return e;
        }
    }

    /** Like {@code call_soon(task.cancel)} in CPython's tests. */
    static void cancelSoon(Task<?> task) {
        EventLoop.getRunningLoop().callSoon(() -> task.cancel());
    }
}
