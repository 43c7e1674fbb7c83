/** Pipes as Netty channels, for the modules of this library. */
@NullMarked
package asyncio.streams.internal;

import org.jspecify.annotations.NullMarked;
