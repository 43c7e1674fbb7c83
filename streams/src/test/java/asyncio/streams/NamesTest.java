package asyncio.streams;

import static asyncio.Asyncio.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

/** Names and addresses, as far as they need no network. */
@Timeout(60)
class NamesTest {
    private static List<String> texts(List<AddressInfo> found) {
        return found.stream()
                .map(info -> info.family() + " " + info.address().getAddress().getHostAddress() + " "
                        + info.address().getPort())
                .toList();
    }

    @Test
    void anAddressIsItself() throws Exception {
        Asyncio.run(() -> {
            assertThat(texts(await(Names.getAddrInfo("192.0.2.1", 80)))).containsExactly("INET 192.0.2.1 80");
            assertThat(texts(await(Names.getAddrInfo("2001:db8::1", 80, null, true, false))))
                    .containsExactly("INET6 2001:db8:0:0:0:0:0:1 80");
        });
    }

    @Test
    @DisplayName("NET-08, NET-09: an address needs no resolver, and keeps its scope")
    void anAddressNeedsNoResolver() {
        assertThat(now(Addresses.resolve("192.0.2.1", 80)).getHostAddress()).isEqualTo("192.0.2.1");
        assertThat(now(Addresses.resolve("fe80::1%1", 80)))
                .isInstanceOfSatisfying(
                        Inet6Address.class,
                        address -> assertThat(address.getScopeId()).isEqualTo(1));
    }

    /** Without a loop, and without waiting. */
    private static InetAddress now(Mono<List<InetSocketAddress>> resolving) {
        List<InetSocketAddress> found = new ArrayList<>();
        resolving.subscribe(found::addAll);
        assertThat(found).hasSize(1);
        return found.get(0).getAddress();
    }

    @Test
    void noHostIsThisOne() throws Exception {
        Asyncio.run(() -> {
            assertThat(texts(await(Names.getAddrInfo(null, 1))))
                    .containsExactly("INET 127.0.0.1 1", "INET6 0:0:0:0:0:0:0:1 1");
            assertThat(texts(await(Names.getAddrInfo("", 1, null, false, true))))
                    .containsExactly("INET 0.0.0.0 1", "INET6 0:0:0:0:0:0:0:0 1");
            assertThat(texts(await(Names.getAddrInfo(null, 1, StandardProtocolFamily.INET6, false, true))))
                    .containsExactly("INET6 0:0:0:0:0:0:0:0 1");
        });
    }

    @Test
    void aNameIsLookedUp() throws Exception {
        Asyncio.run(() -> {
            assertThat(await(Names.getAddrInfo("localhost", 80, StandardProtocolFamily.INET, false, false)))
                    .allSatisfy(info -> {
                        assertThat(info.family()).isEqualTo(StandardProtocolFamily.INET);
                        assertThat(info.address().getAddress().isLoopbackAddress())
                                .isTrue();
                    })
                    .isNotEmpty();
            assertThatThrownBy(() -> await(Names.getAddrInfo("no.such.host.invalid", 80)))
                    .isInstanceOf(UnknownHostException.class);
        });
    }

    @Test
    void whatCannotBeIsRefused() throws Exception {
        assertThatThrownBy(() -> Names.getAddrInfo("localhost", 65_536))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("65536");
        assertThatThrownBy(() -> Names.getAddrInfo("localhost", 1, StandardProtocolFamily.UNIX, false, false))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("UNIX");
        Asyncio.run(() -> {
            assertThatThrownBy(() -> await(Names.getAddrInfo("localhost", 1, null, true, false)))
                    .isInstanceOf(UnknownHostException.class)
                    .hasMessageContaining("localhost");
            assertThatThrownBy(
                            () -> await(Names.getAddrInfo("192.0.2.1", 1, StandardProtocolFamily.INET6, false, false)))
                    .isInstanceOf(UnknownHostException.class)
                    .hasMessageContaining("INET6");
            assertThatThrownBy(
                            () -> await(Names.getNameInfo(InetSocketAddress.createUnresolved("localhost", 1), false)))
                    .isInstanceOf(UnknownHostException.class)
                    .hasMessageContaining("not resolved");
        });
    }

    @Test
    void anAddressHasAName() throws Exception {
        Asyncio.run(() -> {
            InetSocketAddress loopback =
                    new InetSocketAddress(InetAddress.getByAddress("made.up", new byte[] {127, 0, 0, 1}), 80);
            assertThat(await(Names.getNameInfo(loopback, true))).isEqualTo(new NameInfo("127.0.0.1", "80"));
            NameInfo found = await(Names.getNameInfo(loopback, false));
            assertThat(found.host()).isNotEqualTo("made.up").isNotEmpty();
            assertThat(found.service()).isEqualTo("80");
        });
    }
}
