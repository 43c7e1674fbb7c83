package asyncio;

import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** A scope that decides whether the code in it may await, in a list of those that are open in a task. */
interface AwaitGuard {
    /**
     * Called before each await in the body's own code, on its loop.
     *
     * @throws CancelledException if the body may not await; then the Mono is not started
     */
    void check(Mono<?> awaited);

    /** The scope around this one in the same task; null if this is the outermost. */
    @Nullable AwaitGuard around();

    /** Returns whether it has begun and not ended. */
    boolean isOpen();

    /** Returns whether cancellations of the scopes around this one are kept off. */
    boolean isShield();

    /** A scope inside of this one keeps off cancellations from now on: holds one back that was not delivered. */
    void hold();

    /** A scope inside of this one keeps off cancellations no longer: delivers one that was held back. */
    void release();
}
