package asyncio;

import io.netty.util.concurrent.Ticker;

/** Runs a body on a loop with virtual time. */
public final class VirtualTime {
    private VirtualTime() {}

    /** Returns a loop with virtual time. */
    public static EventLoop newLoop() {
        return EventLoop.builder().clock(Ticker.newMockTicker()).build();
    }

    /** Runs a body on such a loop, which is closed afterwards. */
    public static void run(Body body) throws Exception {
        try (Runner runner = Runner.builder().loopFactory(VirtualTime::newLoop).build()) {
            runner.run(body);
        }
    }
}
