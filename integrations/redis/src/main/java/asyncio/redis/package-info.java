/**
 * Locks, semaphores, rate limiters and events as in {@code asyncio.sync}, queues and broadcasts as in
 * {@code asyncio.queue}, on a Redis server shared by several machines, through Redisson.
 *
 * <p>A permit on a server can be lost: see {@link asyncio.redis.RedisPermit}.
 */
@Experimental
@NullMarked
package asyncio.redis;

import asyncio.Experimental;
import org.jspecify.annotations.NullMarked;
