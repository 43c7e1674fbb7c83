/** Locks, semaphores, conditions, events, barriers and rate limiters that suspend instead of blocking. */
@NullMarked
package asyncio.sync;

import org.jspecify.annotations.NullMarked;
