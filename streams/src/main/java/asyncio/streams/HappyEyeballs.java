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
 * Tries the addresses of a host: the next one when one fails, or beside it when that is silent for too long. The first
 * connection wins, the others are closed. If all fail, the first address's error has the others suppressed. (RFC 8305)
 */
final class HappyEyeballs {
    private HappyEyeballs() {}

    /** @param delay null to wait for each; subscribe on the loop */
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
                .doOnDiscard(Connection.class, Connection::dispose); // of one that lost when it was connected already
    }

    private static Throwable first(ExceptionGroup all) {
        Throwable first = all.exceptions().get(0);
        all.exceptions().stream().skip(1).forEach(error -> Suppressed.add(first, error));
        return first;
    }
}
