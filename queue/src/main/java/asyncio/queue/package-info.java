/** Will hold Queue, PriorityQueue and LifoQueue. */
@NullMarked
package asyncio.queue;

import org.jspecify.annotations.NullMarked;
