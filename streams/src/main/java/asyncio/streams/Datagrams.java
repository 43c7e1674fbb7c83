package asyncio.streams;

import asyncio.EventLoop;
import asyncio.Leftover;
import asyncio.Leftovers;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.net.StandardProtocolFamily;
import java.nio.channels.DatagramChannel;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import reactor.core.Exceptions;
import reactor.core.publisher.Mono;

/**
 * Opens sockets for datagrams (UDP).
 *
 * <pre>{@code
 * try (DatagramConnection echo = await(Datagrams.open(
 *         DatagramOptions.builder().localAddress("127.0.0.1", 9999).build()))) {
 *     while (true) {
 *         Datagram datagram = await(echo.receive());
 *         await(echo.send(datagram.data(), datagram.from()));
 *     }
 * }
 * }</pre>
 *
 * <p>asyncio: {@code create_datagram_endpoint}.
 *
 * @since 0.1.0
 */
public final class Datagrams {
    private Datagrams() {}

    /**
     * Opens a socket, binds it and, with a remote address, connects it; on the loop that runs where this is subscribed
     * to, or on one of {@link EventLoop#shared()}. Nothing happens until subscription; cancelling closes the socket,
     * also if a body has not taken it.
     *
     * <p>Fails with {@link java.net.BindException} if the address is in use or not this host's, with
     * {@link java.net.UnknownHostException}, with {@link UnsupportedOperationException} for an option that the system
     * does not have.
     *
     * @since 0.1.0
     */
    public static Mono<DatagramConnection> open(DatagramOptions options) {
        Objects.requireNonNull(options, "options");
        Throwable site = Leftovers.site();
        return new MonoOpen<>(
                "Datagrams.open()",
                loop -> Mono.zip(address(options.local), address(options.remote))
                        .map(places -> open(
                                loop,
                                options,
                                places.getT1().orElse(null),
                                places.getT2().orElse(null)))
                        .doOnNext(opened ->
                                Leftovers.watch(Leftover.Kind.CONNECTION, opened, () -> !opened.isClosed(), site)));
    }

    private static Mono<Optional<InetSocketAddress>> address(DatagramOptions.@Nullable Place place) {
        return place == null
                ? Mono.just(Optional.empty())
                : Addresses.resolve(place.host(), place.port()).map(addresses -> Optional.of(addresses.get(0)));
    }

    private static DatagramConnection open(
            EventLoop loop,
            DatagramOptions options,
            @Nullable InetSocketAddress local,
            @Nullable InetSocketAddress remote) {
        try {
            StandardProtocolFamily family = family(options, local, remote);
            DatagramChannel channel = family == null ? DatagramChannel.open() : DatagramChannel.open(family);
            try {
                channel.configureBlocking(false);
                for (Map.Entry<SocketOption<?>, Object> option : options.options.entrySet()) {
                    setOption(channel, option.getKey(), option.getValue());
                }
                channel.bind(
                        local == null && family == StandardProtocolFamily.INET
                                ? new InetSocketAddress(InetAddress.getByAddress(new byte[4]), 0) // not looked up
                                : local);
                if (remote != null) {
                    channel.connect(remote);
                }
                for (DatagramOptions.Group group : options.groups) {
                    channel.join(group.address(), group.on());
                }
                return new DatagramConnection(loop, new DatagramSocketCore(loop, channel));
            } catch (Throwable e) {
                channel.close();
                throw e;
            }
        } catch (IOException e) {
            throw Exceptions.propagate(e);
        }
    }

    @SuppressWarnings("unchecked") // the builder's method has seen to it
    private static <T> void setOption(DatagramChannel channel, SocketOption<T> option, Object value)
            throws IOException {
        channel.setOption(option, (T) value);
    }

    /** That of its addresses; null if there is none, for a socket that takes either. */
    private static @Nullable StandardProtocolFamily family(
            DatagramOptions options, @Nullable InetSocketAddress local, @Nullable InetSocketAddress remote) {
        InetAddress one = local != null && !local.getAddress().isAnyLocalAddress()
                ? local.getAddress()
                : remote != null ? remote.getAddress() : null;
        if (one == null && !options.groups.isEmpty()) {
            one = options.groups.iterator().next().address();
        }
        if (one == null) {
            return null;
        }
        return one instanceof Inet6Address ? StandardProtocolFamily.INET6 : StandardProtocolFamily.INET;
    }
}
