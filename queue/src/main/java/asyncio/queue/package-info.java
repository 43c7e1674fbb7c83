/** Queues whose {@code put} and {@code get} suspend: {@code Queue}, {@code PriorityQueue}, {@code LifoQueue}. */
@NullMarked
package asyncio.queue;

import org.jspecify.annotations.NullMarked;
