package asyncio.examples;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.gather;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.subprocess.Command;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** asyncio's examples of the low level. */
@Timeout(60)
class LowLevelExamplesTest {
    @Test
    void aPipeIsWatched() throws Exception {
        assertThat(Asyncio.run(() -> WatchDescriptor.receive("hällo"))).isEqualTo("hällo");
    }

    @Test
    void theOutputOfAChildByProtocol() throws Exception {
        Asyncio.run(() -> {
            assertThat(DateProtocol.output(Command.of("date", "-u", "+%Y"))).matches("\\d{4}");
            assertThat(DateProtocol.output(Command.shell("echo one; echo two >&2; exit 3")))
                    .contains("one", "two");
        });
    }

    @Test
    void datagramsComeBack() throws Exception {
        Asyncio.run(() -> {
            try (var server = await(UdpEchoProtocols.start(0))) {
                int port = ((InetSocketAddress)
                                Objects.requireNonNull(server.transport().getExtraInfo("sockname")))
                        .getPort();
                assertThat(await(gather(
                                UdpEchoProtocols.echo(port, "Hello World!"), UdpEchoProtocols.echo(port, "hällo"))))
                        .containsExactly("Hello World!", "hällo");
            }
        });
    }

    /** Only Linux tells connected sockets. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void aPortWhereNobodyListensIsAnErrorOfTheClient() throws Exception {
        int port;
        try (DatagramSocket free = new DatagramSocket()) {
            port = free.getLocalPort();
        }
        int closed = port;
        Asyncio.run(() -> assertThatThrownBy(() -> await(UdpEchoProtocols.echo(closed, "ping")))
                .isInstanceOf(PortUnreachableException.class));
    }
}
