package asyncio.streams;

import asyncio.Asyncio;
import asyncio.ExceptionGroup;
import asyncio.Suppressed;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;

/**
 * Tries the addresses of a host: the next attempt starts when one fails, or in parallel when it takes too long. The
 * first connection wins, the others are closed. If all fail, the errors of the others are suppressed in that of the
 * first address. (RFC 8305)
 */
final class HappyEyeballs {
    private HappyEyeballs() {}

    /** @param delay the delay before the next attempt; null to wait for each to fail; subscribe on the loop */
    static Mono<Connection> connect(
            List<InetSocketAddress> addresses,
            @Nullable Duration delay,
            Function<InetSocketAddress, Mono<Connection>> connect) {
        if (addresses.size() == 1) {
            return connect.apply(addresses.get(0));
        }
        List<Mono<Connection>> attempts = new ArrayList<>(addresses.size());
        for (InetSocketAddress address : addresses) {
            attempts.add(Mono.defer(() -> connect.apply(address)));
        }
        return Asyncio.race(attempts, delay)
                .onErrorMap(ExceptionGroup.class, HappyEyeballs::first)
                .doOnDiscard(Connection.class, Connection::dispose); // one that was already connected when it lost
    }

    private static Throwable first(ExceptionGroup all) {
        Throwable first = all.exceptions().get(0);
        all.exceptions().stream().skip(1).forEach(error -> Suppressed.add(first, error));
        return first;
    }
}
