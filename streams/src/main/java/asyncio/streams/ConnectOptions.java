package asyncio.streams;

import io.netty.handler.ssl.SslContext;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Objects;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * How to connect: see {@link Streams#openConnection(String, int, ConnectOptions)}. Immutable.
 *
 * <pre>{@code
 * StreamConnection web = await(Streams.openConnection("example.org", 443, ConnectOptions.builder().tls().build()));
 * }</pre>
 *
 * <p>asyncio: the keyword arguments of {@code open_connection}.
 */
public final class ConnectOptions {
    static final ConnectOptions DEFAULT = builder().build();

    final int limit;
    final @Nullable TlsOptions tls;
    final @Nullable InetSocketAddress localAddress;
    final @Nullable Duration happyEyeballsDelay;
    final int interleave;
    final boolean keepAlive;
    final @Nullable Duration idleTimeout;

    private ConnectOptions(Builder builder) {
        limit = builder.limit;
        tls = builder.tls;
        localAddress = builder.localAddress;
        happyEyeballsDelay = builder.happyEyeballsDelay;
        interleave = builder.interleave;
        keepAlive = builder.keepAlive;
        idleTimeout = builder.idleTimeout;
    }

    /** Starts with the defaults: no TLS, a limit of 64 KiB, the next address after 250 ms. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects the options. */
    public static final class Builder {
        private int limit = StreamReader.DEFAULT_LIMIT;
        private @Nullable TlsOptions tls;
        private @Nullable InetSocketAddress localAddress;
        private @Nullable Duration happyEyeballsDelay = Duration.ofMillis(250);
        private int interleave = 1;
        private boolean keepAlive;
        private @Nullable Duration idleTimeout;

        private Builder() {}

        /**
         * The longest line, in bytes; twice that is buffered before the peer has to wait.
         *
         * @throws IllegalArgumentException unless it is positive
         */
        public Builder limit(int limit) {
            this.limit = StreamReader.checkLimit(limit);
            return this;
        }

        /** Encrypts, trusting whom the JVM trusts: {@link TlsOptions#client}. */
        public Builder tls() {
            return tls(TlsOptions.client());
        }

        /** Encrypts. */
        public Builder tls(TlsOptions options) {
            tls = Objects.requireNonNull(options, "options");
            return this;
        }

        /** Encrypts with the JDK's context. */
        public Builder tls(SSLContext context) {
            return tls(TlsOptions.builder().context(context).build());
        }

        /** Encrypts with Netty's context. */
        public Builder tls(SslContext context) {
            return tls(TlsOptions.builder().context(context).build());
        }

        /** Where to connect from, with port 0 for any. asyncio: {@code local_addr}. */
        public Builder localAddress(InetSocketAddress address) {
            localAddress = Objects.requireNonNull(address, "address");
            return this;
        }

        /**
         * How long one address of a host may be silent until the next is tried beside it; when one fails, the next is
         * tried at once. The first that answers is taken, the others are closed. 250 ms by default; null to wait for
         * each.
         *
         * @throws IllegalArgumentException unless it is null or positive
         */
        public Builder happyEyeballsDelay(@Nullable Duration delay) {
            happyEyeballsDelay = delay == null ? null : Limits.positive("happyEyeballsDelay", delay);
            return this;
        }

        /**
         * How many addresses of the system's preferred family come first; from there on IPv4 and IPv6 take turns. 1 by
         * default; 0 keeps the system's order.
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

        /** Whether the operating system asks a silent peer now and then whether it is still there (SO_KEEPALIVE). */
        public Builder keepAlive(boolean keepAlive) {
            this.keepAlive = keepAlive;
            return this;
        }

        /**
         * How long nothing may come and nothing be taken before the connection is aborted: reads, {@code drain} and
         * {@code waitClosed} fail with {@link java.net.SocketTimeoutException}. Null, the default, for ever.
         *
         * @throws IllegalArgumentException unless it is null or positive
         */
        public Builder idleTimeout(@Nullable Duration timeout) {
            idleTimeout = timeout == null ? null : Limits.positive("idleTimeout", timeout);
            return this;
        }

        /** The options. */
        public ConnectOptions build() {
            return new ConnectOptions(this);
        }
    }
}
