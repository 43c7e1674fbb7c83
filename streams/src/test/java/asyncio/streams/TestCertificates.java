package asyncio.streams;

import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.time.Duration;
import java.time.Instant;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;

/** A certificate authority created for this run, and the certificates it has issued. */
final class TestCertificates {
    static final X509Bundle AUTHORITY = authority("test authority");
    static final X509Bundle LOCALHOST = issue("localhost", "127.0.0.1");
    static final X509Bundle CLIENT = issue("a client", null);

    private TestCertificates() {}

    private static CertificateBuilder certificate(String name) {
        return new CertificateBuilder()
                .ecp256()
                .subject("CN=" + name)
                .notBefore(Instant.now().minus(Duration.ofDays(1)))
                .notAfter(Instant.now().plus(Duration.ofDays(1)));
    }

    static X509Bundle authority(String name) {
        try {
            return certificate(name).setIsCertificateAuthority(true).buildSelfSigned();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    static X509Bundle issue(String name, String address) {
        try {
            CertificateBuilder certificate = certificate(name);
            if (!name.contains(" ")) {
                certificate.addSanDnsName(name);
            }
            if (address != null) {
                certificate.addSanIpAddress(address);
            }
            return certificate.buildIssuedBy(AUTHORITY);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    /** A JDK context, with or without a key, that trusts our authority. */
    static SSLContext jdk(X509Bundle key) {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            KeyManager[] keys = key == null ? null : key.toKeyManagerFactory().getKeyManagers();
            context.init(keys, AUTHORITY.toTrustManagerFactory().getTrustManagers(), null);
            return context;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    static SslContext nettyServer(X509Bundle key) {
        try {
            return SslContextBuilder.forServer(key.getKeyPair().getPrivate(), key.getCertificatePath())
                    .trustManager(AUTHORITY.getCertificate())
                    .build();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    static SslContext nettyClient() {
        try {
            return SslContextBuilder.forClient()
                    .trustManager(AUTHORITY.getCertificate())
                    .build();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    static ServeOptions server() {
        return ServeOptions.builder().tls(jdk(LOCALHOST)).build();
    }

    static ConnectOptions client() {
        return ConnectOptions.builder().tls(jdk(null)).build();
    }
}
