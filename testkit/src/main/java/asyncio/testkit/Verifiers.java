package asyncio.testkit;

import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import asyncio.sync.Lockable;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.Scannable;

/**
 * Assertions about tasks, and about the waiters of locks, queues and the like; and {@link #withLoop}, for the signals
 * of a publisher in virtual time. A failure is an {@link AssertionError} that shows the actual state, with the
 * {@linkplain EventLoop#dumpTasks tasks of the loop}. They may be called from any thread, but only on the loop is the
 * state stable in the meantime.
 *
 * <pre>{@code
 * Task<Permit> writer = createTask(lock.acquire());
 * await(sleep(Duration.ZERO));
 * Verifiers.expectSuspended(writer);
 * Verifiers.expectWaiters(lock, 1);
 * writer.cancel("no longer needed");
 * await(sleep(Duration.ZERO));
 * Verifiers.expectCancelled(writer, "no longer needed");
 * Verifiers.expectWaiters(lock, 0);
 * }</pre>
 */
public final class Verifiers {
    private Verifiers() {}

    // ---- publishers

    /** Like {@link #withLoop(EventLoop, Supplier, long)}, with unlimited demand. */
    public static <T> LoopVerifier<T> withLoop(EventLoop loop, Supplier<? extends Publisher<? extends T>> source) {
        return withLoop(loop, source, Long.MAX_VALUE);
    }

    /**
     * Returns a verifier for the expected steps of a publisher on a loop with virtual time, which either runs the
     * calling body or is not running.
     *
     * <pre>{@code
     * Verifiers.withLoop(loop, () -> heartbeats(loop.scheduler()))
     *         .expectNoEvent(Duration.ofSeconds(30))
     *         .expectNext("beat")
     *         .thenCancel()
     *         .verify();
     * }</pre>
     *
     * @param source called and subscribed to on the loop
     * @param firstRequest the demand at subscription; 0 for none
     * @throws IllegalArgumentException if the loop's time is not virtual
     */
    public static <T> LoopVerifier<T> withLoop(
            EventLoop loop, Supplier<? extends Publisher<? extends T>> source, long firstRequest) {
        return new LoopVerifier<>(loop, source, firstRequest);
    }

    // ---- tasks

    /** Asserts that the task has begun and is suspended: neither ready nor done. */
    public static void expectSuspended(Task<?> task) {
        if (task.done() || task.awaits() == null) {
            throw failure("a suspended task", task, task);
        }
    }

    /** Asserts that the task is suspended on this object: the Mono or the task that its body awaits. */
    public static void expectSuspendedOn(Task<?> task, Object awaited) {
        if (task.done() || task.awaits() != awaited) {
            throw failure("a task that waits for " + awaited, task, task);
        }
    }

    /** Asserts that the Future is done with this result; null for an empty one. */
    public static void expectDone(Future<?> future, @Nullable Object result) {
        if (!future.done() || error(future) != null || !Objects.equals(resultOf(future), result)) {
            throw failure("the result " + result, future, future);
        }
    }

    /** Asserts that the Future has failed with an error of that class, and was not cancelled. */
    public static void expectFailed(Future<?> future, Class<? extends Throwable> error) {
        if (future.cancelled() || !future.done() || !error.isInstance(future.exception())) {
            throw failure("a failure with " + error.getName(), future, future);
        }
    }

    /** Asserts that the Future was cancelled. */
    public static void expectCancelled(Future<?> future) {
        if (!future.cancelled()) {
            throw failure("a cancellation", future, future);
        }
    }

    /** Asserts that the Future was cancelled with this message; null for none. */
    public static void expectCancelled(Future<?> future, @Nullable String message) {
        expectCancelled(future);
        Throwable error = error(future);
        if (!(error instanceof CancelledException) || !Objects.equals(error.getMessage(), message)) {
            throw failure("a cancellation with the message " + message, future, future + " by " + error);
        }
    }

    /** Unlike {@code exception()}, this does not mark the error as retrieved. */
    private static @Nullable Throwable error(Future<?> future) {
        return future.scan(Scannable.Attr.ERROR);
    }

    private static @Nullable Object resultOf(Future<?> done) {
        try {
            return done.result();
        } catch (Exception e) {
            throw new AssertionError(done + " has just had no error", e);
        }
    }

    // ---- waiters

    /**
     * Asserts the number of waiters: of a lock, semaphore, condition, event or barrier, the getters and putters of a
     * queue, or a Future's subscribers.
     */
    public static void expectWaiters(Scannable waitedFor, int expected) {
        List<? extends Scannable> waiters = waitedFor.inners().toList();
        int actual = waitedFor instanceof Lockable lock ? lock.waiters() : waiters.size();
        if (actual != expected) {
            throw new AssertionError("expected " + expected + " waiters, but there are " + actual + " at " + waitedFor
                    + (waiters.isEmpty() ? "" : ": " + waiters) + dump(EventLoop.runningOrNull()));
        }
    }

    private static AssertionError failure(String expected, Future<?> future, Object actual) {
        EventLoop loop = future.getLoop();
        return new AssertionError("expected " + expected + ", but it is " + actual
                + dump(loop == null ? EventLoop.runningOrNull() : loop));
    }

    private static String dump(@Nullable EventLoop loop) {
        return loop == null ? "" : "\n" + loop.dumpTasks();
    }
}
