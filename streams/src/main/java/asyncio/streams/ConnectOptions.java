package asyncio.streams;

import java.net.InetSocketAddress;
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

    private ConnectOptions(Builder builder) {
        super(builder);
        localAddress = builder.localAddress;
        happyEyeballsDelay = builder.happyEyeballsDelay;
        interleave = builder.interleave;
    }

    /** Starts with the defaults: no TLS, a limit of 64 KiB, the next address after 250 ms. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects the options. */
    public static final class Builder extends StreamOptions.Builder<Builder> {
        private @Nullable InetSocketAddress localAddress;
        private @Nullable Duration happyEyeballsDelay = Duration.ofMillis(250);
        private int interleave = 1;

        private Builder() {}

        @Override
        Builder self() {
            return this;
        }

        /** Encrypts, trusting whom the JVM trusts: {@link TlsOptions#client}. */
        public Builder tls() {
            return tls(TlsOptions.client());
        }

        /** Sets the local address to connect from, with port 0 for any. asyncio: {@code local_addr}. */
        public Builder localAddress(InetSocketAddress address) {
            localAddress = Objects.requireNonNull(address, "address");
            return this;
        }

        /**
         * Sets how long one address of a host may be silent until the next is tried beside it; when one fails, the next
         * is tried at once. The first that answers is taken, the others are closed. 250 ms by default; null to wait for
         * each.
         *
         * @throws IllegalArgumentException unless it is null or positive
         */
        public Builder happyEyeballsDelay(@Nullable Duration delay) {
            happyEyeballsDelay = delay == null ? null : OptionChecks.positive("happyEyeballsDelay", delay);
            return this;
        }

        /**
         * Sets how many addresses of the system's preferred family come first; from there on IPv4 and IPv6 take turns.
         * 1 by default; 0 keeps the system's order.
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

        /** The options. */
        public ConnectOptions build() {
            return new ConnectOptions(this);
        }
    }
}
