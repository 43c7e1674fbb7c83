package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.LogCapture;
import io.netty.channel.Channel;
import io.netty.util.concurrent.Ticker;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;

/** A server that cannot accept because it has no descriptors. */
@ExtendWith(LeakCheck.class)
class AcceptFailuresTest extends PeerFixture {
    private static final Function<StreamConnection, Publisher<?>> CLOSES = connection -> {
        connection.close();
        return Mono.empty();
    };

    private static Channel listening(Server server) {
        return server.listeners().get(0).channel();
    }

    private static void failToAccept(Server server) {
        listening(server).pipeline().fireExceptionCaught(new IOException("accept(..) failed: Too many open files"));
    }

    private static List<String> lines(LogCapture log) {
        return log.messages().stream()
                .filter(line -> line.contains("Cannot accept"))
                .toList();
    }

    private static void inVirtualTime(Callable<Void> body) throws Exception {
        EventLoop loop = EventLoop.builder().clock(Ticker.newMockTicker()).build();
        try {
            loop.runUntilComplete(async(body));
        } finally {
            loop.close();
        }
    }

    @Test
    void itSaysSoOnceAMinuteWithWhatToDo() throws Exception {
        try (LogCapture log = new LogCapture()) {
            inVirtualTime(() -> {
                Server server = await(Streams.startServer(CLOSES, HOST, 0));
                for (int seconds = 0; seconds < 150; seconds++) {
                    failToAccept(server);
                    await(sleep(Duration.ofSeconds(1)));
                }
                server.close();
                return null;
            });
            assertThat(lines(log))
                    .hasSize(3)
                    .first()
                    .asString()
                    .contains(HOST, "Too many open files", "ulimit -n", "maxConnections");
        }
    }

    @Test
    @DisplayName("NET-42: when accept fails the server stops for a second, and the socket stays open")
    void itDoesNotTryForASecondAndThenGoesOn() throws Exception {
        Asyncio.run(() -> {
            Server server = await(Streams.startServer(CLOSES, HOST, 0));
            failToAccept(server);
            assertThat(listening(server).config().isAutoRead()).isFalse();
            try (Socket client = new Socket(HOST, server.port())) { // waits in the backlog
                await(sleep(Duration.ofMillis(1500)));
                assertThat(listening(server).config().isAutoRead()).isTrue();
                assertThat(await(Asyncio.toThread(() -> client.getInputStream().read())))
                        .isEqualTo(-1);
            }
            await(server.closeAndWait());
        });
    }

    @Test
    void aServerThatIsFullStaysSoAfterwards() throws Exception {
        inVirtualTime(() -> {
            Server server = await(Streams.startServer(
                    connection -> connection.reader().readAll().doFinally(end -> connection.close()),
                    HOST,
                    0,
                    ServeOptions.builder().maxConnections(1).build()));
            try (StreamConnection only = await(Streams.openConnection(HOST, server.port()))) {
                while (listening(server).config().isAutoRead()) {
                    tick();
                }
                failToAccept(server);
                await(sleep(Duration.ofSeconds(2)));
                assertThat(listening(server).config().isAutoRead()).isFalse();
            }
            await(server.closeAndWait());
            return null;
        });
    }
}
