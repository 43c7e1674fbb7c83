package asyncio;

import org.jspecify.annotations.Nullable;

/** The policy of asyncio: a current loop for each thread that has set one. asyncio: {@code DefaultEventLoopPolicy}. */
public class DefaultEventLoopPolicy implements EventLoopPolicy {
    @SuppressWarnings("ThreadLocalUsage") // a policy's own, as in CPython; a process has a few of them at most
    private final ThreadLocal<@Nullable EventLoop> current = new ThreadLocal<>();

    /** A policy in which no thread has a current loop yet. */
    public DefaultEventLoopPolicy() {}

    @Override
    public EventLoop getEventLoop() {
        EventLoop loop = current.get();
        if (loop == null) {
            throw Misuse.noCurrentLoop();
        }
        return loop;
    }

    @Override
    public void setEventLoop(@Nullable EventLoop loop) {
        if (loop == null) {
            current.remove();
        } else {
            current.set(loop);
        }
    }

    @Override
    public EventLoop newEventLoop() {
        return EventLoop.builder().build();
    }
}
