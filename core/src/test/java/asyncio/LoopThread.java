package asyncio;

/** A loop that runs on its own thread. */
public final class LoopThread implements AutoCloseable {
    /** The loop. */
    public final EventLoop loop;

    private final Thread thread;

    /** Starts a thread with a new loop. */
    public LoopThread() {
        this(EventLoop.newEventLoop());
    }

    /** Starts a thread with the given loop. */
    public LoopThread(EventLoop loop) {
        this.loop = loop;
        thread = new Thread(loop::runForever, "test-loop");
        thread.start();
    }

    @Override
    public void close() throws InterruptedException {
        loop.stop();
        while (thread.isAlive()) {
            thread.join(10);
            loop.stop(); // the first one may have come before the loop ran
        }
        loop.close();
    }
}
