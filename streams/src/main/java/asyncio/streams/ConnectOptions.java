package asyncio.streams;

import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Options for connecting: see {@link Streams#openConnection(String, int, ConnectOptions)}. Immutable.
 *
 * <pre>{@code
 * StreamConnection web = await(Streams.openConnection("example.org", 443, ConnectOptions.builder().tls().build()));
 * }</pre>
 *
 * <p>asyncio: the keyword arguments of {@code open_connection}.
 */
public final class ConnectOptions extends StreamOptions {
    static final ConnectOptions DEFAULT = builder().build();

    final @Nullable InetSocketAddress localAddress;
    final @Nullable Duration happyEyeballsDelay;
    final int interleave;
    final @Nullable SocketChannel socket;

    private ConnectOptions(Builder builder) {
        super(builder);
        localAddress = builder.localAddress;
        happyEyeballsDelay = builder.happyEyeballsDelay;
        interleave = builder.interleave;
        socket = builder.socket;
    }

    /** Starts with the defaults: no TLS, a limit of 64 KiB, the next address after 250 ms. */
    public static Builder builder() {
        return new Builder();
    }

    /** @throws IllegalArgumentException if there is a socket in addition to a host or a path */
    void checkNoSocket() {
        if (socket != null) {
            throw new IllegalArgumentException(
                    "A socket was given, " + socket
                            + ", and an address as well: call the overload without an address, or do not set ConnectOptions.socket");
        }
    }

    /** @throws IllegalArgumentException if there is no socket */
    SocketChannel checkSocket() {
        if (socket == null) {
            throw new IllegalArgumentException(
                    "Neither an address nor a socket was given: pass an address, or set ConnectOptions.socket");
        }
        return socket;
    }

    /** Collects the options. */
    public static final class Builder extends StreamOptions.Builder<Builder> {
        private @Nullable InetSocketAddress localAddress;
        private @Nullable Duration happyEyeballsDelay = Duration.ofMillis(250);
        private int interleave = 1;
        private @Nullable SocketChannel socket;

        private Builder() {}

        @Override
        Builder self() {
            return this;
        }

        /** Enables TLS with the certificate authorities that the JVM trusts: {@link TlsOptions#client}. */
        public Builder tls() {
            return tls(TlsOptions.client());
        }

        /** Sets the local address to connect from, with port 0 for any. asyncio: {@code local_addr}. */
        public Builder localAddress(InetSocketAddress address) {
            localAddress = Objects.requireNonNull(address, "address");
            return this;
        }

        /**
         * Sets how long to wait for one address of a host before the next one is tried in parallel; if an attempt
         * fails, the next one starts at once. The first connection that succeeds is used, the others are closed. 250 ms
         * by default; null to try each address only after the previous one has failed.
         *
         * @throws IllegalArgumentException unless it is null or positive
         */
        public Builder happyEyeballsDelay(@Nullable Duration delay) {
            happyEyeballsDelay = delay == null ? null : OptionChecks.positive("happyEyeballsDelay", delay);
            return this;
        }

        /**
         * Sets how many addresses of the system's preferred family come first; after those, IPv4 and IPv6 alternate. 1
         * by default; 0 keeps the system's order.
         *
         * @throws IllegalArgumentException if it is negative
         */
        public Builder interleave(int firstFamilyCount) {
            if (firstFamilyCount < 0) {
                throw new IllegalArgumentException("interleave must not be negative, got " + firstFamilyCount);
            }
            interleave = firstFamilyCount;
            return this;
        }

        /**
         * Uses a socket that is already connected, instead of a host: see
         * {@link Streams#openConnection(ConnectOptions)}. It belongs to the connection, which closes it. asyncio:
         * {@code sock}.
         *
         * @throws IllegalArgumentException if it is not connected
         */
        public Builder socket(SocketChannel socket) {
            this.socket = AdoptedSocket.checked(socket);
            return this;
        }

        /**
         * The options.
         *
         * @throws IllegalArgumentException if there are both a socket and a local address
         */
        public ConnectOptions build() {
            if (socket != null && localAddress != null) {
                throw new IllegalArgumentException("A socket was given, " + socket
                        + ", which already has a local address: do not set localAddress");
            }
            return new ConnectOptions(this);
        }
    }
}
