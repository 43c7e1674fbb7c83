package asyncio.examples;

import static asyncio.bridge.Cancellation.PROPAGATE;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.bridge.Futures;
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.netty.DisposableServer;

/** The endpoint is started and called over HTTP. */
@Timeout(60)
class LegacyEndpointTest {
    private final LegacyExchange exchange = new LegacyExchange();
    private final DisposableServer server = new LegacyEndpoint(exchange).serve(0);
    private final HttpClient client = HttpClient.newHttpClient();

    @AfterEach
    void stop() {
        server.disposeNow();
        exchange.close();
    }

    @AfterAll
    static void shutdown() {
        EventLoop.shutdownShared(Duration.ofSeconds(10));
    }

    private HttpRequest request(String path) {
        return HttpRequest.newBuilder(URI.create("http://localhost:" + server.port() + path))
                .build();
    }

    private HttpResponse<String> get(String path) throws Exception {
        return client.send(request(path), BodyHandlers.ofString());
    }

    /** Only the exchange sees the actions of the server after a client has hung up. */
    private static void eventually(BooleanSupplier condition) throws Exception {
        Asyncio.run(Asyncio.waitFor(
                Asyncio.async(() -> {
                    while (!condition.getAsBoolean()) {
                        Asyncio.await(Asyncio.sleep(Duration.ofMillis(1)));
                    }
                }),
                Duration.ofSeconds(30)));
    }

    @Test
    void aCallbackIsAnAnswerAndAFailureAStatus() throws Exception {
        assertThat(get("/quotes/ACME").body()).isEqualTo("1999\n");
        HttpResponse<String> unknown = get("/quotes/NONE");
        assertThat(unknown.statusCode()).isEqualTo(404);
        assertThat(unknown.body()).isEqualTo("Nobody trades NONE\n");
    }

    @Test
    void aBodyGathersSeveral() throws Exception {
        assertThat(get("/total?symbols=ACME,INIT").body()).isEqualTo("6199\n");
        assertThat(get("/total?symbols=ACME,NONE").statusCode()).isEqualTo(404);
    }

    @Test
    void aClientThatHangsUpCancelsTheLegacyRequest() throws Exception {
        var call = client.sendAsync(request("/quotes/SLOW"), BodyHandlers.ofString());
        var waiting = Futures.toMono(call, PROPAGATE).subscribe(answer -> {}, error -> {});
        eventually(() -> exchange.pending() == 1);
        waiting.dispose();
        eventually(() -> exchange.pending() == 0);
    }

    @Test
    void theTickerStreamsUntilTheReaderLeaves() throws Exception {
        var response = client.sendAsync(request("/ticker"), BodyHandlers.ofInputStream());
        eventually(() -> exchange.tickers() == 1);
        exchange.trade("ACME", 2001); // with the first event the headers are sent
        InputStream body = response.get().body();
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8))) {
            assertThat(lines.readLine()).isEqualTo("data:ACME 2001");
            assertThat(lines.readLine()).isEmpty();
            exchange.trade("INIT", 4199);
            assertThat(lines.readLine()).isEqualTo("data:INIT 4199");
        }
        exchange.trade("ACME", 2002);
        eventually(() -> exchange.tickers() == 0);
    }
}
