/** Will hold Lock, Event, Condition, Semaphore, BoundedSemaphore and Barrier. */
@NullMarked
package asyncio.sync;

import org.jspecify.annotations.NullMarked;
