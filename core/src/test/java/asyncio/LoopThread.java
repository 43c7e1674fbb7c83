package asyncio;

/** A loop that runs on a thread of its own. */
public final class LoopThread implements AutoCloseable {
    /** It. */
    public final EventLoop loop;

    private final Thread thread;

    /** With a new loop. */
    public LoopThread() {
        this(EventLoop.newEventLoop());
    }

    /** With that one. */
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
            loop.stop(); // the first may have come before the loop ran
        }
        loop.close();
    }
}
