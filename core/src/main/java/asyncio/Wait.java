package asyncio;

import asyncio.internal.loop.LoopCore;
import asyncio.internal.loop.Seated;
import org.jspecify.annotations.Nullable;

/** One suspension of a task, and the entry in the ready queue that ends it. */
abstract class Wait extends Waiter {
    /** Null in a {@link Suspension} that is not the wait of a task. */
    final Task<?> task;

    @SuppressWarnings("NullAway") // as said above; other code only holds waits of tasks
    Wait(@Nullable Task<?> task) {
        this.task = task;
    }

    /**
     * Passes a cancellation on to the awaited source; from any thread, at any time after the suspension began.
     *
     * @param among the cancellation of several tasks that this one is part of, if any
     * @return true if the resumption is still to come and will bring the cancellation
     */
    abstract boolean requestCancel(@Nullable String message, @Nullable CancelAll among);

    /**
     * Returns the task that {@link #requestCancel} would cancel, so that a chain of tasks can be walked down; null if
     * there is none.
     */
    @Nullable Task<?> awaitedTask() {
        return null;
    }

    /** Returns the awaited Future, or the one that the awaited Mono stands for; null if there is none. */
    @Nullable Future<?> awaitedFuture() {
        return null;
    }

    /**
     * Returns the outcome, for a task that has resumed or was never suspended.
     *
     * @param request a cancellation that came after the end
     */
    abstract @Nullable Object outcome(@Nullable CancelledException request) throws Exception;

    /** Returns whether another library, which the loop does not know, will end it. */
    boolean isForeign() {
        return false;
    }

    /** Called on the loop when the task is about to take its next step. */
    void resumed() {}

    /** Returns whether the resumption is on its way. */
    abstract boolean hasEnded();

    /** Abandons the awaited source, because the loop closes or the tasks await each other. */
    abstract void abandon();

    /** Returns the awaited object, for {@code toString}. */
    abstract Object awaited();

    @Override
    @Nullable Object tells() {
        return task.isSuspendedOn(this) ? task : null;
    }

    /** A task resumes on its own loop, regardless of which thread completes the awaited source. */
    @Override
    @Nullable LoopCore resumesOn() {
        return task.loop.core;
    }

    @Override
    protected boolean isInternal() {
        return task.resumesInternally();
    }

    @Override
    protected @Nullable Seated resumes() {
        return task.seated();
    }

    @Override
    protected final @Nullable Object task() {
        return task;
    }

    @Override
    public void run() {
        task.step(this);
    }

    /** The loop's close() ends its tasks itself. */
    @Override
    protected void loopClosed() {}

    @Override
    public String toString() {
        return task.toString();
    }

    /** Suspended on a {@link Future}. */
    static final class OnFuture extends Wait {
        private final Future<?> future;

        OnFuture(Task<?> task, Future<?> future) {
            super(task);
            this.future = future;
        }

        @Override
        @Nullable Object outcome(@Nullable CancelledException request) throws Exception {
            return future.outcome(request);
        }

        @Override
        boolean hasEnded() {
            return future.done();
        }

        @Override
        boolean isForeign() {
            // done by another thread: the resumption is on its way
            return future.done() || ForeignWork.completes(future, task.loop.core);
        }

        @Override
        boolean requestCancel(@Nullable String message, @Nullable CancelAll among) {
            return future.cancel(message, among);
        }

        @Override
        @Nullable Task<?> awaitedTask() {
            return future instanceof Task<?> task ? task : null;
        }

        @Override
        Future<?> awaitedFuture() {
            return future;
        }

        @Override
        void abandon() {
            future.removeWaiter(this);
        }

        @Override
        Object awaited() {
            return future;
        }
    }

    /** Suspended for exactly one tick: the wait itself is already in the ready queue. */
    static final class OneTick extends Wait {
        OneTick(Task<?> task) {
            super(task);
        }

        @Override
        @Nullable Object outcome(@Nullable CancelledException request) {
            if (request != null) {
                throw request;
            }
            return null;
        }

        @Override
        boolean hasEnded() {
            return true;
        }

        @Override
        boolean requestCancel(@Nullable String message, @Nullable CancelAll among) {
            return false;
        }

        @Override
        void abandon() {}

        @Override
        Object awaited() {
            return "sleep(0)";
        }
    }

    /** Suspended until the clean-up that a Mono left under way has ended; a cancellation waits as well. */
    static final class Joining extends Wait {
        private final WaitSubscriber<?> ended;
        private final Future<Void> rest;

        Joining(WaitSubscriber<?> ended, Future<Void> rest) {
            super(ended.task);
            this.ended = ended;
            this.rest = rest;
        }

        /** Returns the wait that left the clean-up. */
        WaitSubscriber<?> ended() {
            return ended;
        }

        @Override
        @Nullable Object outcome(@Nullable CancelledException request) throws Exception {
            return ended.outcome(request);
        }

        @Override
        boolean hasEnded() {
            return rest.done();
        }

        @Override
        boolean isForeign() {
            // ended by another thread: the resumption is on its way
            return task.cleanups().isForeign(task.loop.core) || !task.cleanups().areUnderWay();
        }

        @Override
        boolean requestCancel(@Nullable String message, @Nullable CancelAll among) {
            return false;
        }

        @Override
        void abandon() {
            rest.removeWaiter(this);
            ended.abandon();
        }

        @Override
        Object awaited() {
            return "clean-up of " + ended.awaited();
        }
    }
}
