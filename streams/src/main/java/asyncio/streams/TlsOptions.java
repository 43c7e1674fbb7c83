package asyncio.streams;

import io.netty.buffer.Unpooled;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Options for TLS, for use with {@link ConnectOptions}, {@link ServeOptions} and {@link StreamWriter#startTls}.
 * Immutable; one instance may be used for any number of connections.
 *
 * <pre>{@code
 * TlsOptions web = TlsOptions.client();                                         // trusts the JVM's authorities
 * TlsOptions mine = TlsOptions.builder().context(sslContext).applicationProtocols("h2", "http/1.1").build();
 * }</pre>
 *
 * <p>asyncio: the parameters {@code ssl}, {@code server_hostname}, {@code ssl_handshake_timeout} and
 * {@code ssl_shutdown_timeout}.
 */
public final class TlsOptions {
    private static final Duration DEFAULT_HANDSHAKE_TIMEOUT = Duration.ofSeconds(60);
    private static final Duration DEFAULT_SHUTDOWN_TIMEOUT = Duration.ofSeconds(30);

    /** For TLS that was set up elsewhere: with the default timeouts. */
    static final TlsOptions FOREIGN = new TlsOptions(new Builder(), null);

    final @Nullable SslContext nettyContext;
    final @Nullable SSLContext jdkContext;
    final @Nullable Function<? super String, ? extends @Nullable SslContext> contextByName;
    final @Nullable String serverHostname;
    final boolean verifyHostname;
    final List<String> applicationProtocols;
    final ClientAuth clientAuth;
    final Duration handshakeTimeout;
    final Duration shutdownTimeout;

    static {
        // makes Netty probe the JDK's TLS support now, because that blocks, and not during the first handshake
        SslHandler.isEncrypted(Unpooled.wrappedBuffer(new byte[5]), false);
    }

    private TlsOptions(Builder builder, @Nullable SslContext nettyContext) {
        this.nettyContext = nettyContext;
        this.jdkContext = builder.jdkContext;
        this.contextByName = builder.contextByName;
        this.serverHostname = builder.serverHostname;
        this.verifyHostname = builder.verifyHostname;
        this.applicationProtocols = builder.applicationProtocols;
        this.clientAuth = builder.clientAuth;
        this.handshakeTimeout = builder.handshakeTimeout;
        this.shutdownTimeout = builder.shutdownTimeout;
    }

    /** Returns options for clients: they trust the authorities that the JVM trusts, and verify the host name. */
    public static TlsOptions client() {
        return builder().build();
    }

    /** Starts with the defaults, which are those of a client. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Returns the value of {@code getExtraInfo("sslcontext")} until the name sent by the client selects another one.
     */
    @Nullable Object context() {
        return nettyContext != null ? nettyContext : jdkContext;
    }

    @Override
    public String toString() {
        return "TlsOptions[" + (contextByName != null ? "a context for each name" : context())
                + (serverHostname == null ? "" : ", serverHostname=" + serverHostname)
                + (verifyHostname ? "" : ", hostname not verified")
                + (applicationProtocols.isEmpty() ? "" : ", applicationProtocols=" + applicationProtocols) + "]";
    }

    /** Collects the options. */
    public static final class Builder {
        private @Nullable SslContext nettyContext;
        private @Nullable SSLContext jdkContext;
        private @Nullable Function<? super String, ? extends @Nullable SslContext> contextByName;
        private @Nullable String serverHostname;
        private boolean verifyHostname = true;
        private List<String> applicationProtocols = List.of();
        private ClientAuth clientAuth = ClientAuth.NONE;
        private Duration handshakeTimeout = DEFAULT_HANDSHAKE_TIMEOUT;
        private Duration shutdownTimeout = DEFAULT_SHUTDOWN_TIMEOUT;

        private Builder() {}

        /**
         * Sets keys and trust as a Netty context, which also determines the engine, OpenSSL's or the JDK's. It must be
         * built for the side that uses it; for a client, host name verification is set up automatically, unless
         * {@link #verifyHostname} is off.
         */
        public Builder context(SslContext context) {
            return context(Objects.requireNonNull(context, "SslContext, got null"), null, null);
        }

        /** Sets keys and trust as a JDK context, with the JDK's engine; for either side. */
        public Builder context(SSLContext context) {
            return context(null, Objects.requireNonNull(context, "SSLContext, got null"), null);
        }

        /**
         * For servers with several names: sets a function that returns the context for the name the client requests
         * (SNI). It is called on the connection's loop, with an empty name if the client sends none. If it returns
         * null, the handshake fails.
         */
        public Builder contextByName(Function<? super String, ? extends @Nullable SslContext> contextByName) {
            return context(null, null, Objects.requireNonNull(contextByName, "contextByName"));
        }

        private Builder context(
                @Nullable SslContext netty,
                @Nullable SSLContext jdk,
                @Nullable Function<? super String, ? extends @Nullable SslContext> byName) {
            nettyContext = netty;
            jdkContext = jdk;
            contextByName = byName;
            return this;
        }

        /**
         * For clients: sets the name that is requested from the server and that its certificate must have, if it is not
         * the host connected to. Required with Unix sockets and {@link StreamWriter#startTls}, where there is no host
         * name.
         */
        public Builder serverHostname(String name) {
            serverHostname = Objects.requireNonNull(name, "serverHostname");
            return this;
        }

        /**
         * For clients: whether the server's certificate must match its name. If false, any trusted certificate is
         * accepted.
         */
        public Builder verifyHostname(boolean verify) {
            verifyHostname = verify;
            return this;
        }

        /**
         * Sets the application protocols to negotiate (ALPN), the preferred one first. Only with a JDK context or the
         * default one: a Netty context has its own.
         */
        public Builder applicationProtocols(String... protocols) {
            applicationProtocols = List.of(protocols);
            return this;
        }

        /**
         * For servers with a JDK context: whether clients are asked for a certificate, or must present one. A Netty
         * context has its own setting.
         */
        public Builder clientAuth(ClientAuth clientAuth) {
            this.clientAuth = Objects.requireNonNull(clientAuth, "clientAuth");
            return this;
        }

        /**
         * Sets the longest time for the handshake, 60 seconds by default.
         *
         * @throws IllegalArgumentException unless it is positive
         */
        public Builder handshakeTimeout(Duration timeout) {
            handshakeTimeout = OptionChecks.positive("handshakeTimeout", timeout);
            return this;
        }

        /**
         * Sets the longest time for closing, from {@code close()} until everything is sent and the peer has closed TLS
         * as well; 30 seconds by default. After that the connection is aborted.
         *
         * @throws IllegalArgumentException unless it is positive
         */
        public Builder shutdownTimeout(Duration timeout) {
            shutdownTimeout = OptionChecks.positive("shutdownTimeout", timeout);
            return this;
        }

        /**
         * The options. Without a context this reads the authorities that the JVM trusts from a file.
         *
         * @throws IllegalArgumentException if application protocols are set together with a Netty context
         * @throws IllegalStateException if the default context cannot be made
         */
        public TlsOptions build() {
            boolean isDefault = nettyContext == null && jdkContext == null && contextByName == null;
            if (!isDefault && jdkContext == null && !applicationProtocols.isEmpty()) {
                throw new IllegalArgumentException("Netty's SslContext has the application protocols it was built with:"
                        + " give " + applicationProtocols + " to its builder, as applicationProtocolConfig");
            }
            return new TlsOptions(this, isDefault ? defaultContext() : nettyContext);
        }

        /** With OpenSSL's engine if Netty finds its library, else with the JDK's. */
        private SslContext defaultContext() {
            SslContextBuilder builder = SslContextBuilder.forClient();
            if (!applicationProtocols.isEmpty()) {
                builder.applicationProtocolConfig(new ApplicationProtocolConfig(
                        Protocol.ALPN,
                        SelectorFailureBehavior.NO_ADVERTISE,
                        SelectedListenerFailureBehavior.ACCEPT,
                        applicationProtocols));
            }
            try {
                return builder.build();
            } catch (SSLException e) {
                throw new IllegalStateException(
                        "Cannot make the default TLS context of a client: " + e.getMessage(), e);
            }
        }
    }
}
