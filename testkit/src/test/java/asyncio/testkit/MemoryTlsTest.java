package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Task;
import asyncio.VirtualTime;
import asyncio.streams.LeakCheck;
import asyncio.streams.TlsOptions;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.time.Duration;
import java.time.Instant;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** TLS works on a connection in memory as on any other. */
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ExtendWith(LeakCheck.class)
class MemoryTlsTest {
    private static TlsOptions.Builder options(X509Bundle authority, KeyManager... keys) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys, authority.toTrustManagerFactory().getTrustManagers(), null);
        return TlsOptions.builder().context(context);
    }

    private static CertificateBuilder certificate(String name) {
        return new CertificateBuilder()
                .ecp256()
                .subject("CN=" + name)
                .notBefore(Instant.now().minus(Duration.ofDays(1)))
                .notAfter(Instant.now().plus(Duration.ofDays(1)));
    }

    @Test
    void bothEndsGoOnEncryptedAndATruncationIsAnError() throws Exception {
        X509Bundle authority =
                certificate("authority").setIsCertificateAuthority(true).buildSelfSigned();
        X509Bundle key = certificate("memory").addSanDnsName("memory").buildIssuedBy(authority);
        TlsOptions serverOptions =
                options(authority, key.toKeyManagerFactory().getKeyManagers()).build();
        TlsOptions clientOptions = options(authority).serverHostname("memory").build();
        VirtualTime.run(() -> {
            for (boolean truncated : new boolean[] {false, true}) {
                MemoryPair pair = MemoryPair.open(Wire.direct().randomChunks(50, 3));
                Task<Void> server = createTask(pair.server().writer().startTls(serverOptions));
                await(pair.client().writer().startTls(clientOptions));
                await(server);
                pair.server().writer().write("secret\n");
                assertThat(await(pair.client().reader().readLine())).isEqualTo("secret\n".getBytes(UTF_8));
                assertThat(pair.client().sslSession()).isNotNull();
                if (truncated) {
                    pair.toClient()
                            .become(Wire.direct().endAfter(pair.toClient().bytes()));
                    assertThatThrownBy(() -> await(pair.client().reader().readLine()))
                            .isInstanceOf(SSLException.class);
                } else {
                    pair.server().close();
                    assertThat(await(pair.client().reader().readLine())).isNull();
                }
                pair.close();
                await(async(() -> await(pair.client().writer().waitClosed())).onErrorComplete());
            }
        });
    }
}
