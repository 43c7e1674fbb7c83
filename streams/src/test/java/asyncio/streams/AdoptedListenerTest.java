package asyncio.streams;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.streams.ProtocolFixture.Recorder;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Servers on sockets of java.nio that listen already, on loops with epoll and with NIO. */
@Timeout(60)
@ExtendWith(LeakCheck.class)
class AdoptedListenerTest {
    private static ServerSocketChannel listening() throws IOException {
        ServerSocketChannel socket = ServerSocketChannel.open();
        return socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    private static ServeOptions on(ServerSocketChannel socket) {
        return ServeOptions.builder().socket(socket).build();
    }

    private static String echoed(StreamConnection client, String line) throws Exception {
        client.writer().write(line + "\n");
        await(client.writer().drain());
        return new String(await(client.reader().readLine()), UTF_8).strip();
    }

    private static void echo(StreamConnection connection) throws Exception {
        try (connection) {
            for (byte[] line; (line = await(connection.reader().readLine())) != null; ) {
                connection.writer().write(line);
                await(connection.writer().drain());
            }
        }
    }

    @Test
    @DisplayName("NET-25, NET-26: a server on a socket that listens already serves, and closes it")
    void aServerOnASocketThatListensAlready() throws Exception {
        Asyncio.run(() -> {
            ServerSocketChannel socket = listening();
            InetSocketAddress address = (InetSocketAddress) socket.getLocalAddress();
            Socket early = new Socket(address.getAddress(), address.getPort()); // waits in the backlog
            Server server = await(Streams.startServerBody(AdoptedListenerTest::echo, on(socket)));
            assertThat(server.sockets()).containsExactly(address);
            assertThat(server.port()).isEqualTo(address.getPort());
            for (int i = 0; i < 20; i++) {
                try (StreamConnection client = await(Streams.openConnection("127.0.0.1", server.port()))) {
                    assertThat(echoed(client, "hello " + i)).isEqualTo("hello " + i);
                }
            }
            early.getOutputStream().write("early\n".getBytes(UTF_8));
            assertThat(new String(await(toThread(() -> early.getInputStream().readNBytes(6))), UTF_8))
                    .isEqualTo("early\n");
            early.close();
            await(server.closeAndWait());
            assertThat(socket.isOpen()).isFalse();
            assertThatThrownBy(() -> await(Streams.openConnection("127.0.0.1", address.getPort())))
                    .isInstanceOf(ConnectException.class);
        });
    }

    @Test
    @DisplayName("NET-25: the same by protocol; abortClients and shutdown know its clients")
    void aServerByProtocol() throws Exception {
        Asyncio.run(() -> {
            List<Recorder> made = new ArrayList<>();
            Server server = await(Transports.createServer(
                    () -> {
                        Recorder recorder = new Recorder();
                        made.add(recorder);
                        return recorder;
                    },
                    on(listening())));
            try (StreamConnection client = await(Streams.openConnection("127.0.0.1", server.port()))) {
                client.writer().write("hello");
                await(client.writer().drain());
                while (made.isEmpty()) {
                    await(sleep(Duration.ofMillis(1)));
                }
                made.get(0).notes.untilData(5);
                server.abortClients();
                made.get(0).notes.until("lost");
            }
            assertThat(await(server.shutdown(Duration.ofSeconds(5)))).isEmpty();
            assertThat(made).hasSize(1);
        });
    }

    @Test
    void atMostSoManyConnectionsAtATime() throws Exception {
        Asyncio.run(() -> {
            int[] handled = {0};
            Server server = await(Streams.startServerBody(
                    connection -> {
                        handled[0]++;
                        echo(connection);
                    },
                    ServeOptions.builder().socket(listening()).maxConnections(1).build()));
            try (StreamConnection first = await(Streams.openConnection("127.0.0.1", server.port()))) {
                assertThat(echoed(first, "first")).isEqualTo("first");
                try (StreamConnection second = await(Streams.openConnection("127.0.0.1", server.port()))) {
                    second.writer().write("second\n");
                    await(second.writer().drain());
                    await(sleep(Duration.ofMillis(50)));
                    assertThat(handled[0]).isEqualTo(1);
                    first.close();
                    assertThat(new String(await(second.reader().readLine()), UTF_8))
                            .isEqualTo("second\n");
                }
            }
            await(server.closeAndWait());
        });
    }

    @Test
    void aUnixSocket(@TempDir Path directory) throws Exception {
        Asyncio.run(() -> {
            ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            UnixDomainSocketAddress address = UnixDomainSocketAddress.of(directory.resolve("socket"));
            socket.bind(address);
            Server server = await(Streams.startServerBody(AdoptedListenerTest::echo, on(socket)));
            SocketChannel plain = SocketChannel.open(address);
            try (StreamConnection client = await(Streams.openConnection(
                    ConnectOptions.builder().socket(plain).build()))) {
                assertThat(echoed(client, "hello")).isEqualTo("hello");
            }
            await(server.closeAndWait());
            assertThat(socket.isOpen()).isFalse();
        });
    }

    @Test
    @DisplayName("NET-27: of several hosts each address is listened on once")
    void eachAddressOfSeveralHostsIsListenedOnOnce() throws Exception {
        Asyncio.run(() -> {
            List<String> hosts = List.of("127.0.0.1", "127.0.0.2", "127.0.0.1", "127.0.0.2");
            Server server = await(Streams.startServerBody(
                    AdoptedListenerTest::echo, 0, hosts, ServeOptions.builder().build()));
            assertThat(server.sockets())
                    .extracting(address -> ((InetSocketAddress) address).getHostString())
                    .containsExactly("127.0.0.1", "127.0.0.2");
            // NET-26: addresses, through which nothing of the sockets can be changed
            assertThatThrownBy(() -> server.sockets().clear()).isInstanceOf(UnsupportedOperationException.class);
            int port = ((InetSocketAddress) server.sockets().get(1)).getPort();
            try (StreamConnection client = await(Streams.openConnection("127.0.0.2", port))) {
                assertThat(echoed(client, "hello")).isEqualTo("hello");
            }
            await(server.closeAndWait());
            assertThatThrownBy(() -> Streams.startServerBody(
                            AdoptedListenerTest::echo,
                            0,
                            List.of(),
                            ServeOptions.builder().build()))
                    .isInstanceOf(IllegalArgumentException.class);
        });
    }

    @Test
    @DisplayName("NET-38: what does not listen, and an address beside a socket, are refused")
    void whatDoesNotListenIsRefused() throws Exception {
        try (ServerSocketChannel unbound = ServerSocketChannel.open();
                ServerSocketChannel bound = listening()) {
            assertThatThrownBy(() -> ServeOptions.builder().socket(unbound))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("A listening socket was expected");
            assertThatThrownBy(() -> Streams.startServerBody(AdoptedListenerTest::echo, "127.0.0.1", 0, on(bound)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("and an address, too");
            assertThatThrownBy(() -> Transports.createUnixServer(Recorder::new, Path.of("x"), on(bound)))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> Transports.createServer(
                            Recorder::new, ServeOptions.builder().build()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("Neither an address nor a socket");
            assertThat(bound.isOpen()).isTrue();
        }
    }
}
