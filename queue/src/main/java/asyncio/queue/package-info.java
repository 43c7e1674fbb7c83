/**
 * Queues with a {@code put} and a {@code get} that suspend: {@code Queue}, {@code PriorityQueue}, {@code LifoQueue}.
 */
@NullMarked
package asyncio.queue;

import org.jspecify.annotations.NullMarked;
