package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.EventLoop;
import asyncio.streams.Streams;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;
import reactor.netty.resources.ConnectionProvider;

/** HTTP with Reactor Netty over loopback in virtual time, on the test's loop and off it. */
@Timeout(120)
@ExtendWith(AsyncioExtension.class)
class HttpTest {
    private @Nullable DisposableServer server;

    @BeforeEach
    void start(EventLoop loop) throws Exception {
        server = await(HttpServer.create()
                .runOn(Streams.loopResources(loop))
                .host("127.0.0.1")
                .port(0)
                .route(routes -> routes.get(
                        "/slow",
                        (request, response) -> response.sendString(async(() -> {
                            await(sleep(Duration.ofMinutes(30)));
                            return "slow answer";
                        }))))
                .bind()
                .cast(DisposableServer.class));
    }

    @AfterEach
    void stop() throws Exception {
        if (server != null) {
            server.dispose();
            await(server.onDispose());
        }
    }

    private HttpClient client(ConnectionProvider pool) {
        assertThat(server).isNotNull();
        return HttpClient.create(pool).host("127.0.0.1").port(server.port());
    }

    private static Mono<String> slow(HttpClient client) {
        return client.get().uri("/slow").responseContent().aggregate().asString();
    }

    @AsyncioTest
    void onTheLoop(EventLoop loop, TestClock clock) throws Exception {
        ConnectionProvider pool = ConnectionProvider.create("test", 5);
        HttpClient client = client(pool).runOn(Streams.loopResources(loop));
        List<Mono<String>> requests = Stream.generate(() -> waitFor(slow(client), Duration.ofHours(2)))
                .limit(10)
                .toList();
        assertThat(await(gather(requests))).hasSize(10).containsOnly("slow answer");
        assertThat(clock.now()).as("two rounds of five").isEqualTo(Duration.ofHours(1));
        await(pool.disposeLater());
    }

    @AsyncioTest
    void withThreadsOfReactorNetty(TestClock clock) throws Exception {
        ConnectionProvider pool = ConnectionProvider.newConnection();
        assertThat(await(slow(client(pool)))).isEqualTo("slow answer");
        assertThat(clock.now()).isEqualTo(Duration.ofMinutes(30));
    }

    @AsyncioTest
    void aPoolThatIsNotDisposedOf(EventLoop loop) throws Exception {
        HttpClient client = client(ConnectionProvider.create("kept", 2)).runOn(Streams.loopResources(loop));
        assertThat(await(slow(client))).isEqualTo("slow answer");
    }
}
