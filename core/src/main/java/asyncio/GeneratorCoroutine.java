package asyncio;

/** The coroutine of a generator's task, which is closed at the end of its loop after all others. */
interface GeneratorCoroutine {
    /** Has each emit fail from now on; cancelling the task is the caller's. */
    void close(String reason);
}
