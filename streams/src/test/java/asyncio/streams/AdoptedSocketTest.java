package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Mono;

/** Connections over existing java.nio sockets, on loops with epoll and with NIO. */
@Timeout(60)
@ExtendWith(LeakCheck.class)
class AdoptedSocketTest {
    /** Echoes and keeps the received bytes. */
    private static final class Echo implements Protocol {
        final ByteArrayOutputStream received = new ByteArrayOutputStream();
        final Future<Void> lost = EventLoop.getRunningLoop().createFuture();

        @Nullable Transport transport;

        @Override
        public void connectionMade(Transport transport) {
            this.transport = transport;
        }

        @Override
        public void dataReceived(byte[] data) {
            received.writeBytes(data);
            transport.write(data);
        }

        @Override
        public void connectionLost(@Nullable Throwable cause) {
            lost.setResult(null);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }

    @Test
    @DisplayName("NET-18: a socket that was accepted elsewhere: data flows both ways, and connectionLost follows")
    void aSocketThatWasAcceptedElsewhere() throws Exception {
        Asyncio.run(() -> {
            SocketPair pair = await(toThread(SocketPair::open));
            var opened = await(Transports.connectAcceptedSocket(Echo::new, pair.near()));
            assertThat(opened.protocol().transport).isSameAs(opened.transport());
            assertThat(opened.transport().getExtraInfo("peername"))
                    .isEqualTo(pair.far().getLocalAddress());
            await(Sockets.sockSendAll(pair.far(), bytes("hello")));
            assertThat(await(Sockets.sockRecv(pair.far(), 100))).isEqualTo(bytes("hello"));
            byte[] big = new byte[1 << 20];
            Arrays.fill(big, (byte) 'x');
            Task<Void> sending = createTask(async(() -> {
                await(Sockets.sockSendAll(pair.far(), big));
                pair.far().shutdownOutput();
            }));
            int length = 0;
            for (byte[] data; (data = await(Sockets.sockRecv(pair.far(), 65_536))).length > 0; ) {
                length += data.length;
            }
            assertThat(length).isEqualTo(big.length);
            await(sending);
            await(opened.protocol().lost);
            assertThat(opened.protocol().received.size()).isEqualTo(big.length + 5);
            assertThat(pair.near().isOpen()).isFalse();
            pair.close();
        });
    }

    @Test
    @DisplayName("NET-18: the same with TLS")
    void aSocketThatWasAcceptedElsewhereWithTls() throws Exception {
        Asyncio.run(() -> {
            try (ServerSocketChannel listener = SocketPair.listening()) {
                int port = ((InetSocketAddress) listener.getLocalAddress()).getPort();
                Task<StreamConnection> connecting =
                        createTask(Streams.openConnection("localhost", port, TestCertificates.client()));
                SocketChannel accepted = await(Sockets.sockAccept(listener));
                var opened =
                        await(Transports.connectAcceptedSocket(Echo::new, accepted, TestCertificates.server().tls));
                assertThat(opened.transport().getExtraInfo("cipher")).isNotNull();
                try (StreamConnection client = await(connecting)) {
                    client.writer().write("hello\n");
                    assertThat(await(client.reader().readLine())).isEqualTo(bytes("hello\n"));
                }
                await(opened.protocol().lost);
            }
        });
    }

    @Test
    @DisplayName("NET-01, NET-05: a socket that is connected, for a protocol and for a reader and a writer")
    void aSocketThatIsConnected() throws Exception {
        Asyncio.run(() -> {
            SocketPair pair = await(toThread(SocketPair::open));
            ConnectOptions near = ConnectOptions.builder().socket(pair.near()).build();
            ConnectOptions far = ConnectOptions.builder().socket(pair.far()).build();
            assertThatThrownBy(() -> Streams.openConnection("localhost", 80, near))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("socket was given");
            assertThatThrownBy(() -> Transports.createConnection(Echo::new, "localhost", 80, near))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> Streams.openUnixConnection(Path.of("x"), near))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() ->
                            Streams.openConnection(ConnectOptions.builder().build()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("Neither");
            try (var echo = await(Transports.createConnection(Echo::new, far));
                    StreamConnection connection = await(Streams.openConnection(near))) {
                for (int i = 0; i < 100; i++) {
                    connection.writer().write("line " + i + "\n");
                    assertThat(await(connection.reader().readLine())).isEqualTo(bytes("line " + i + "\n"));
                }
                connection.writer().writeEof();
                assertThat(await(connection.reader().readAll())).isEmpty();
                await(echo.protocol().lost);
            }
            try (SocketChannel unconnected = SocketPair.socket()) {
                assertThatThrownBy(() -> ConnectOptions.builder().socket(unconnected)) // NET-06
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("connected socket was expected");
            }
        });
    }

    @Test
    void aUnixSocket(@TempDir Path directory) throws Exception {
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(directory.resolve("s"));
        Asyncio.run(() -> {
            try (ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
                listener.bind(address);
                listener.configureBlocking(false);
                SocketChannel client = await(toThread(() -> SocketChannel.open(address)));
                var opened = await(Transports.connectAcceptedSocket(Echo::new, await(Sockets.sockAccept(listener))));
                try (StreamConnection connection = await(Streams.openConnection(
                        ConnectOptions.builder().socket(client).build()))) {
                    connection.writer().write("over a file\n");
                    assertThat(await(connection.reader().readLine())).isEqualTo(bytes("over a file\n"));
                }
                await(opened.protocol().lost);
            }
        });
    }

    @Test
    void cancellingLeavesNoSocket() throws Exception {
        Asyncio.run(() -> {
            for (int i = 0; i < 20; i++) {
                SocketPair pair = await(toThread(SocketPair::open));
                Mono<Opened<Transport, Echo>> opening = Transports.connectAcceptedSocket(Echo::new, pair.near());
                Task<?> task = createTask(i % 2 == 0 ? opening : async(() -> await(opening)));
                await(sleep(Duration.ZERO));
                if (task.cancel()) {
                    assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
                } else {
                    ((Opened<?, ?>) await(task)).close();
                }
                while (pair.near().isOpen()) {
                    await(sleep(Duration.ofMillis(1)));
                }
                pair.close();
            }
        });
    }
}
