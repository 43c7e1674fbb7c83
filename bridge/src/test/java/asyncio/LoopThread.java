package asyncio;

/** A loop that runs on a thread of its own. */
final class LoopThread implements AutoCloseable {
    final EventLoop loop;
    private final Thread thread;

    LoopThread() {
        this(EventLoop.newEventLoop());
    }

    LoopThread(EventLoop loop) {
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
