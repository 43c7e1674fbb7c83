package asyncio;

/** The coroutine of a generator's task, which is closed at the end of its loop after all others. */
interface GeneratorCoroutine {
    /** Makes each emit fail from now on; cancelling the task is up to the caller. */
    void close(String reason);
}
