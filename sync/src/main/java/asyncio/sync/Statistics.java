package asyncio.sync;

/**
 * The state of a lock or a semaphore at one moment.
 *
 * @param free how many permits nobody has; of a lock 1 or 0
 * @param waiters how many wait
 */
public record Statistics(int free, int waiters) {}
