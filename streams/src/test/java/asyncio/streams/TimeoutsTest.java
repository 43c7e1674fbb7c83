package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.Future;
import asyncio.Task;
import asyncio.VirtualTime;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.handler.timeout.IdleStateHandler;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;

/** Silent peers, and peers that read nothing. */
@ExtendWith(LeakCheck.class)
class TimeoutsTest extends PeerFixture {
    private static final int MORE_THAN_THE_SYSTEM_BUFFERS = 20_000_000;

    // ---- idleTimeout

    @Test
    void anIdleConnectionIsAborted() throws Exception {
        Asyncio.run(() -> {
            Future<Throwable> failure = new Future<>();
            Server server = await(Streams.startServerBody(
                    connection -> {
                        try (connection) {
                            await(connection.reader().readLine());
                            await(connection.reader().readLine());
                        } catch (SocketTimeoutException e) {
                            failure.setResult(e);
                        }
                    },
                    HOST,
                    0,
                    ServeOptions.builder().idleTimeout(Duration.ofMillis(100)).build()));
            StreamConnection connection = await(Streams.openConnection(HOST, server.port()));
            connection.writer().write("hello\n");
            assertThat(await(failure)).hasMessageContaining("PT0.1S");
            assertThatThrownBy(() -> await(connection.reader().readLine())).hasMessageContaining("reset");
            await(server.closeAndWait());
        });
    }

    @Test
    void aPeerThatTakesNothingIsAborted() throws Exception {
        Asyncio.run(() -> {
            try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getByName(HOST));
                    StreamConnection connection = await(Streams.openConnection(
                            HOST,
                            listener.getLocalPort(),
                            ConnectOptions.builder()
                                    .idleTimeout(Duration.ofMillis(200))
                                    .build()));
                    Socket peer = listener.accept()) {
                assertThat(peer.isConnected()).isTrue();
                connection.writer().write(new byte[20_000_000]);
                assertThatThrownBy(() -> await(connection.writer().drain()))
                        .isInstanceOf(SocketTimeoutException.class)
                        .hasMessageContaining("PT0.2S");
                assertThatThrownBy(() -> await(connection.writer().waitClosed()))
                        .isInstanceOf(SocketTimeoutException.class);
            }
        });
    }

    @Test
    void othersMayWatchForIdlenessToo() throws Exception {
        withPeer((connection, peer) -> {
            Future<Void> idle = new Future<>();
            connection.writer().channel().pipeline().addFirst(new IdleStateHandler(0, 0, 1, TimeUnit.MILLISECONDS) {
                @Override
                protected void channelIdle(ChannelHandlerContext context, IdleStateEvent event) throws Exception {
                    super.channelIdle(context, event);
                    idle.trySetResult(null);
                }
            });
            await(idle);
            assertThat(connection.writer().isClosing()).isFalse();
        });
    }

    // ---- writeTimeout

    private static final Duration LIMIT = Duration.ofMillis(200);

    private static ConnectOptions limited() {
        return ConnectOptions.builder().writeTimeout(LIMIT).build();
    }

    private static void expectTimeout(Mono<?> mono) {
        assertThatThrownBy(() -> await(mono))
                .isInstanceOf(SocketTimeoutException.class)
                .hasMessageContaining("has taken nothing for PT0.2S (writeTimeout) of the ")
                .hasMessageContaining("<StreamWriter");
    }

    @Test
    void aPeerThatSendsAndTakesNothingIsAborted() throws Exception {
        Asyncio.run(() -> {
            try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getByName(HOST));
                    StreamConnection connection =
                            await(Streams.openConnection(HOST, listener.getLocalPort(), limited()));
                    Socket peer = listener.accept()) {
                Task<Void> talking = createTask(async(() -> {
                    while (true) { // neither side is idle
                        peer.getOutputStream().write('x');
                        connection.writer().write(new byte[1000]);
                        await(sleep(Duration.ofMillis(10)));
                    }
                }));
                connection.writer().write(new byte[MORE_THAN_THE_SYSTEM_BUFFERS]);
                expectTimeout(connection.writer().drain());
                expectTimeout(connection.writer().waitClosed());
                expectTimeout(connection.reader().readAll());
                talking.cancel();
            }
        });
    }

    @Test
    void aClosedConnectionDoesNotWaitForSuchAPeer() throws Exception {
        Asyncio.run(() -> {
            for (ServeOptions.Builder options : List.of(
                    ServeOptions.builder(),
                    ServeOptions.builder().tls(TestCertificates.jdk(TestCertificates.LOCALHOST)))) {
                Future<StreamConnection> accepted = new Future<>();
                Server server = await(Streams.startServerBody(
                        connection -> {
                            try (connection) {
                                connection.writer().write(new byte[MORE_THAN_THE_SYSTEM_BUFFERS]);
                                accepted.setResult(connection);
                            }
                        },
                        HOST,
                        0,
                        options.writeTimeout(LIMIT).build()));
                StreamConnection connection = await(Streams.openConnection(
                        HOST,
                        server.port(),
                        options.build().tls == null ? ConnectOptions.DEFAULT : TestCertificates.client()));
                expectTimeout(await(accepted).writer().waitClosed());
                await(server.closeAndWait());
                connection.writer().abort();
            }
        });
    }

    @Test
    void aSlowPeerAndASilentOneMayStay() throws Exception {
        ByteBuf[] same = new ByteBuf[100];
        Arrays.setAll(same, n -> Unpooled.wrappedBuffer(new byte[1 << 20]));
        VirtualTime.run(() -> {
            try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getByName(HOST));
                    StreamConnection connection =
                            await(Streams.openConnection(HOST, listener.getLocalPort(), limited()));
                    Socket peer = listener.accept()) {
                connection.writer().write(Unpooled.wrappedBuffer(same.length, same)); // one write, which takes long
                int rounds = 25;
                for (int i = 0; i < rounds; i++) {
                    await(toThread(() -> peer.getInputStream().skipNBytes(4 << 20)));
                    await(sleep(LIMIT.dividedBy(4)));
                }
                await(connection.writer().drain());
                Task<byte[]> answer = createTask(connection.reader().readLine());
                await(sleep(LIMIT.multipliedBy(10)));
                assertThat(answer.done()).isFalse();
                await(toThread(() -> peer.getOutputStream().write('\n')));
                assertThat(await(answer)).hasSize(1);
            }
        });
    }
}
