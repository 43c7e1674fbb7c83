package asyncio.streams;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.util.NetUtil;
import io.netty.util.concurrent.Future;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Creates TLS engines from options, and reads properties of sessions. */
final class Tls {
    private static final Pattern BITS = Pattern.compile("_(\\d{3})_");

    private Tls() {}

    /**
     * Creates an engine for one connection.
     *
     * @param chosen a Netty context; null to use the JDK context of the options
     * @param host the peer, for a client
     */
    static SSLEngine engine(
            TlsOptions options,
            @Nullable SslContext chosen,
            ByteBufAllocator allocator,
            boolean server,
            @Nullable String host,
            int port) {
        SSLContext jdk = options.jdkContext;
        String name = server ? null : options.serverHostname != null ? options.serverHostname : host;
        if (!server && options.contextByName != null) {
            throw new IllegalArgumentException("contextByName is for servers, and this is the client side");
        }
        if (chosen != null && chosen.isServer() != server) {
            throw new IllegalArgumentException("Netty's SslContext was built for a " + (server ? "client" : "server")
                    + ", and this is the " + (server ? "server side" : "client side"));
        }
        if (!server && name == null && options.verifyHostname) {
            throw new IllegalArgumentException(
                    "No name to check the server's certificate against: give serverHostname(...),"
                            + " or verifyHostname(false) to accept any trusted certificate");
        }
        SNIHostName sni = name == null ? null : hostName(name); // before there is an engine to release
        SSLEngine engine;
        if (chosen != null) {
            engine = name == null ? chosen.newEngine(allocator) : chosen.newEngine(allocator, name, port);
        } else {
            Objects.requireNonNull(jdk, "SSLContext");
            engine = name == null ? jdk.createSSLEngine() : jdk.createSSLEngine(name, port);
            engine.setUseClientMode(!server);
        }
        SSLParameters parameters = engine.getSSLParameters();
        if (!server) {
            if (!options.verifyHostname) {
                parameters.setEndpointIdentificationAlgorithm("");
            } else if (chosen == null) {
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
            }
            if (sni != null) {
                parameters.setServerNames(List.of(sni));
            }
        } else if (chosen == null) {
            parameters.setWantClientAuth(options.clientAuth == ClientAuth.OPTIONAL);
            if (options.clientAuth == ClientAuth.REQUIRE) {
                parameters.setNeedClientAuth(true);
            }
        }
        if (chosen == null && !options.applicationProtocols.isEmpty()) {
            parameters.setApplicationProtocols(options.applicationProtocols.toArray(String[]::new));
        }
        engine.setSSLParameters(parameters);
        return engine;
    }

    /** Returns the name to request from the server; null for an address, and for names that the JDK cannot request. */
    private static @Nullable SNIHostName hostName(String name) {
        if (NetUtil.isValidIpV4Address(name) || NetUtil.isValidIpV6Address(name)) {
            return null;
        }
        try {
            return new SNIHostName(name.endsWith(".") ? name.substring(0, name.length() - 1) : name);
        } catch (IllegalArgumentException e) {
            return null; // for example with an underscore, as in names of containers
        }
    }

    /**
     * Starts TLS on a connection. Cancelling aborts it.
     *
     * @param start starts the handshake, on the loop, and returns a future of its end
     * @param result the value to emit when the handshake is done
     */
    static <T> Mono<T> handshake(StreamHandler handler, Supplier<Future<Void>> start, T result) {
        return Mono.create(sink -> {
            sink.onCancel(handler::requestAbort);
            handler.writer().onLoop(() -> {
                try {
                    start.get().addListener(done -> {
                        if (done.isSuccess()) {
                            sink.success(result);
                        } else {
                            sink.error(done.cause());
                        }
                    });
                } catch (Throwable e) {
                    sink.error(e);
                }
            });
        });
    }

    // ---- properties of a session

    static List<X509Certificate> peerCertificates(SSLSession session) {
        List<X509Certificate> chain = new ArrayList<>();
        try {
            for (Certificate certificate : session.getPeerCertificates()) {
                if (certificate instanceof X509Certificate x509) {
                    chain.add(x509);
                }
            }
        } catch (SSLPeerUnverifiedException e) {
            // the peer presented none
        }
        return List.copyOf(chain);
    }

    /** Returns name, protocol and bits of the key, as asyncio does. */
    static List<Object> cipher(SSLSession session) {
        String suite = session.getCipherSuite();
        Matcher bits = BITS.matcher(suite);
        return List.of(
                suite,
                session.getProtocol(),
                bits.find() ? Integer.parseInt(bits.group(1)) : suite.contains("CHACHA20") ? 256 : 0);
    }

    static @Nullable String applicationProtocol(SSLEngine engine) {
        String protocol;
        try {
            protocol = engine.getApplicationProtocol();
        } catch (UnsupportedOperationException e) {
            return null; // an engine of an old provider
        }
        return protocol == null || protocol.isEmpty() ? null : protocol;
    }
}
