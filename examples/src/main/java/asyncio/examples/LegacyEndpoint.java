package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.waitFor;

import asyncio.EventLoop;
import asyncio.bridge.Callbacks;
import asyncio.bridge.Listeners;
import asyncio.bridge.Overflow;
import asyncio.examples.LegacyExchange.Quote;
import asyncio.streams.Streams;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ScheduledFuture;
import java.util.function.BiConsumer;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ReactorHttpHandlerAdapter;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/**
 * A callback-only client as a Spring WebFlux endpoint: {@code /quotes/{symbol}}, {@code /total?symbols=A,B} in
 * straight-line code, and {@code /ticker} as a stream. docs/bridging.md explains it.
 */
public final class LegacyEndpoint {
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final LegacyExchange exchange;

    /** An endpoint over a client. The caller closes the client. */
    public LegacyEndpoint(LegacyExchange exchange) {
        this.exchange = Objects.requireNonNull(exchange, "exchange");
    }

    // ---- the bridge: the only code with callbacks

    /** The price of a share. Cancelling cancels the request. */
    Mono<Quote> quote(String symbol) {
        return Callbacks.mono(callback -> {
            ScheduledFuture<?> call = exchange.request(symbol, callback::success, callback::failure);
            callback.onCancel(() -> call.cancel(false));
        });
    }

    /** The changes of all prices; a slow reader gets the newest. Cancelling removes the ticker. */
    Flux<Quote> ticker() {
        return Listeners.flux(Overflow.dropOldest(64), sink -> {
            BiConsumer<String, Long> ticker = (symbol, cents) -> sink.next(new Quote(symbol, cents));
            exchange.addTicker(ticker);
            sink.onDispose(() -> exchange.removeTicker(ticker));
        });
    }

    // ---- the endpoint: Monos and bodies

    private Mono<Long> total(List<String> symbols) {
        return async(() -> {
            long sum = 0;
            for (Quote quote :
                    await(waitFor(gather(symbols.stream().map(this::quote).toList()), PATIENCE))) {
                sum += Objects.requireNonNull(quote, "quote").cents();
            }
            return sum;
        });
    }

    /** The routes, for a WebFlux application: in Spring Boot, a bean. */
    public RouterFunction<ServerResponse> routes() {
        return RouterFunctions.route()
                .GET(
                        "/quotes/{symbol}",
                        request -> quote(request.pathVariable("symbol"))
                                .flatMap(quote -> ServerResponse.ok().bodyValue(quote.cents() + "\n")))
                .GET(
                        "/total",
                        request -> total(List.of(
                                        request.queryParam("symbols").orElse("").split(",")))
                                .flatMap(sum -> ServerResponse.ok().bodyValue(sum + "\n")))
                .GET(
                        "/ticker",
                        request -> ServerResponse.ok()
                                .contentType(MediaType.TEXT_EVENT_STREAM)
                                .body(ticker().map(quote -> quote.symbol() + " " + quote.cents()), String.class))
                .onError(
                        IllegalArgumentException.class,
                        (error, request) ->
                                ServerResponse.status(HttpStatus.NOT_FOUND).bodyValue(error.getMessage() + "\n"))
                .build();
    }

    /** Serves the routes on a port, 0 for any, with Reactor Netty on the shared loops. */
    public DisposableServer serve(int port) {
        return HttpServer.create()
                .port(port)
                .runOn(Streams.sharedLoopResources())
                .handle(new ReactorHttpHandlerAdapter(RouterFunctions.toHttpHandler(routes())))
                .bindNow();
    }

    /** Serves until it is killed; the argument is the port. */
    public static void main(String[] args) {
        try (LegacyExchange exchange = new LegacyExchange()) {
            DisposableServer server =
                    new LegacyEndpoint(exchange).serve(args.length == 0 ? 8080 : Integer.parseInt(args[0]));
            System.out.println("http://localhost:" + server.port() + "/quotes/ACME");
            server.onDispose().block();
        } finally {
            EventLoop.shutdownShared(Duration.ofSeconds(10));
        }
    }
}
