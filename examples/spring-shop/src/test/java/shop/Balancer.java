package shop;

import static io.netty.handler.codec.http.HttpHeaderNames.CONTENT_TYPE;

import java.util.ArrayDeque;
import java.util.Deque;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;

/** Passes each request to one of the instances, by turns; retries nothing. */
final class Balancer implements AutoCloseable {
    private final Deque<Instance> instances = new ArrayDeque<>(); // guarded by this
    private final HttpClient client = HttpClient.create().disableRetry(true);
    private final DisposableServer server =
            HttpServer.create().host("localhost").port(0).handle(this::pass).bindNow();

    String address() {
        return "http://localhost:" + server.port();
    }

    synchronized void add(Instance instance) {
        instances.addLast(instance);
    }

    /** Gives an instance no more requests. Those it has been given may not have reached it yet. */
    synchronized void remove(Instance instance) {
        instances.remove(instance);
    }

    private synchronized Instance next() {
        Instance next = instances.removeFirst();
        instances.addLast(next);
        next.given.incrementAndGet();
        return next;
    }

    private Publisher<Void> pass(HttpServerRequest request, HttpServerResponse response) {
        return Mono.defer(() -> client.headers(headers ->
                        headers.set(CONTENT_TYPE, request.requestHeaders().get(CONTENT_TYPE)))
                .request(request.method())
                .uri("http://localhost:" + next().port() + request.uri())
                .send(request.receive().retain())
                .responseSingle((answer, body) -> body.asString()
                        .defaultIfEmpty("")
                        .flatMap(text -> response.status(answer.status())
                                .header(CONTENT_TYPE, "application/json")
                                .sendString(Mono.just(text))
                                .then())));
    }

    @Override
    public void close() {
        server.disposeNow();
    }
}
