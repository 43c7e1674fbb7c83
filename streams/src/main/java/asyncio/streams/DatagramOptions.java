package asyncio.streams;

import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.channels.DatagramChannel;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The options of {@link Datagrams#open}. Immutable.
 *
 * <pre>{@code
 * DatagramConnection server = await(Datagrams.open(DatagramOptions.builder().localAddress("127.0.0.1", 9999).build()));
 * }</pre>
 *
 * <p>asyncio: the keyword arguments of {@code create_datagram_endpoint}.
 *
 * @since 0.1.0
 */
public final class DatagramOptions {
    final @Nullable Place local;
    final @Nullable Place remote;
    final Map<SocketOption<?>, Object> options;
    final Set<Group> groups;
    final @Nullable DatagramChannel socket;

    /** A host and a port; the host is not looked up before the socket is opened. */
    record Place(@Nullable String host, int port) {}

    /** A multicast group on an interface. */
    record Group(InetAddress address, NetworkInterface on) {}

    private DatagramOptions(Builder builder) {
        local = builder.local;
        remote = builder.remote;
        options = Map.copyOf(builder.options);
        groups = Set.copyOf(builder.groups);
        socket = builder.socket;
    }

    boolean broadcasts() {
        return Boolean.TRUE.equals(options.get(StandardSocketOptions.SO_BROADCAST));
    }

    /**
     * Starts with the defaults: any port of all interfaces, no peer.
     *
     * @since 0.1.0
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Collects the options.
     *
     * @since 0.1.0
     */
    public static final class Builder {
        private @Nullable Place local;
        private @Nullable Place remote;
        private final Map<SocketOption<?>, Object> options = new LinkedHashMap<>();
        private final Set<Group> groups = new LinkedHashSet<>();
        private @Nullable DatagramChannel socket;

        private Builder() {}

        /**
         * Sets the address on which datagrams are received. asyncio: {@code local_addr}.
         *
         * @param host a host name or an address; null or "" for all interfaces
         * @param port 0 to 65535; with 0 the system chooses
         * @throws IllegalArgumentException if the port is out of range
         * @since 0.1.0
         */
        public Builder localAddress(@Nullable String host, int port) {
            local = new Place(host, Addresses.checkPort(port));
            return this;
        }

        /**
         * Connects the socket: datagrams are sent to this address, and received from it only. The system then reports
         * refused datagrams. asyncio: {@code remote_addr}.
         *
         * @param host a host name or an address
         * @param port 1 to 65535
         * @throws IllegalArgumentException if the port is out of range
         * @since 0.1.0
         */
        public Builder remoteAddress(String host, int port) {
            Objects.requireNonNull(host, "host");
            if (Addresses.checkPort(port) == 0) {
                throw new IllegalArgumentException("Cannot send datagrams to port 0");
            }
            remote = new Place(host, port);
            return this;
        }

        /**
         * Allows sending to broadcast addresses. asyncio: {@code allow_broadcast=True}.
         *
         * @since 0.1.0
         */
        public Builder allowBroadcast() {
            return option(StandardSocketOptions.SO_BROADCAST, true);
        }

        /**
         * Allows several sockets to bind the same address; the system distributes incoming datagrams among them.
         * asyncio: {@code reuse_port=True}.
         *
         * @since 0.1.0
         */
        public Builder reusePort() {
            return option(StandardSocketOptions.SO_REUSEPORT, true);
        }

        /**
         * Sets a socket option, such as {@link StandardSocketOptions#SO_RCVBUF}, or
         * {@link StandardSocketOptions#IP_MULTICAST_TTL}. Opening fails with {@link UnsupportedOperationException} if
         * the system does not support it.
         *
         * @since 0.1.0
         */
        public <T> Builder option(SocketOption<T> option, T value) {
            options.put(Objects.requireNonNull(option, "option"), Objects.requireNonNull(value, "value"));
            return this;
        }

        /**
         * Joins a multicast group on an interface. Use it with a local address that several sockets can share: the
         * group's port, with {@link StandardSocketOptions#SO_REUSEADDR}.
         *
         * @throws IllegalArgumentException if the address is not a multicast address
         * @since 0.1.0
         */
        public Builder join(InetAddress group, NetworkInterface on) {
            if (!group.isMulticastAddress()) {
                throw new IllegalArgumentException("Not a multicast address: " + group);
            }
            groups.add(new Group(group, Objects.requireNonNull(on, "on")));
            return this;
        }

        /**
         * Uses an existing socket, bound or not, connected or not, instead of opening one; no other option may be set
         * then. The connection or transport that is opened owns the socket: it makes it non-blocking and closes it.
         * asyncio: {@code sock}.
         *
         * @since 0.1
         */
        public Builder socket(DatagramChannel socket) {
            this.socket = Objects.requireNonNull(socket, "socket");
            return this;
        }

        /**
         * The options.
         *
         * @throws IllegalArgumentException if a socket is set together with other options
         * @since 0.1.0
         */
        public DatagramOptions build() {
            if (socket != null && (local != null || remote != null || !options.isEmpty() || !groups.isEmpty())) {
                throw new IllegalArgumentException(
                        "A socket was given, " + socket + ": set addresses and options on the socket itself");
            }
            return new DatagramOptions(this);
        }
    }
}
