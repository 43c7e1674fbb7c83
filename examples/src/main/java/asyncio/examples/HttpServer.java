package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;

import asyncio.streams.Streams;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.BiFunction;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.netty.ChannelBindException;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import reactor.netty.http.server.HttpServerRoutes;

/**
 * A small HTTP server on Reactor Netty with pages that are bodies. They run on the loop of their connection, and all
 * processors are used; when a client hangs up, its page is cancelled.
 *
 * <pre>
 * mvn -q -Phttp                        serves on port 8080 until it is interrupted
 * mvn -q -Phttp -Dhttp.port=PORT       on another
 *
 * curl http://127.0.0.1:8080/hello/Ada     Hello, Ada!
 * curl http://127.0.0.1:8080/slow/500      Slept 500 ms        while others are served
 * curl http://127.0.0.1:8080/sum/10        385                 the sum of ten squares, each computed by a task
 * </pre>
 */
public final class HttpServer {
    private static final int MOST_MILLIS = 60_000;
    private static final int MOST_TASKS = 1_000;

    private HttpServer() {}

    public static void main(String[] args) {
        try {
            DisposableServer server = on(port(args)).bindNow();
            System.out.println("http://127.0.0.1:" + server.port() + "/hello/you");
            server.onDispose().block();
        } catch (ChannelBindException e) {
            System.err.println("http: " + e.getMessage() + ": "
                    + Objects.requireNonNull(e.getCause()).getMessage()
                    + ". Choose another port with -Dhttp.port=PORT");
            System.exit(1);
        } catch (IllegalArgumentException e) {
            System.err.println("http: " + e.getMessage());
            System.exit(1);
        }
    }

    private static int port(String[] args) {
        return args.length == 0 ? 8080 : number(args[0], "the port", 65_535);
    }

    /** Port 0 lets the system choose one. */
    static reactor.netty.http.server.HttpServer on(int port) {
        return reactor.netty.http.server.HttpServer.create()
                .host("127.0.0.1")
                .port(port)
                .runOn(Streams.sharedLoopResources())
                .route(HttpServer::routes);
    }

    private static void routes(HttpServerRoutes routes) {
        routes.get("/hello/{name}", body(HttpServer::hello))
                .get("/slow/{millis}", body(HttpServer::slow))
                .get("/sum/{n}", body(HttpServer::sum));
    }

    /** Straight-line code that makes a page; it may await. */
    private interface Page {
        String of(HttpServerRequest request) throws Exception;
    }

    private static BiFunction<HttpServerRequest, HttpServerResponse, Publisher<Void>> body(Page page) {
        return (request, response) -> response.header(HttpHeaderNames.CONTENT_TYPE, "text/plain;charset=utf-8")
                .sendString(async(() -> {
                    try {
                        return page.of(request);
                    } catch (IllegalArgumentException e) {
                        response.status(HttpResponseStatus.BAD_REQUEST);
                        return e.getMessage() + "\n";
                    }
                }));
    }

    private static String hello(HttpServerRequest request) {
        return "Hello, " + QueryStringDecoder.decodeComponent(param(request, "name")) + "!\n";
    }

    private static String slow(HttpServerRequest request) throws Exception {
        int millis = number(param(request, "millis"), "the time in milliseconds", MOST_MILLIS);
        await(sleep(Duration.ofMillis(millis)));
        return "Slept " + millis + " ms\n";
    }

    /** Each square takes as long as an answer of another service. */
    private static String sum(HttpServerRequest request) throws Exception {
        int n = number(param(request, "n"), "the number of squares", MOST_TASKS);
        List<Mono<Long>> squares = new ArrayList<>();
        for (long i = 1; i <= n; i++) {
            squares.add(sleep(Duration.ofMillis(1), i * i));
        }
        long sum = 0;
        for (long square : await(gather(squares))) { // starts a task for each; cancels them all if the client hangs up
            sum += square;
        }
        return sum + "\n";
    }

    /** Every page of the routes has its parameter. */
    private static String param(HttpServerRequest request, String name) {
        return Objects.requireNonNull(request.param(name), name);
    }

    private static int number(String text, String what, int most) {
        try {
            int number = Integer.parseInt(text);
            if (number >= 0 && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // the same error as for a number out of range
        }
        throw new IllegalArgumentException(what + " must be a number from 0 to " + most + ", not " + text);
    }
}
