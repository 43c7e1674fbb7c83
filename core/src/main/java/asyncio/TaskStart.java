package asyncio;

import asyncio.internal.loop.Entry;
import asyncio.internal.loop.Seated;
import org.jspecify.annotations.Nullable;

/** The entry in the ready queue that runs a task's first step. */
final class TaskStart extends Entry {
    private final Task<?> task;

    TaskStart(Task<?> task) {
        this.task = task;
    }

    @Override
    public void run() {
        EventLoop loop = task.loop;
        if (task.hasBody()) {
            task.step(null);
            return;
        }
        loop.enterTask(task);
        try (ThreadLocals.Scope locals = ThreadLocals.restore(task.getContext())) {
            task.step(null);
        } finally {
            loop.enterTask(null);
        }
    }

    @Override
    protected @Nullable Seated starts() {
        return task.seated();
    }

    @Override
    protected Object task() {
        return task;
    }

    @Override
    protected void loopClosed() {
        task.finishWith(new CancelledException("The event loop was closed before " + task.getName() + " began"));
    }

    @Override
    public String toString() {
        return task.toString();
    }
}
