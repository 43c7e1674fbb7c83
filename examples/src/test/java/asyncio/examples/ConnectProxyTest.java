package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.toThread;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.Task;
import asyncio.streams.Server;
import asyncio.streams.StreamConnection;
import asyncio.streams.Streams;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

@Timeout(120)
class ConnectProxyTest {
    private static final String HOST = "127.0.0.1";

    /** Echoes its input, and ends when the client has ended. */
    private static Mono<Server> echo() {
        return Streams.startServerBody(
                connection -> {
                    try (connection) {
                        await(connection
                                .writer()
                                .writeFromBuffers(connection.reader().chunksRetained()));
                    }
                },
                HOST,
                0);
    }

    private static StreamConnection connect(int proxy, String request) throws Exception {
        StreamConnection connection = await(Streams.openConnection(HOST, proxy));
        connection.writer().write(request);
        return connection;
    }

    private static String head(StreamConnection connection) throws Exception {
        return new String(await(connection.reader().readUntil("\r\n\r\n")), ISO_8859_1);
    }

    @Test
    void whatIsSentComesBackThroughTheTunnelAndItsEnd() throws Exception {
        Asyncio.run(() -> {
            try (Server echo = await(echo());
                    Server proxy = await(ConnectProxy.start(0));
                    // the first bytes of the tunnel arrive with the request
                    StreamConnection connection = connect(
                            proxy.port(),
                            "CONNECT " + HOST + ":" + echo.port() + " HTTP/1.1\r\nHost: x\r\n\r\nearly ")) {
                assertThat(head(connection)).startsWith("HTTP/1.1 200 ");
                connection.writer().write("and late");
                connection.writer().writeEof();
                assertThat(new String(await(connection.reader().readAll()), ISO_8859_1))
                        .isEqualTo("early and late");
                await(Asyncio.waitFor(proxy.closeAndWait(), Duration.ofSeconds(20))); // no tunnel is left
            }
        });
    }

    @Test
    void badRequestsAreRefused() throws Exception {
        int closed;
        try (ServerSocket socket = new ServerSocket(0)) {
            closed = socket.getLocalPort();
        }
        Asyncio.run(() -> {
            try (Server proxy = await(ConnectProxy.start(0))) {
                for (String[] expected : new String[][] {
                    {"GET / HTTP/1.1\r\n\r\n", "400"},
                    {"CONNECT nowhere HTTP/1.1\r\n\r\n", "400"},
                    {"CONNECT nowhere:99999 HTTP/1.1\r\n\r\n", "400"},
                    {"CONNECT " + HOST + ":" + closed + " HTTP/1.1\r\n\r\n", "502"},
                    {"CONNECT " + "x".repeat(20_000), "431"}
                }) {
                    try (StreamConnection connection = connect(proxy.port(), expected[0])) {
                        assertThat(head(connection)).startsWith("HTTP/1.1 " + expected[1] + " ");
                    }
                }
            }
        });
    }

    @Test
    void manyTunnelsAtOnceCarryMegabytesEach() throws Exception {
        int tunnels = 50;
        int size = 1_000_000;
        Asyncio.run(() -> {
            try (Server echo = await(echo());
                    Server proxy = await(ConnectProxy.start(0))) {
                List<Mono<Integer>> all = new ArrayList<>();
                for (int i = 0; i < tunnels; i++) {
                    all.add(async(() -> {
                        try (StreamConnection connection =
                                connect(proxy.port(), "CONNECT " + HOST + ":" + echo.port() + " HTTP/1.1\r\n\r\n")) {
                            head(connection);
                            Task<byte[]> reading =
                                    createTask(connection.reader().readAll());
                            connection.writer().write(new byte[size]);
                            connection.writer().writeEof();
                            return await(reading).length;
                        }
                    }));
                }
                assertThat(await(gather(all))).hasSize(tunnels).containsOnly(size);
                await(Asyncio.waitFor(proxy.closeAndWait(), Duration.ofSeconds(20)));
            }
        });
    }

    @Test
    void aSlowReceiverSlowsTheSenderDown() throws Exception {
        Asyncio.run(() -> {
            try (Server proxy = await(ConnectProxy.start(0));
                    ServerSocket target = new ServerSocket(0);
                    StreamConnection connection = connect(
                            proxy.port(), "CONNECT " + HOST + ":" + target.getLocalPort() + " HTTP/1.1\r\n\r\n")) {
                try (Socket slow = await(toThread(target::accept))) {
                    head(connection);
                    int sent = 0;
                    // far more than the buffers of four sockets and of the proxy; the last ones wait
                    while (sent < 100_000_000) {
                        Task<Void> draining = createTask(connection.writer().drain());
                        try {
                            await(Asyncio.waitFor(draining, Duration.ofSeconds(1)));
                        } catch (TimeoutException e) {
                            break;
                        }
                        connection.writer().write(new byte[1_000_000]);
                        sent += 1_000_000;
                    }
                    assertThat(sent).isLessThan(100_000_000);
                    int expected = sent;
                    assertThat(await(toThread(() -> slow.getInputStream().readNBytes(expected).length)))
                            .isEqualTo(expected);
                }
            }
        });
    }
}
