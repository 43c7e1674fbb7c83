package asyncio;

import org.jspecify.annotations.Nullable;

/** One suspension of a task, and the entry in the ready queue that ends it. */
abstract class Wait extends Waiter {
    final Task<?> task;

    Wait(Task<?> task) {
        this.task = task;
    }

    /**
     * Passes a cancellation on to what is awaited; from any thread, at any time after the suspension began.
     *
     * @return true if the resumption is still to come and will bring the cancellation
     */
    abstract boolean requestCancel(@Nullable String message);

    /** Lets go of what is awaited: the loop closes, or the tasks await each other. */
    abstract void abandon();

    /** What is awaited, for {@code toString}. */
    abstract Object target();

    /** A task resumes on its own loop, whoever completes what it awaits. */
    @Override
    final EventLoop resumesOn() {
        return task.loop;
    }

    /** Except that a value which comes back to a Mono's task goes to a discard hook, which is the user's. */
    @Override
    boolean isInternal() {
        return task.hasBody() || !task.cancelRequested();
    }

    @Override
    public final void run() {
        task.resume(this);
    }

    /** The loop's close() ends its tasks itself. */
    @Override
    final void loopClosed() {}

    @Override
    public final String toString() {
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
        boolean requestCancel(@Nullable String message) {
            return future.cancel(message);
        }

        @Override
        void abandon() {
            future.removeWaiter(this);
        }

        @Override
        Object target() {
            return future;
        }
    }

    /** Suspended for exactly one tick: the wait itself is in the ready queue already. */
    static final class OneTick extends Wait {
        OneTick(Task<?> task) {
            super(task);
        }

        @Override
        boolean requestCancel(@Nullable String message) {
            return false;
        }

        @Override
        void abandon() {}

        @Override
        Object target() {
            return "sleep(0)";
        }
    }
}
