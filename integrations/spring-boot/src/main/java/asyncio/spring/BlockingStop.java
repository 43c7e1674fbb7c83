package asyncio.spring;

import java.util.concurrent.CountDownLatch;
import org.springframework.context.SmartLifecycle;

/** The form of {@code stop} that blocks, for lifecycles that stop asynchronously. */
final class BlockingStop {
    private BlockingStop() {}

    /** Stops a lifecycle and waits for its callback; an interrupted caller waits no longer. */
    static void of(SmartLifecycle lifecycle) {
        CountDownLatch stopped = new CountDownLatch(1);
        lifecycle.stop(stopped::countDown);
        try {
            stopped.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
