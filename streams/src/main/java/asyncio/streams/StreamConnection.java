package asyncio.streams;

import io.netty.channel.Channel;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Objects;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;
import reactor.netty.Connection;

/**
 * A connection as a {@link StreamReader} and a {@link StreamWriter}.
 *
 * <p>Created by {@link Streams#openConnection}, passed to the handlers of {@link Streams#startServer}, or put on any
 * Reactor Netty connection with {@link #from}. Closing it closes the writer, so it fits into try-with-resources.
 *
 * <pre>{@code
 * try (StreamConnection connection = await(Streams.openConnection("localhost", 6379))) {
 *     connection.writer().write("PING\r\n");
 *     System.out.print(new String(await(connection.reader().readLine()), UTF_8));
 * }
 * }</pre>
 *
 * <p>asyncio: the pair {@code (reader, writer)}.
 */
public final class StreamConnection implements AutoCloseable {
    private static final String HANDLER = "asyncio.streams";

    private final StreamHandler handler;
    private final StreamReader reader;
    private final StreamWriter writer;

    StreamConnection(StreamHandler handler) {
        this.handler = handler;
        this.reader = new StreamReader(handler.reader(), this);
        this.writer = new StreamWriter(handler, this);
    }

    /** Like {@link #from(Connection, int)}, with a limit of 64 KiB. */
    public static StreamConnection from(Connection connection) {
        return from(connection, StreamReader.DEFAULT_LIMIT);
    }

    /**
     * Puts a reader and a writer on a Reactor Netty connection, for use in a {@code TcpClient} or in
     * {@code TcpServer.handle}. From then on the reader gets all bytes and {@code connection.inbound()} gets none.
     * Another call for the same connection returns the same reader and writer. Call it where the connection is made: if
     * the peer has sent bytes and closed in the meantime, epoll may have discarded them.
     *
     * <pre>{@code
     * Mono<StreamConnection> redis =
     *         TcpClient.create().host("localhost").port(6379).connect().map(StreamConnection::from);
     * }</pre>
     *
     * @param limit the longest line, in bytes; twice that is buffered before the peer has to wait
     * @throws IllegalArgumentException if the limit is not positive
     */
    public static StreamConnection from(Connection connection, int limit) {
        return from(connection, limit, "the limit of StreamConnection.from");
    }

    /**
     * Like {@link #from(Connection, int)}, for libraries in which users set the limit elsewhere.
     *
     * @param limitSetting the setting that raises the limit, named in the message when a line is too long:
     *     {@code Command.limit}
     */
    public static StreamConnection from(Connection connection, int limit, String limitSetting) {
        Objects.requireNonNull(limitSetting, "limitSetting");
        Channel channel = connection.channel();
        synchronized (channel) { // two threads may come at once
            StreamHandler existing = channel.pipeline().get(StreamHandler.class);
            if (existing != null) {
                return existing.connection();
            }
            StreamHandler handler = new StreamHandler(channel, limit, limitSetting);
            connection.addHandlerLast(HANDLER, handler);
            return handler.connection();
        }
    }

    /**
     * Like {@link #from(Transport, int)}, with a limit of 64 KiB.
     *
     * @since 0.1
     */
    public static StreamConnection from(Transport transport) {
        return from(transport, StreamReader.DEFAULT_LIMIT);
    }

    /**
     * Puts a reader and a writer on a transport in place of its protocol, which is not called from then on: for a
     * protocol that has done its part, such as a greeting. Resumes reading. Another call returns the same reader and
     * writer.
     *
     * <pre>{@code
     * var opened = await(Transports.createConnection(Greeting::new, "localhost", 6379));
     * await(opened.protocol().greeted());
     * StreamConnection connection = StreamConnection.from(opened.transport());
     * }</pre>
     *
     * <p>asyncio: {@code transport.set_protocol(StreamReaderProtocol(reader))}.
     *
     * @param limit the longest line, in bytes; twice that is buffered before the peer has to wait
     * @throws IllegalArgumentException if the limit is not positive, or the transport was not created by
     *     {@link Transports}
     * @since 0.1
     */
    public static StreamConnection from(Transport transport, int limit) {
        return StreamTransport.own(transport).toStreams(StreamReader.checkLimit(limit));
    }

    /** Reads from the peer. */
    public StreamReader reader() {
        return reader;
    }

    /** Writes to the peer. */
    public StreamWriter writer() {
        return writer;
    }

    StreamHandler handler() {
        return handler;
    }

    // ---- TLS

    /** The TLS session, once its handshake is done; null without TLS. */
    public @Nullable SSLSession sslSession() {
        SSLEngine engine = sslEngine();
        return engine == null ? null : engine.getSession();
    }

    /** The application protocol negotiated with TLS (ALPN), such as {@code h2}; null if there is none. */
    public @Nullable String applicationProtocol() {
        SSLEngine engine = sslEngine();
        return engine == null ? null : Tls.applicationProtocol(engine);
    }

    /** The certificates that the peer presented in TLS, its own first; empty if it presented none. */
    public List<X509Certificate> peerCertificates() {
        SSLSession session = sslSession();
        return session == null ? List.of() : Tls.peerCertificates(session);
    }

    private @Nullable SSLEngine sslEngine() {
        TlsLayer tls = handler.tls();
        return tls == null ? null : tls.engine();
    }

    /** Closes the connection once everything buffered has been sent: {@link StreamWriter#close}. */
    @Override
    public void close() {
        writer.close();
    }

    /** {@code <StreamConnection /127.0.0.1:50000 -> /127.0.0.1:80 open>}. */
    @Override
    public String toString() {
        return handler.writer().text("StreamConnection");
    }
}
