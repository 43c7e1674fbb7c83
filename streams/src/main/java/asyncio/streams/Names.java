package asyncio.streams;

import asyncio.Asyncio;
import asyncio.Flight;
import io.netty.util.NetUtil;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProtocolFamily;
import java.net.StandardProtocolFamily;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Looks up the addresses of names and the names of addresses. It uses the JVM's resolver, which follows the operating
 * system's configuration, on a thread of the loop's executor. The JVM caches results for 30 seconds by default, and
 * failures for 10.
 *
 * <pre>{@code
 * List<AddressInfo> addresses = await(Names.getAddrInfo("example.org", 443));
 * }</pre>
 *
 * <p>asyncio: {@code loop.getaddrinfo}, {@code loop.getnameinfo}.
 *
 * @since 0.1.0
 */
public final class Names {
    private static final String IP6_WILDCARD = "::";
    private static final String IP4_WILDCARD = "0.0.0.0";

    private Names() {}

    /**
     * Like {@link #getAddrInfo(String, int, ProtocolFamily, boolean, boolean)}, for both families, for connecting.
     *
     * @throws IllegalArgumentException if the port is out of range
     * @since 0.1.0
     */
    public static Mono<List<AddressInfo>> getAddrInfo(@Nullable String host, int port) {
        return getAddrInfo(host, port, null, false, false);
    }

    /**
     * Returns the addresses of a host, at least one, in the JVM's order of preference. Nothing happens until
     * subscription. A running lookup cannot be stopped: after cancellation it ends in the background. Fails with
     * {@link UnknownHostException} if there is no address of that family.
     *
     * @param host a host name or an address; null or "" for this host itself
     * @param port 0 to 65535
     * @param family {@link StandardProtocolFamily#INET}, {@code INET6}, or null for both
     * @param numericHost whether the host must be an address, so that nothing is looked up: {@code AI_NUMERICHOST}
     * @param passive for this host itself, whether to return the address of all interfaces, for a server, instead of
     *     the loopback address: {@code AI_PASSIVE}
     * @throws IllegalArgumentException if the port is out of range, or the family is another one
     * @since 0.1.0
     */
    public static Mono<List<AddressInfo>> getAddrInfo(
            @Nullable String host, int port, @Nullable ProtocolFamily family, boolean numericHost, boolean passive) {
        Addresses.checkPort(port);
        if (family != null && family != StandardProtocolFamily.INET && family != StandardProtocolFamily.INET6) {
            throw new IllegalArgumentException("The family must be INET, INET6 or null, not " + family);
        }
        Mono<List<InetAddress>> found;
        if (host == null || host.isEmpty()) {
            found = Mono.fromCallable(() -> passive
                    ? List.of(literal(IP4_WILDCARD), literal(IP6_WILDCARD))
                    : List.of(literal("127.0.0.1"), literal("::1")));
        } else if (NetUtil.createInetAddressFromIpAddressString(host) != null) {
            found = Mono.fromCallable(() -> List.of(literal(host)));
        } else if (numericHost) {
            found = Mono.error(
                    () -> new UnknownHostException("Not an address, and name lookup is off (numericHost): " + host));
        } else {
            found = Asyncio.toThread(() -> List.of(Addresses.allByName(host)));
        }
        return found.handle((addresses, sink) -> {
            List<AddressInfo> matching = new ArrayList<>();
            for (InetAddress address : addresses) {
                AddressInfo info = new AddressInfo(familyOf(address), new InetSocketAddress(address, port));
                if (family == null || family == info.family()) {
                    matching.add(info);
                }
            }
            if (matching.isEmpty()) {
                sink.error(new UnknownHostException("No address of the family " + family + " is known for " + host));
            } else {
                sink.next(List.copyOf(matching));
            }
        });
    }

    private static InetAddress literal(String address) {
        return Objects.requireNonNull(NetUtil.createInetAddressFromIpAddressString(address));
    }

    private static ProtocolFamily familyOf(InetAddress address) {
        return address instanceof Inet6Address ? StandardProtocolFamily.INET6 : StandardProtocolFamily.INET;
    }

    /**
     * Returns the name of an address, or the address as text if it has none. Nothing happens until subscription; after
     * cancellation a running lookup ends in the background. Fails with {@link UnknownHostException} for an address that
     * is not resolved.
     *
     * @param numericHost whether to return the address as text without a lookup: {@code NI_NUMERICHOST}
     * @since 0.1.0
     */
    public static Mono<NameInfo> getNameInfo(InetSocketAddress address, boolean numericHost) {
        InetAddress host = address.getAddress();
        String service = Integer.toString(address.getPort());
        if (host == null) {
            return Mono.error(
                    () -> new UnknownHostException(address + " is not resolved: look it up with Names.getAddrInfo"));
        }
        if (numericHost) {
            return Mono.fromSupplier(() -> new NameInfo(host.getHostAddress(), service));
        }
        return Asyncio.toThread(() -> {
            // a copy without the name that this address was looked up by
            InetAddress nameless = InetAddress.getByAddress(host.getAddress());
            return new NameInfo(Flight.PRESENT ? StreamEvents.lookUp(nameless) : nameless.getHostName(), service);
        });
    }
}
