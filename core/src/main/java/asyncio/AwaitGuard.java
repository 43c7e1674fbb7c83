package asyncio;

import reactor.core.publisher.Mono;

/** Decides whether a body may await. */
interface AwaitGuard {
    /**
     * Called before each await in the body's own code, on its loop.
     *
     * @throws CancelledException if the body may not await; then the Mono is not started
     */
    void check(Mono<?> awaited);
}
