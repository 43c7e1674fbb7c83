package asyncio.streams;

import io.netty.handler.ssl.SslContext;
import java.time.Duration;
import java.util.Objects;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** The options of connections of either side: see {@link ConnectOptions} and {@link ServeOptions}. */
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
         * The longest line, in bytes, 64 KiB by default; twice that is buffered before the peer has to wait.
         *
         * @throws IllegalArgumentException unless it is positive
         */
        public B limit(int limit) {
            this.limit = StreamReader.checkLimit(limit);
            return self();
        }

        /**
         * Encrypts. The connection is there when the handshake has succeeded. One that fails fails
         * {@code openConnection}; on a server it is a debug line in the log, and the handler is not called.
         */
        public B tls(TlsOptions options) {
            tls = Objects.requireNonNull(options, "options");
            return self();
        }

        /** Encrypts with the JDK's context. */
        public B tls(SSLContext context) {
            return tls(TlsOptions.builder().context(context).build());
        }

        /** Encrypts with Netty's context. */
        public B tls(SslContext context) {
            return tls(TlsOptions.builder().context(context).build());
        }

        /** Whether the operating system asks a silent peer now and then whether it is still there (SO_KEEPALIVE). */
        public B keepAlive(boolean keepAlive) {
            this.keepAlive = keepAlive;
            return self();
        }

        /**
         * Sets how long nothing may be received and nothing sent before the connection is aborted: reads, {@code drain}
         * and {@code waitClosed} fail with {@link java.net.SocketTimeoutException}. Null, the default, for ever.
         *
         * @throws IllegalArgumentException unless it is null or positive
         */
        public B idleTimeout(@Nullable Duration timeout) {
            idleTimeout = timeout == null ? null : OptionChecks.positive("idleTimeout", timeout);
            return self();
        }

        /**
         * Sets how long a peer may take none of the bytes that are buffered for it, silent or not, before the
         * connection is aborted (after at most twice that): reads, {@code drain} and {@code waitClosed} fail with
         * {@link java.net.SocketTimeoutException}. It also limits {@code close()}, which sends what is buffered. Null,
         * the default, for ever.
         *
         * @throws IllegalArgumentException unless it is null or positive
         */
        public B writeTimeout(@Nullable Duration timeout) {
            writeTimeout = timeout == null ? null : OptionChecks.positive("writeTimeout", timeout);
            return self();
        }
    }
}
