/**
 * The kernel: {@link asyncio.EventLoop}, {@link asyncio.Future}, {@link asyncio.Task} and {@link asyncio.Asyncio}, the
 * entry point of a program.
 *
 * <p>An operation that suspends in Python's asyncio is a {@code Mono} here. A cold {@code Mono} stands for the
 * coroutine object: nothing happens until it is subscribed to, passed to {@link asyncio.Asyncio#createTask createTask},
 * or awaited with {@link asyncio.Asyncio#await await}.
 */
@NullMarked
package asyncio;

import org.jspecify.annotations.NullMarked;
