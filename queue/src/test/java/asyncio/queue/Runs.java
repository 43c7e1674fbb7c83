package asyncio.queue;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;

import asyncio.Body;
import asyncio.EventLoop;
import asyncio.Runner;
import io.netty.util.concurrent.Ticker;
import java.time.Duration;

/** Runs a body on a loop with virtual time. */
final class Runs {
    private Runs() {}

    static void onLoop(Body body) throws Exception {
        try (Runner runner = Runner.builder()
                .loopFactory(
                        () -> EventLoop.builder().clock(Ticker.newMockTicker()).build())
                .build()) {
            runner.run(body);
        }
    }

    /** Lets everything that is ready run once. */
    static void tick() throws Exception {
        await(sleep(Duration.ZERO));
    }
}
