package asyncio.sync;

/**
 * The state of a lock or a semaphore at one moment.
 *
 * @param free the number of free permits; 1 or 0 for a lock
 * @param waiters the number of waiters
 */
public record Statistics(int free, int waiters) {}
