/**
 * The event loop by itself: its ready queue, timers, IO, and the threads that take turns in running it. It depends on
 * the JDK and Netty only, and reports events to a {@link asyncio.internal.loop.LoopObserver}. Not for users.
 */
@NullMarked
package asyncio.internal.loop;

import org.jspecify.annotations.NullMarked;
