package asyncio;

/** The entry in the ready queue that runs a task's first step. */
record TaskStart(Task<?> task) implements Runnable {
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
    public String toString() {
        return task.toString();
    }
}
