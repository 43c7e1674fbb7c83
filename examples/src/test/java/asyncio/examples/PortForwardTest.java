package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.mapConcurrent;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import asyncio.streams.Server;
import asyncio.streams.StreamConnection;
import asyncio.streams.Streams;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

@Timeout(60)
class PortForwardTest {
    private static int portOf(ServerSocketChannel server) throws Exception {
        return ((InetSocketAddress) server.getLocalAddress()).getPort();
    }

    /** The echo of a text, which is sent completely before the end of the stream. */
    private static Mono<String> echo(int port, String text) {
        return async(() -> {
            try (StreamConnection connection = await(Streams.openConnection("127.0.0.1", port))) {
                Mono<Void> sending = async(() -> {
                    connection.writer().write(text);
                    await(connection.writer().drain());
                    connection.writer().writeEof();
                });
                Task<byte[]> received = createTask(connection.reader().readAll());
                await(sending);
                return new String(await(received), UTF_8);
            }
        });
    }

    @Test
    void connectionsArePassedOnBothWays() throws Exception {
        Asyncio.run(() -> {
            try (Server server = await(Streams.startServer(
                            client -> client.writer()
                                    .writeFrom(client.reader().chunks())
                                    .doFinally(end -> client.close()),
                            "127.0.0.1",
                            0));
                    ServerSocketChannel listener = PortForward.listen(0)) {
                Task<Void> forwarding = createTask(async(() ->
                        PortForward.forward(listener, InetSocketAddress.createUnresolved("127.0.0.1", server.port()))));
                int port = portOf(listener);
                assertThat(await(gather(echo(port, "one"), echo(port, "big ".repeat(500_000)))))
                        .containsExactly("one", "big ".repeat(500_000));
                assertThat(await(mapConcurrent(Flux.range(0, 100), 20, i -> echo(port, "echo " + i))
                                .collectList()))
                        .hasSize(100)
                        .contains("echo 99");
                forwarding.cancel();
                assertThatThrownBy(() -> await(forwarding)).isInstanceOf(CancelledException.class);
            }
        });
    }

    @Test
    void aTargetThatIsNotThereEndsThatConnectionOnly() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Future<Throwable> reported = loop.createFuture();
            loop.setExceptionHandler((failing, what) -> reported.trySetResult(what.exception()));
            try (ServerSocketChannel gone = PortForward.listen(0);
                    ServerSocketChannel listener = PortForward.listen(0)) {
                InetSocketAddress target = new InetSocketAddress("127.0.0.1", portOf(gone));
                gone.close();
                Task<Void> forwarding = createTask(async(() -> PortForward.forward(listener, target)));
                try (StreamConnection connection = await(Streams.openConnection("127.0.0.1", portOf(listener)))) {
                    assertThat(await(connection.reader().readAll())).isEmpty();
                }
                assertThat(await(reported)).isInstanceOf(java.net.ConnectException.class);
                assertThat(forwarding.done()).isFalse();
                forwarding.cancel();
            }
        });
    }
}
