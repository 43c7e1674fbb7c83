/**
 * Bridges in both directions between callbacks, {@code CompletableFuture}, blocking calls, listeners and Reactive
 * Streams.
 *
 * <p>Each conversion documents the effect of cancelling on either side; where both effects make sense, there is no
 * default but an argument, {@link asyncio.bridge.Cancellation}.
 */
@NullMarked
package asyncio.bridge;

import org.jspecify.annotations.NullMarked;
