/**
 * The kernel: {@link asyncio.EventLoop}, {@link asyncio.Future}, {@link asyncio.Task} and {@link asyncio.Asyncio},
 * which is where a program starts.
 *
 * <p>A thing that suspends in Python's asyncio is a {@code Mono} here. A cold {@code Mono} plays the coroutine object:
 * nothing happens until someone subscribes to it, hands it to {@link asyncio.Asyncio#createTask createTask}, or writes
 * {@link asyncio.Asyncio#await await}.
 */
@NullMarked
package asyncio;

import org.jspecify.annotations.NullMarked;
