/**
 * The event loop by itself: its ready queue, timers, IO, and the threads that take turns in running it. It knows the
 * JDK and Netty; what happens in it, it tells a {@link asyncio.internal.loop.LoopObserver}. Not for users.
 */
@NullMarked
package asyncio.internal.loop;

import org.jspecify.annotations.NullMarked;
