package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.Task;
import asyncio.streams.Datagram;
import asyncio.streams.DatagramConnection;
import asyncio.streams.DatagramOptions;
import asyncio.streams.Datagrams;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The echo server and its clients, and the DNS client with a fake server. */
@Timeout(60)
class DatagramExamplesTest {
    private static final String HOST = "127.0.0.1";
    private static final DatagramOptions ANY_PORT =
            DatagramOptions.builder().localAddress(HOST, 0).build();

    private static void talk(DatagramConnection server) throws Exception {
        DatagramOptions options = DatagramOptions.builder()
                .remoteAddress(HOST, server.localAddress().getPort())
                .build();
        try (DatagramConnection client = await(Datagrams.open(options))) {
            for (int i = 0; i < 10; i++) {
                await(client.send(("hello " + i).getBytes(UTF_8)));
                assertThat(new String(await(client.receive()).data(), UTF_8)).isEqualTo("hello " + i);
            }
        }
    }

    @Test
    void echoInBothStyles() throws Exception {
        Asyncio.run(() -> {
            for (boolean straight : new boolean[] {true, false}) {
                DatagramConnection server = await(Datagrams.open(ANY_PORT));
                Task<?> serving = straight
                        ? createTask(async(() -> {
                            UdpEcho.serve(server);
                            return null;
                        }))
                        : createTask(UdpEcho.serving(server));
                talk(server);
                server.close();
                await(serving);
            }
        });
    }

    /** Answers each second query, and never one for a host that begins with "silent". */
    private static void answer(DatagramConnection server) throws Exception {
        boolean answers = false;
        for (Datagram query; (query = await(server.receive())) != null; answers = !answers) {
            String text = new String(query.data(), US_ASCII);
            if (!answers || text.contains("silent")) {
                continue;
            }
            boolean known = text.contains("known") && !text.contains("unknown");
            ByteBuffer answer = ByteBuffer.allocate(512)
                    .put(query.data(), 0, 2)
                    .putShort((short) (known ? 0x8180 : 0x8183))
                    .putShort((short) 1)
                    .putShort((short) (known ? 2 : 0))
                    .putInt(0)
                    .put(query.data(), 12, query.data().length - 12);
            if (known) {
                answer.putShort((short) 0xc00c)
                        .putShort((short) 5)
                        .putShort((short) 1)
                        .putInt(60); // an alias
                answer.putShort((short) 2).putShort((short) 0xc00c);
                answer.putShort((short) 0xc00c)
                        .putShort((short) 1)
                        .putShort((short) 1)
                        .putInt(60);
                answer.putShort((short) 4).put(new byte[] {(byte) 192, 0, 2, 7});
            }
            byte[] other = Arrays.copyOf(answer.array(), answer.position());
            other[0] ^= 1;
            await(server.send(other, query.from())); // an answer to another query
            await(server.send(Arrays.copyOf(answer.array(), answer.position()), query.from()));
        }
    }

    @Test
    void aNameServerIsAskedAgainUntilItAnswers() throws Exception {
        Asyncio.run(() -> {
            try (DatagramConnection server = await(Datagrams.open(ANY_PORT))) {
                createTask(async(() -> {
                    answer(server);
                    return null;
                }));
                int port = server.localAddress().getPort();
                Duration patience = Duration.ofMillis(200);
                assertThat(await(DnsQuery.resolve(HOST, port, "known.example.org", patience)))
                        .extracting(InetAddress::getHostAddress)
                        .containsExactly("192.0.2.7");
                assertThatThrownBy(() -> await(DnsQuery.resolve(HOST, port, "unknown.example.org", patience)))
                        .isInstanceOf(UnknownHostException.class)
                        .hasMessageContaining("code 3");
                assertThatThrownBy(
                                () -> await(DnsQuery.resolve(HOST, port, "silent.example.org", Duration.ofMillis(20))))
                        .isInstanceOf(TimeoutException.class);
            }
        });
    }
}
