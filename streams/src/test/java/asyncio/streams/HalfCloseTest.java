package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Future;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** One side has finished sending, the other has not; and ends caused by the loop. */
class HalfCloseTest {
    private static final int BIG = 8_000_000;

    @Test
    void aLongAnswerReachesAPeerThatHasHalfClosed() throws Exception {
        for (boolean drains : new boolean[] {true, false}) {
            Asyncio.run(() -> {
                try (Server server = await(Streams.startServerBody(
                        connection -> {
                            try (connection) {
                                assertThat(await(connection.reader().readAll())).hasSize(5);
                                connection.writer().write(new byte[BIG]);
                                if (drains) {
                                    await(connection.writer().drain());
                                }
                            }
                        },
                        "127.0.0.1",
                        0))) {
                    int answered = await(toThread(() -> {
                        try (Socket peer = new Socket("127.0.0.1", server.port())) {
                            peer.getOutputStream().write("hello".getBytes());
                            peer.shutdownOutput();
                            return peer.getInputStream().readAllBytes().length;
                        }
                    }));
                    assertThat(answered).isEqualTo(BIG);
                }
            });
        }
    }

    @Test
    void aReaderThatWasPausedWhenThePeerEndedReadsToTheEnd() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> read = new Future<>();
            Future<String> sent = new Future<>();
            try (Server server = await(Streams.startServerBody(
                    connection -> {
                        try (connection) {
                            await(sent); // meanwhile far more than the limit has arrived
                            int bytes = 0;
                            for (byte[] line; (line = await(connection.reader().readLine())) != null; ) {
                                bytes += line.length;
                                await(sleep(Duration.ZERO));
                            }
                            read.setResult(bytes);
                        }
                    },
                    "127.0.0.1",
                    0))) {
                await(toThread(() -> {
                    try (Socket peer = new Socket("127.0.0.1", server.port())) {
                        byte[] line = ("x".repeat(999) + "\n").getBytes();
                        for (int i = 0; i < 400; i++) {
                            peer.getOutputStream().write(line);
                        }
                        peer.shutdownOutput();
                        sent.setResult("all");
                        assertThat(peer.getInputStream().readAllBytes()).isEmpty();
                    }
                }));
                assertThat(await(read)).isEqualTo(400_000);
            }
        });
    }

    @Test
    void drainAfterWriteEofDoesNotWait() throws Exception {
        Asyncio.run(() -> {
            try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"));
                    StreamConnection connection = await(Streams.openConnection("127.0.0.1", listener.getLocalPort()));
                    Socket peer = listener.accept()) {
                connection.writer().write("request\n");
                connection.writer().writeEof();
                await(connection.writer().drain());
                assertThat(new String(await(toThread(() -> peer.getInputStream().readAllBytes()))))
                        .isEqualTo("request\n");
                await(connection.writer().drain());
            }
        });
    }

    @Test
    void aServerEndsWithItsLoop() throws Exception {
        Server server =
                Streams.startServerBody(connection -> {}, "127.0.0.1", 0).block();
        assertThat(server).isNotNull();
        CompletableFuture<Void> forever = server.serveForever().toFuture();
        CompletableFuture<Void> closed = server.waitClosed().toFuture();
        EventLoop.shutdownShared(Duration.ofSeconds(10));
        assertThat(closed).succeedsWithin(10, TimeUnit.SECONDS);
        assertThat(forever.handle((ok, e) -> "ended")).succeedsWithin(10, TimeUnit.SECONDS);
        assertThat(server.isServing()).isFalse();
        assertThat(server.sockets()).isEmpty();
    }

    @Test
    void whatWasWrittenInTheLastTickIsSentWhenTheLoopCloses() throws Exception {
        try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            EventLoop loop = EventLoop.newEventLoop();
            loop.runUntilComplete(async(() -> {
                StreamConnection connection = await(Streams.openConnection("127.0.0.1", listener.getLocalPort()));
                loop.callSoon(() -> {
                    connection.writer().write("bye");
                    loop.stop();
                });
            }));
            try (Socket peer = listener.accept()) {
                loop.close();
                assertThat(new String(peer.getInputStream().readAllBytes())).isEqualTo("bye");
            }
        }
    }

    @Test
    void aServersLimitIsThatOfItsConnections() throws Exception {
        Asyncio.run(() -> {
            Future<String> failure = new Future<>();
            try (Server server = await(Streams.startServerBody(
                            connection -> {
                                try (connection) {
                                    await(connection.reader().readLine());
                                } catch (LimitOverrunException e) {
                                    failure.setResult(e.getMessage());
                                }
                            },
                            "127.0.0.1",
                            0,
                            10));
                    StreamConnection connection = await(Streams.openConnection("127.0.0.1", server.port()))) {
                connection.writer().write("twenty bytes and more\n");
                assertThat(await(failure)).contains("10 bytes").contains("startServer");
            }
        });
    }

    @Test
    void abortClientsReachesAllThoughOneIsClosedAlready() throws Exception {
        Asyncio.run(() -> {
            Future<StreamConnection> first = new Future<>();
            Future<StreamConnection> second = new Future<>();
            try (Server server = await(Streams.startServerBody(
                    connection -> {
                        if (!first.trySetResult(connection)) {
                            second.setResult(connection);
                        }
                    },
                    "127.0.0.1",
                    0))) {
                StreamConnection one = await(Streams.openConnection("127.0.0.1", server.port()));
                StreamConnection other = await(Streams.openConnection("127.0.0.1", server.port()));
                StreamConnection here = await(first);
                StreamConnection there = await(second);
                here.writer().close();
                server.abortClients();
                assertThat(there.writer().isClosing()).isTrue();
                one.close();
                other.close();
            }
        });
    }
}
