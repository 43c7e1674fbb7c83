package asyncio.blockhound;

import java.util.concurrent.ThreadPoolExecutor;
import reactor.blockhound.BlockHound;
import reactor.blockhound.integration.BlockHoundIntegration;
import reactor.core.scheduler.Schedulers;

/**
 * Tells BlockHound that a thread must not block while it runs an event loop, as bodies and callbacks do, and that the
 * library itself may hand a loop from thread to thread. {@code BlockHound.install()} finds it by {@code ServiceLoader}.
 *
 * <p>Each blocking call checks its thread, since a loop moves from thread to thread: use it in tests, where BlockHound
 * belongs.
 *
 * <pre>{@code
 * BlockHound.install();                                   // once, at the start of the tests
 * async(() -> Thread.sleep(10)).block();                  // BlockingOperationError
 * }</pre>
 *
 * @since 0.1
 */
public final class AsyncioBlockHoundIntegration implements BlockHoundIntegration {
    /** Waits until the loop is handed to the thread, which BlockHound already regards as running it. */
    private static final String SEAT = "asyncio.internal.loop.Seat";

    /** Called by {@code ServiceLoader}. */
    public AsyncioBlockHoundIntegration() {}

    @Override
    public void applyTo(BlockHound.Builder builder) {
        builder.addDynamicThreadPredicate(thread -> true)
                .nonBlockingThreadPredicate(others -> others.or(Schedulers::isNonBlockingThread))
                .allowBlockingCallsInside(SEAT, "awaitGrant")
                // they hold a lock for a moment, rarely contended
                .allowBlockingCallsInside(ThreadPoolExecutor.class.getName(), "execute")
                .allowBlockingCallsInside(ThreadPoolExecutor.class.getName(), "shutdown")
                // it reads from jars once, as class loading does
                .allowBlockingCallsInside("io.micrometer.context.ContextRegistry", "<clinit>");
    }
}
