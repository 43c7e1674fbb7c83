/**
 * Bridges, both ways, between callbacks, {@code CompletableFuture}, blocking calls, listeners and reactive streams.
 *
 * <p>Each conversion says what cancelling does on either side; where both can be wanted, there is no default but an
 * argument, {@link asyncio.bridge.Cancellation}.
 */
@NullMarked
package asyncio.bridge;

import org.jspecify.annotations.NullMarked;
