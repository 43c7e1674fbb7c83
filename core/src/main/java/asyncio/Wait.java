package asyncio;

import asyncio.internal.loop.LoopCore;
import asyncio.internal.loop.Seated;
import org.jspecify.annotations.Nullable;

/** One suspension of a task, and the entry in the ready queue that ends it. */
abstract class Wait extends Waiter {
    /** Null in a {@link Suspension} that is no task's wait. */
    final Task<?> task;

    @SuppressWarnings("NullAway") // as said above; who has a wait in hand has one of a task
    Wait(@Nullable Task<?> task) {
        this.task = task;
    }

    /**
     * Passes a cancellation on to what is awaited; from any thread, at any time after the suspension began.
     *
     * @param among the cancellation of many that this one is part of, if any
     * @return true if the resumption is still to come and will bring the cancellation
     */
    abstract boolean requestCancel(@Nullable String message, @Nullable CancelAll among);

    /** The task whose cancellation {@link #requestCancel} would be, so that a chain of them can be walked down. */
    @Nullable Task<?> awaitedTask() {
        return null;
    }

    /** The Future that is awaited, or whose end the Mono stands for; null if there is none. */
    @Nullable Future<?> awaitedFuture() {
        return null;
    }

    /**
     * Returns the outcome, for a task that has resumed or was never suspended.
     *
     * @param request a cancellation that came after the end
     */
    abstract @Nullable Object outcome(@Nullable CancelledException request) throws Exception;

    /** Whether what will end it is another library's, which the loop knows nothing of. */
    boolean isForeign() {
        return false;
    }

    /** The task is about to take its next step; on the loop. */
    void resumed() {}

    /** Whether the resumption is on its way. */
    abstract boolean hasEnded();

    /** Lets go of what is awaited: the loop closes, or the tasks await each other. */
    abstract void abandon();

    /** Returns the awaited object, for {@code toString}. */
    abstract Object awaited();

    @Override
    @Nullable Object tells() {
        return task.isSuspendedOn(this) ? task : null;
    }

    /** A task resumes on its own loop, whoever completes what it awaits. */
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

    /** Suspended for exactly one tick: the wait itself is in the ready queue already. */
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

    /** Suspended until the clean-up that a Mono has left under way is over; a cancellation waits as well. */
    static final class Joining extends Wait {
        private final WaitSubscriber<?> ended;
        private final Future<Void> rest;

        Joining(WaitSubscriber<?> ended, Future<Void> rest) {
            super(ended.task);
            this.ended = ended;
            this.rest = rest;
        }

        /** The wait that left it. */
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
