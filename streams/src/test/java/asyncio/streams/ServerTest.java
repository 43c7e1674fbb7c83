package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.abort;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Future;
import asyncio.Task;
import asyncio.TaskFactory;
import asyncio.TaskOptions;
import io.netty.channel.Channel;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

@ExtendWith(LeakCheck.class)
class ServerTest {
    private static final String HOST = "127.0.0.1";

    private static void tick() throws Exception {
        await(sleep(Duration.ZERO));
    }

    /**
     * Waits for the next select, at the start of the next tick, in which NIO closes sockets that were closed before.
     */
    private static void select() throws Exception {
        tick();
        tick();
    }

    private static String text(byte[] bytes) {
        return new String(Objects.requireNonNull(bytes), UTF_8);
    }

    private static StreamConnection connect(Server server) throws Exception {
        return await(Streams.openConnection(HOST, server.port()));
    }

    /** Reads to the end of the stream, then closes. */
    private static Mono<Server> sink() {
        return Streams.startServerBody(
                connection -> {
                    try (connection) {
                        await(connection.reader().readAll());
                    }
                },
                HOST,
                0);
    }

    /** Returns the list that collects all later reports to the loop's exception handler. */
    private static List<ExceptionContext> reported() {
        List<ExceptionContext> reported = new ArrayList<>();
        EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> reported.add(what));
        return reported;
    }

    private static void expectClosedByServer(Server server) throws Exception {
        try (StreamConnection connection = connect(server)) {
            assertThat(await(connection.reader().readLine())).isNull();
        }
        server.close();
        await(server.waitClosed());
    }

    // ---- handlers

    @Test
    @DisplayName("STR-01 a handler in Reactor's style")
    void reactiveHandler() throws Exception {
        Asyncio.run(() -> {
            Server server = await(Streams.startServer(
                    connection -> connection.reader().readLine().doOnNext(line -> {
                        connection.writer().write("you said " + text(line));
                        connection.close();
                    }),
                    HOST,
                    0));
            try (StreamConnection connection = connect(server)) {
                connection.writer().write("hello\n");
                assertThat(text(await(connection.reader().readAll()))).isEqualTo("you said hello\n");
            }
            server.close();
            await(server.waitClosed());
        });
    }

    @Test
    @DisplayName("STR-48 a handler that fails is reported, and its connection closed")
    void handlerFails() throws Exception {
        Asyncio.run(() -> {
            List<ExceptionContext> reported = reported();
            IOException failure = new IOException("test");
            expectClosedByServer(await(Streams.startServerBody(
                    connection -> {
                        throw failure;
                    },
                    HOST,
                    0)));
            expectClosedByServer(await(Streams.startServer(connection -> Mono.error(failure), HOST, 0)));
            expectClosedByServer(await(Streams.startServer(
                    connection -> {
                        throw new IllegalStateException("test");
                    },
                    HOST,
                    0)));
            assertThat(reported).hasSize(3).allSatisfy(what -> {
                assertThat(what.message()).startsWith("Unhandled exception in the handler of <StreamConnection");
                assertThat(what.exception()).hasMessage("test");
            });
        });
    }

    @Test
    void aTaskFactoryThatFailsIsReportedAndItsConnectionClosed() throws Exception {
        Asyncio.run(() -> {
            List<ExceptionContext> reported = reported();
            Server server = await(sink());
            EventLoop loop = EventLoop.getRunningLoop();
            loop.setTaskFactory(new TaskFactory() {
                @Override
                public <T> Task<T> newTask(EventLoop loop, Mono<? extends T> coroutine, TaskOptions options) {
                    throw new IllegalStateException("test");
                }
            });
            try {
                expectClosedByServer(server);
            } finally {
                loop.setTaskFactory(null);
            }
            assertThat(reported).singleElement().satisfies(what -> {
                assertThat(what.message()).startsWith("Cannot handle <StreamConnection");
                assertThat(what.exception()).hasMessage("test");
            });
        });
    }

    @Test
    @DisplayName("STR-49 a handler that is cancelled closes its connection, and nothing is reported")
    void handlerCancelled() throws Exception {
        Asyncio.run(() -> {
            List<ExceptionContext> reported = reported();
            expectClosedByServer(await(Streams.startServerBody(
                    connection -> {
                        Objects.requireNonNull(Asyncio.currentTask()).cancel();
                        tick();
                    },
                    HOST,
                    0)));
            assertThat(reported).isEmpty();
        });
    }

    @Test
    void aConnectionOutlivesItsHandler() throws Exception {
        Asyncio.run(() -> {
            Future<StreamConnection> accepted = new Future<>();
            Server server = await(Streams.startServerBody(accepted::setResult, HOST, 0));
            try (StreamConnection connection = connect(server)) {
                StreamConnection other = await(accepted);
                tick();
                other.writer().write("still open\n");
                assertThat(text(await(connection.reader().readLine()))).isEqualTo("still open\n");
                other.close();
            }
            server.close();
            await(server.waitClosed());
        });
    }

    // ---- listening

    @Test
    void aBusyPortIsABindException() throws Exception {
        Asyncio.run(() -> {
            try (Server server = await(sink())) {
                assertThatThrownBy(() -> await(Streams.startServerBody(connection -> {}, HOST, server.port())))
                        .isInstanceOf(BindException.class)
                        .hasMessageContaining("Cannot listen on /127.0.0.1:" + server.port())
                        .hasMessageContaining("already in use");
            }
        });
    }

    @Test
    @DisplayName("SRV-03 a server knows its loop and its addresses until it is closed")
    void sockets() throws Exception {
        Asyncio.run(() -> {
            Server server = await(sink());
            assertThat(server.getLoop()).isSameAs(EventLoop.getRunningLoop());
            assertThat(server.isServing()).isTrue();
            assertThat(server.sockets()).hasSize(1);
            assertThat(server.port()).isPositive();
            server.close();
            server.close();
            assertThat(server.isServing()).isFalse();
            assertThat(server.sockets()).isEmpty();
            assertThatThrownBy(server::port)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("closed");
        });
    }

    @Test
    void aPortCanBeReusedWhileOldConnectionsTimeOut() throws Exception {
        Asyncio.run(() -> {
            Server first = await(Streams.startServerBody(StreamConnection::close, HOST, 0));
            int port = first.port();
            try (StreamConnection client = connect(first)) {
                assertThat(await(client.reader().readLine())).isNull(); // the server closes first, so its side lingers
            }
            first.close();
            await(first.waitClosed());
            await(Streams.startServerBody(StreamConnection::close, HOST, port)).close();
        });
    }

    @Test
    void withoutAHostItListensOnAllInterfaces() throws Exception {
        Asyncio.run(() -> {
            for (String all : Arrays.asList(null, "", "::")) {
                if (all != null) {
                    assumeIPv6();
                }
                try (Server server = await(Streams.startServerBody(StreamConnection::close, all, 0))) {
                    expectEnd("127.0.0.1", server.port());
                    if (all != null) {
                        expectEnd("::1", server.port());
                    }
                }
            }
        });
    }

    private static void assumeIPv6() {
        try {
            new ServerSocket(0, 1, InetAddress.getByName("::1")).close();
        } catch (IOException e) {
            abort("IPv6 is off: " + e);
        }
    }

    private static void expectEnd(String host, int port) throws Exception {
        try (StreamConnection connection = await(Streams.openConnection(host, port))) {
            assertThat(await(connection.reader().readLine())).isNull();
        }
    }

    @Test
    @DisplayName("NET-30: of several addresses one in use fails the start, and the others are free again")
    void itListensOnAllAddressesOfAHostOrOnNone() throws Exception {
        assumeIPv6();
        Asyncio.run(() -> {
            List<InetSocketAddress> both =
                    List.of(new InetSocketAddress("127.0.0.1", 0), new InetSocketAddress("::1", 0));
            Server server = await(server().listenOnAll(Mono.just(both)));
            assertThat(server.sockets()).hasSize(2);
            for (SocketAddress socket : server.sockets()) {
                InetSocketAddress address = (InetSocketAddress) socket;
                expectEnd(address.getAddress().getHostAddress(), address.getPort());
            }
            int busy = ((InetSocketAddress) server.sockets().get(1)).getPort();
            List<InetSocketAddress> oneBusy =
                    List.of(new InetSocketAddress("127.0.0.1", busy), new InetSocketAddress("::1", busy));
            assertThatThrownBy(() -> await(server().listenOnAll(Mono.just(oneBusy))))
                    .isInstanceOf(BindException.class);
            await(server.closeAndWait());
            await(await(server().listenOnAll(Mono.just(oneBusy))).closeAndWait()); // both are free again
        });
    }

    private static Server server() {
        EventLoop loop = EventLoop.getRunningLoop();
        ServerClient.Acceptor acceptor = HandledClient.acceptor(
                loop, ServeOptions.DEFAULT, connection -> Mono.fromRunnable(connection::close), Context.empty());
        return new Server(loop, acceptor, ServeOptions.DEFAULT);
    }

    @Test
    void cancellingAStartLeavesThePortFree() throws Exception {
        Asyncio.run(() -> {
            int port;
            try (Server server = await(sink())) {
                port = server.port();
            }
            select();
            for (int ticks = 0; ticks < 6; ticks++) {
                Task<Server> starting = createTask(Streams.startServerBody(connection -> {}, HOST, port));
                for (int i = 0; i < ticks; i++) {
                    tick();
                }
                starting.cancel();
                try {
                    await(starting).close();
                } catch (CancelledException e) {
                    // expected
                }
                select();
                await(Streams.startServerBody(connection -> {}, HOST, port)).close();
                select();
            }
        });
    }

    // ---- serveForever

    @Test
    @DisplayName("SRV-01 cancelling serveForever closes the server; another serveForever fails")
    void serveForever() throws Exception {
        Asyncio.run(() -> {
            Server server = await(sink());
            Task<Void> serving = createTask(server.serveForever());
            tick();
            serving.cancel("enough");
            assertThatThrownBy(() -> await(serving))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("enough");
            assertThat(server.isServing()).isFalse();
            assertThat(server.sockets()).isEmpty();
            assertThatThrownBy(() -> await(server.serveForever()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("is closed");
        });
    }

    @Test
    @DisplayName("SRV-02 a second serveForever fails")
    void serveForeverTwice() throws Exception {
        Asyncio.run(() -> {
            Server server = await(sink());
            Task<Void> serving = createTask(server.serveForever());
            tick();
            assertThatThrownBy(() -> await(server.serveForever()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("is already being awaited on serveForever()");
            server.close();
            await(serving);
        });
    }

    @Test
    void cancellingServeForeverWaitsForTheClients() throws Exception {
        Asyncio.run(() -> {
            Server server = await(sink());
            Task<Void> serving = createTask(server.serveForever());
            StreamConnection client = connect(server);
            tick();
            serving.cancel();
            tick();
            tick();
            assertThat(serving.done()).isFalse();
            client.close();
            assertThatThrownBy(() -> await(serving)).isInstanceOf(CancelledException.class);
        });
    }

    // ---- waitClosed and the clients

    @Test
    @DisplayName("SRV-04 waitClosed waits while the server is open and until the last client is gone")
    void waitClosed() throws Exception {
        Asyncio.run(() -> {
            Future<Void> accepted = new Future<>();
            Server server = await(Streams.startServerBody(
                    connection -> {
                        accepted.setResult(null);
                        await(connection.reader().readAll());
                        connection.close();
                    },
                    HOST,
                    0));
            Task<Void> waiting = createTask(server.waitClosed());
            tick();
            assertThat(waiting.done()).isFalse();
            StreamConnection client = connect(server);
            await(accepted);
            server.close();
            tick();
            tick();
            assertThat(waiting.done()).isFalse();
            client.close();
            await(waiting);
            await(server.waitClosed());
        });
    }

    @Test
    @DisplayName("SRV-05 close and the last client's end in the same tick")
    void waitClosedRace() throws Exception {
        Asyncio.run(() -> {
            Future<StreamConnection> accepted = new Future<>();
            Server server = await(Streams.startServerBody(accepted::setResult, HOST, 0));
            try (StreamConnection client = connect(server)) {
                Task<Void> waiting = createTask(server.waitClosed());
                await(accepted);
                EventLoop.getRunningLoop().callSoon(await(accepted)::close);
                EventLoop.getRunningLoop().callSoon(server::close);
                await(waiting);
                assertThat(await(client.reader().readLine())).isNull();
            }
        });
    }

    @Test
    @DisplayName("SRV-06 closeClients ends the connections, and so waitClosed")
    void closeClients() throws Exception {
        Asyncio.run(() -> {
            Future<Void> accepted = new Future<>();
            Server server = await(Streams.startServerBody(connection -> accepted.setResult(null), HOST, 0));
            try (StreamConnection client = connect(server)) {
                await(accepted);
                server.close();
                server.closeClients();
                await(server.waitClosed());
                assertThat(await(client.reader().readLine())).isNull();
            }
        });
    }

    @Test
    @DisplayName("SRV-07 abortClients drops what a client does not take")
    void abortClients() throws Exception {
        Asyncio.run(() -> {
            Future<Void> full = new Future<>();
            Server server = await(Streams.startServerBody(
                    connection -> {
                        Channel channel = (Channel)
                                Objects.requireNonNull(connection.writer().getExtraInfo("socket"));
                        while (channel.isWritable()) {
                            connection.writer().write(new byte[100_000]);
                        }
                        full.setResult(null);
                        await(connection.writer().drain());
                    },
                    HOST,
                    0));
            reported();
            try (StreamConnection client = connect(server)) {
                await(full);
                server.close();
                server.closeClients();
                tick();
                tick();
                Task<Void> waiting = createTask(server.waitClosed());
                tick();
                server.abortClients();
                await(waiting);
                assertThatThrownBy(() -> await(client.reader().readAll()))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("reset");
            }
        });
    }

    @Test
    void manyClientsAtOnce() throws Exception {
        Asyncio.run(() -> {
            Server server = await(Streams.startServerBody(
                    connection -> {
                        try (connection) {
                            byte[] line;
                            while ((line = await(connection.reader().readLine())) != null) {
                                connection.writer().write(line);
                                await(connection.writer().drain());
                            }
                        }
                    },
                    HOST,
                    0));
            List<Task<Integer>> clients = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                int id = i;
                clients.add(createTask(async(() -> {
                    try (StreamConnection client = connect(server)) {
                        for (int n = 0; n < 100; n++) {
                            client.writer().write(id + " " + n + "\n");
                            assertThat(text(await(client.reader().readLine()))).isEqualTo(id + " " + n + "\n");
                        }
                        return 100;
                    }
                })));
            }
            int answers = 0;
            for (Task<Integer> client : clients) {
                answers += await(client);
            }
            assertThat(answers).isEqualTo(5000);
            server.close();
            await(server.waitClosed());
        });
    }
}
