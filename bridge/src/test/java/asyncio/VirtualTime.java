package asyncio;

import io.netty.util.concurrent.Ticker;

/** Runs a body on a loop with virtual time. */
final class VirtualTime {
    private VirtualTime() {}

    static void run(Body body) throws Exception {
        EventLoop loop = EventLoop.builder().clock(Ticker.newMockTicker()).build();
        try {
            loop.runUntilComplete(Asyncio.async(body));
        } finally {
            Program.shutdown(loop);
        }
    }
}
