package asyncio.streams;

import asyncio.Asyncio;
import asyncio.Flight;
import io.netty.resolver.AddressResolver;
import io.netty.resolver.AddressResolverGroup;
import io.netty.resolver.NoopAddressResolver;
import io.netty.util.NetUtil;
import io.netty.util.concurrent.EventExecutor;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Resolves the addresses of a host as asyncio does: with the operating system's resolver, on a thread of the loop's
 * executor.
 */
final class Addresses {
    private Addresses() {}

    static int checkPort(int port) {
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("A port is a number from 0 to 65535, not " + port);
        }
        return port;
    }

    /**
     * Returns the addresses in the system's order of preference, at least one; for null and "" the wildcard address.
     */
    static Mono<List<InetSocketAddress>> resolve(@Nullable String host, int port) {
        if (host == null || host.isEmpty()) {
            return Mono.just(List.of(new InetSocketAddress(port)));
        }
        InetAddress literal = NetUtil.createInetAddressFromIpAddressString(host);
        if (literal != null) {
            return Mono.just(List.of(new InetSocketAddress(literal, port)));
        }
        return Asyncio.toThread(() -> lookUp(host, port));
    }

    /** @throws IllegalArgumentException if there is none */
    static List<String> checkHosts(Collection<String> hosts) {
        if (hosts.isEmpty()) {
            throw new IllegalArgumentException("No host to listen on: give one, or null for all interfaces");
        }
        return List.copyOf(hosts);
    }

    private static List<InetSocketAddress> lookUp(String host, int port) throws UnknownHostException {
        List<InetSocketAddress> addresses = new ArrayList<>();
        for (InetAddress address : allByName(host)) {
            addresses.add(new InetSocketAddress(address, port));
        }
        return addresses;
    }

    /** Resolves a host. Blocks. */
    static InetAddress[] allByName(String host) throws UnknownHostException {
        return Flight.PRESENT ? StreamEvents.lookUp(host) : InetAddress.getAllByName(host);
    }

    /**
     * Alternates IPv4 and IPv6, after {@code firstFamilyCount} addresses of the first one's family; 0 keeps the order.
     */
    static List<InetSocketAddress> interleave(List<InetSocketAddress> addresses, int firstFamilyCount) {
        if (firstFamilyCount == 0) {
            return addresses;
        }
        Class<?> firstFamily = addresses.get(0).getAddress().getClass();
        Deque<InetSocketAddress> preferred = new ArrayDeque<>();
        Deque<InetSocketAddress> other = new ArrayDeque<>();
        for (InetSocketAddress address : addresses) {
            (address.getAddress().getClass() == firstFamily ? preferred : other).add(address);
        }
        List<InetSocketAddress> result = new ArrayList<>();
        for (int i = 1; i < firstFamilyCount && !preferred.isEmpty(); i++) {
            result.add(preferred.remove());
        }
        while (!preferred.isEmpty() || !other.isEmpty()) {
            if (!preferred.isEmpty()) {
                result.add(preferred.remove());
            }
            if (!other.isEmpty()) {
                result.add(other.remove());
            }
        }
        return result;
    }

    /**
     * A resolver for clients that only get resolved addresses. Netty's own keeps an entry for each loop, and a thread
     * to remove it when the loop closes.
     */
    static final class Resolved extends AddressResolverGroup<SocketAddress> {
        static final Resolved INSTANCE = new Resolved();

        @Override
        public AddressResolver<SocketAddress> getResolver(EventExecutor executor) {
            return newResolver(executor);
        }

        @Override
        protected AddressResolver<SocketAddress> newResolver(EventExecutor executor) {
            return new NoopAddressResolver(executor);
        }
    }
}
