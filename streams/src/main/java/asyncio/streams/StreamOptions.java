package asyncio.streams;

import io.netty.handler.ssl.SslContext;
import java.time.Duration;
import java.util.Objects;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** Options common to both sides of a connection: see {@link ConnectOptions} and {@link ServeOptions}. */
public abstract sealed class StreamOptions permits ConnectOptions, ServeOptions {
    final int limit;
    final @Nullable TlsOptions tls;
    final boolean keepAlive;
    final @Nullable Duration idleTimeout;
    final @Nullable Duration writeTimeout;

    StreamOptions(Builder<?> builder) {
        limit = builder.limit;
        tls = builder.tls;
        keepAlive = builder.keepAlive;
        idleTimeout = builder.idleTimeout;
        writeTimeout = builder.writeTimeout;
    }

    /**
     * Collects the options.
     *
     * @param <B> the builder itself
     */
    public abstract static sealed class Builder<B extends Builder<B>>
            permits ConnectOptions.Builder, ServeOptions.Builder {
        private int limit = StreamReader.DEFAULT_LIMIT;
        private @Nullable TlsOptions tls;
        private boolean keepAlive;
        private @Nullable Duration idleTimeout;
        private @Nullable Duration writeTimeout;

        Builder() {}

        abstract B self();

        /**
         * Sets the longest line, in bytes, 64 KiB by default; up to twice that is buffered before the peer has to wait.
         *
         * @throws IllegalArgumentException unless it is positive
         */
        public B limit(int limit) {
            this.limit = StreamReader.checkLimit(limit);
            return self();
        }

        /**
         * Enables TLS. The connection is available once the handshake has succeeded. A handshake that fails makes
         * {@code openConnection} fail; on a server it is logged at debug level, and the handler is not called.
         */
        public B tls(TlsOptions options) {
            tls = Objects.requireNonNull(options, "options");
            return self();
        }

        /** Enables TLS with a JDK context. */
        public B tls(SSLContext context) {
            return tls(TlsOptions.builder().context(context).build());
        }

        /** Enables TLS with a Netty context. */
        public B tls(SslContext context) {
            return tls(TlsOptions.builder().context(context).build());
        }

        /** Sets whether the operating system probes a silent peer from time to time (SO_KEEPALIVE). */
        public B keepAlive(boolean keepAlive) {
            this.keepAlive = keepAlive;
            return self();
        }

        /**
         * Sets how long the connection may be idle, with nothing received and nothing sent, before it is aborted:
         * reads, {@code drain} and {@code waitClosed} then fail with {@link java.net.SocketTimeoutException}. Null, the
         * default, means no limit.
         *
         * @throws IllegalArgumentException unless it is null or positive
         */
        public B idleTimeout(@Nullable Duration timeout) {
            idleTimeout = timeout == null ? null : OptionChecks.positive("idleTimeout", timeout);
            return self();
        }

        /**
         * Sets how long a peer may accept none of the bytes buffered for it, even if it sends, before the connection is
         * aborted (after at most twice that time): reads, {@code drain} and {@code waitClosed} then fail with
         * {@link java.net.SocketTimeoutException}. It also limits {@code close()}, which sends the buffered bytes.
         * Null, the default, means no limit.
         *
         * @throws IllegalArgumentException unless it is null or positive
         */
        public B writeTimeout(@Nullable Duration timeout) {
            writeTimeout = timeout == null ? null : OptionChecks.positive("writeTimeout", timeout);
            return self();
        }
    }
}
