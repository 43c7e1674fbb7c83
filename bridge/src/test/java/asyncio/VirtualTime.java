package asyncio;

import io.netty.util.concurrent.Ticker;

/** Runs a body on a loop with virtual time. */
final class VirtualTime {
    private VirtualTime() {}

    static EventLoop newLoop() {
        return EventLoop.builder().clock(Ticker.newMockTicker()).build();
    }

    static void run(Body body) throws Exception {
        try (Runner runner = Runner.builder().loopFactory(VirtualTime::newLoop).build()) {
            runner.run(body);
        }
    }
}
