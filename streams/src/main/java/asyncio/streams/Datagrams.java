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
 * Opens datagram sockets (UDP).
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
     * Opens a socket, binds it and, with a remote address, connects it; on the loop that is running at subscription, or
     * on one of {@link EventLoop#shared()}. Nothing happens until subscription; cancelling closes the socket, even if
     * it was already open but the awaiting body had not received it.
     *
     * <p>Fails with {@link java.net.BindException} if the address is in use or not an address of this host, with
     * {@link java.net.UnknownHostException}, and with {@link UnsupportedOperationException} for an option that the
     * system does not support.
     *
     * @since 0.1.0
     */
    public static Mono<DatagramConnection> open(DatagramOptions options) {
        Objects.requireNonNull(options, "options");
        Throwable site = Leftovers.site();
        return new MonoOpen<>(
                "Datagrams.open()",
                loop -> channel(options, true)
                        .map(channel -> open(loop, channel.socket()))
                        .doOnNext(opened ->
                                Leftovers.watch(Leftover.Kind.CONNECTION, opened, () -> !opened.isClosed(), site)));
    }

    private static DatagramConnection open(EventLoop loop, DatagramChannel channel) {
        try {
            return new DatagramConnection(loop, new DatagramSocketCore(loop, channel));
        } catch (IOException e) {
            throw Exceptions.propagate(closing(channel, e));
        }
    }

    /** Closes the socket after an error. */
    static <E extends Throwable> E closing(DatagramChannel channel, E error) {
        try {
            channel.close();
        } catch (IOException e) {
            error.addSuppressed(e);
        }
        return error;
    }

    /** A socket, and the remote address of its options. */
    record Socket(DatagramChannel socket, @Nullable InetSocketAddress remote) {}

    /**
     * The non-blocking socket for the options; on the loop.
     *
     * @param connects whether to connect it if there is a remote address
     */
    static Mono<Socket> channel(DatagramOptions options, boolean connects) {
        DatagramChannel given = options.socket;
        return given != null
                ? Mono.fromCallable(() -> prepared(given))
                : Mono.zip(address(options.local), address(options.remote)).handle((places, sink) -> {
                    InetSocketAddress remote = places.getT2().orElse(null);
                    try {
                        sink.next(new Socket(open(options, places.getT1().orElse(null), remote, connects), remote));
                    } catch (IOException e) {
                        sink.error(e);
                    }
                });
    }

    private static Socket prepared(DatagramChannel given) throws IOException {
        try {
            given.configureBlocking(false);
            if (given.getLocalAddress() == null) {
                given.bind(null);
            }
            return new Socket(given, (InetSocketAddress) given.getRemoteAddress());
        } catch (IOException e) {
            throw closing(given, e);
        }
    }

    private static Mono<Optional<InetSocketAddress>> address(DatagramOptions.@Nullable Place place) {
        return place == null
                ? Mono.just(Optional.empty())
                : Addresses.resolve(place.host(), place.port()).map(addresses -> Optional.of(addresses.get(0)));
    }

    private static DatagramChannel open(
            DatagramOptions options,
            @Nullable InetSocketAddress local,
            @Nullable InetSocketAddress remote,
            boolean connects)
            throws IOException {
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
            if (remote != null && connects) {
                channel.connect(remote);
            }
            for (DatagramOptions.Group group : options.groups) {
                channel.join(group.address(), group.on());
            }
            return channel;
        } catch (Throwable e) {
            closing(channel, e);
            throw e;
        }
    }

    @SuppressWarnings("unchecked") // checked by the builder's method
    private static <T> void setOption(DatagramChannel channel, SocketOption<T> option, Object value)
            throws IOException {
        channel.setOption(option, (T) value);
    }

    /** The family of the addresses; null if there is none, for a socket that supports both families. */
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
