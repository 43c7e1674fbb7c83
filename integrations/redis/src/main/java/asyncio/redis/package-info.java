/**
 * The locks and semaphores of {@code asyncio.sync}, kept by a Redis server for several machines, through Redisson.
 *
 * <p>A permit on a server can be lost: see {@link asyncio.redis.RedisPermit}.
 */
@NullMarked
package asyncio.redis;

import org.jspecify.annotations.NullMarked;
