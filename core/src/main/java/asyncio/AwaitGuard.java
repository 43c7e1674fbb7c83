package asyncio;

import reactor.core.publisher.Mono;

/** Decides whether a body may await. */
interface AwaitGuard {
    /**
     * Is called before each await that the body's own code makes, on its loop.
     *
     * @throws CancelledException if the body may not; what it was to await is not begun
     */
    void check(Mono<?> awaited);
}
