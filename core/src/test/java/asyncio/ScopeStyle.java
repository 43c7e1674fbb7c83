package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Mono;

/** The ways to run a scope; each row of the catalogue must hold in all of them. */
enum ScopeStyle {
    /** Straight-line, awaited in the body of a task. */
    STRAIGHT_LINE {
        @Override
        <T> Mono<T> group(BodyFunction<TaskGroup, T> body) {
            return async(() -> await(TaskGroup.scopeBody(body)));
        }

        @Override
        <T> Mono<T> timeout(@Nullable Duration delay, BodyFunction<asyncio.Timeout, T> body) {
            return async(() -> await(asyncio.Timeout.scopeBody(delay, body)));
        }
    },
    /** A function that returns a Mono, awaited in the body of a task. */
    REACTIVE_IN_BODY {
        @Override
        <T> Mono<T> group(BodyFunction<TaskGroup, T> body) {
            return async(() -> await(TaskGroup.scope(group -> async(() -> body.apply(group)))));
        }

        @Override
        <T> Mono<T> timeout(@Nullable Duration delay, BodyFunction<asyncio.Timeout, T> body) {
            return async(() -> await(asyncio.Timeout.scope(delay, timeout -> async(() -> body.apply(timeout)))));
        }
    },
    /** A function that returns a Mono, outside of bodies: the scope is the coroutine of a task without a thread. */
    REACTIVE_TASK {
        @Override
        <T> Mono<T> group(BodyFunction<TaskGroup, T> body) {
            return TaskGroup.scope(group -> async(() -> body.apply(group)));
        }

        @Override
        <T> Mono<T> timeout(@Nullable Duration delay, BodyFunction<asyncio.Timeout, T> body) {
            return asyncio.Timeout.scope(delay, timeout -> async(() -> body.apply(timeout)));
        }
    };

    /** The coroutine of a task that is the parent of a group. */
    abstract <T> Mono<T> group(BodyFunction<TaskGroup, T> body);

    /** The coroutine of a task with a time limit around it. */
    abstract <T> Mono<T> timeout(@Nullable Duration delay, BodyFunction<asyncio.Timeout, T> body);

    /**
     * Runs a body in virtual time, and checks that it leaves nothing behind: no task, no timer, no unretrieved error,
     * no report.
     */
    static void run(Body body) throws Exception {
        List<Throwable> dropped = new CopyOnWriteArrayList<>();
        Hooks.onErrorDropped(dropped::add);
        List<ExceptionContext> reported = new CopyOnWriteArrayList<>();
        try {
            VirtualTime.run(() -> {
                EventLoop loop = EventLoop.getRunningLoop();
                loop.setExceptionHandler((here, context) -> reported.add(context));
                body.run();
                assertThat(loop.allTasks()).as("tasks left").containsExactly(Asyncio.currentTask());
                assertThat(loop.core.timerCount()).as("timers left").isZero();
            });
        } finally {
            Hooks.resetOnErrorDropped();
        }
        assertThat(dropped).as("errors dropped").isEmpty();
        assertThat(reported).as("told to the exception handler").isEmpty();
    }

    /** Lets everything that is ready run. */
    static void settle() throws Exception {
        for (int i = 0; i < 8; i++) {
            await(Asyncio.sleep(Duration.ZERO));
        }
    }

    /** Waits for a task; returns the error it ended with, or null. */
    static @Nullable Throwable errorOf(Task<?> task) {
        try {
            await(task);
            return null;
        } catch (Throwable e) {
            return e;
        }
    }
}
