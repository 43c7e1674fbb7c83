package asyncio.streams;

import java.nio.channels.ServerSocketChannel;
import org.jspecify.annotations.Nullable;

/**
 * Options for serving: see {@link Streams#startServer}. Immutable.
 *
 * <pre>{@code
 * ServeOptions guarded = ServeOptions.builder().tls(sslContext).maxConnections(1000).idleTimeout(Duration.ofMinutes(1)).build();
 * }</pre>
 *
 * <p>asyncio: the keyword arguments of {@code start_server} and {@code start_unix_server}.
 */
public final class ServeOptions extends StreamOptions {
    static final ServeOptions DEFAULT = builder().build();

    final int backlog;
    final boolean reuseAddress;
    final boolean reusePort;
    final boolean startServing;
    final boolean cleanupSocket;
    final int maxConnections;
    final @Nullable ServerSocketChannel socket;

    private ServeOptions(Builder builder) {
        super(builder);
        backlog = builder.backlog;
        reuseAddress = builder.reuseAddress;
        reusePort = builder.reusePort;
        startServing = builder.startServing;
        cleanupSocket = builder.cleanupSocket;
        maxConnections = builder.maxConnections;
        socket = builder.socket;
    }

    /** @throws IllegalArgumentException if there is a socket, beside a host or a path */
    void checkNoSocket() {
        if (socket != null) {
            throw new IllegalArgumentException("A socket was given, " + socket
                    + ", and an address, too: call the method that has options only, or leave ServeOptions.socket out");
        }
    }

    /** @throws IllegalArgumentException if there is none */
    ServerSocketChannel checkSocket() {
        if (socket == null) {
            throw new IllegalArgumentException(
                    "Neither an address nor a socket was given: pass an address, or set ServeOptions.socket");
        }
        return socket;
    }

    /** Starts with the defaults: no TLS, a limit of 64 KiB, any number of connections. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects the options. */
    public static final class Builder extends StreamOptions.Builder<Builder> {
        private int backlog = 100;
        private boolean reuseAddress = true;
        private boolean reusePort;
        private boolean startServing = true;
        private boolean cleanupSocket = true;
        private int maxConnections = Integer.MAX_VALUE;
        private @Nullable ServerSocketChannel socket;

        private Builder() {}

        @Override
        Builder self() {
            return this;
        }

        /**
         * Sets the number of connections that the operating system queues before they are accepted, 100 by default.
         *
         * @throws IllegalArgumentException unless it is positive
         */
        public Builder backlog(int backlog) {
            this.backlog = positive("backlog", backlog);
            return this;
        }

        /**
         * Sets whether to bind a port on which old connections are still timing out (SO_REUSEADDR); true by default.
         */
        public Builder reuseAddress(boolean reuse) {
            reuseAddress = reuse;
            return this;
        }

        /** Sets whether several servers may listen on the port and share its connections (SO_REUSEPORT). */
        public Builder reusePort(boolean reuse) {
            reusePort = reuse;
            return this;
        }

        /**
         * Sets whether connections are accepted at once; true by default. If not, the address is bound, and clients
         * wait in the backlog until {@link Server#startServing} or {@link Server#serveForever}.
         */
        public Builder startServing(boolean start) {
            startServing = start;
            return this;
        }

        /** Sets whether the file of a Unix socket is removed when the server is closed; true by default. */
        public Builder cleanupSocket(boolean cleanup) {
            cleanupSocket = cleanup;
            return this;
        }

        /**
         * Sets the maximum number of concurrent connections. At the limit no more are accepted until one ends: new ones
         * wait in the {@link #backlog}, and beyond that the operating system refuses them.
         *
         * @throws IllegalArgumentException unless it is positive
         */
        public Builder maxConnections(int max) {
            maxConnections = positive("maxConnections", max);
            return this;
        }

        /**
         * Takes a socket that is bound already, TCP's or a Unix one, in place of an address: see
         * {@link Streams#startServer(java.util.function.Function, ServeOptions)}. It belongs to the server, which
         * closes it; its backlog and its other options are its own. asyncio: {@code sock}.
         *
         * @throws IllegalArgumentException if it is not bound, or closed
         */
        public Builder socket(ServerSocketChannel socket) {
            OptionChecks.listening(socket);
            this.socket = socket;
            return this;
        }

        /** The options. */
        public ServeOptions build() {
            return new ServeOptions(this);
        }

        private static int positive(String name, int value) {
            if (value <= 0) {
                throw new IllegalArgumentException(name + " must be positive, got " + value);
            }
            return value;
        }
    }
}
