/** Pipes as channels of Netty's, for the modules of this library. */
@NullMarked
package asyncio.streams.internal;

import org.jspecify.annotations.NullMarked;
