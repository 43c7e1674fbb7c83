package shop;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.web.server.reactive.context.ReactiveWebServerApplicationContext;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;

/** A running shop that a {@link Balancer} knows. */
final class Instance {
    /** Counts the requests that have reached the shop. */
    static class Arrivals implements WebFilter {
        private int arrived; // guarded by this

        @Override
        public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
            synchronized (this) {
                arrived++;
                notifyAll();
            }
            return chain.filter(exchange);
        }

        synchronized void await(int requests) throws InterruptedException {
            while (arrived < requests) {
                wait();
            }
        }
    }

    final AtomicInteger given = new AtomicInteger();
    private final ReactiveWebServerApplicationContext context;
    private final Arrivals arrivals;
    private final Mails mails;

    private Instance(ReactiveWebServerApplicationContext context) {
        this.context = context;
        this.arrivals = context.getBean(Arrivals.class);
        this.mails = context.getBean(Mails.class);
    }

    static Instance start(String suppliers) {
        SpringApplication shop = new SpringApplication(Shop.class, Arrivals.class);
        shop.setRegisterShutdownHook(false);
        return new Instance((ReactiveWebServerApplicationContext) shop.run(
                "--server.port=0",
                "--shop.suppliers=" + suppliers,
                "--logging.level.shop=warn",
                // however slow the machine is
                "--shop.drain=5m",
                "--spring.lifecycle.timeout-per-shutdown-phase=6m"));
    }

    int port() {
        return context.getWebServer().getPort();
    }

    /** Closes it as an orchestrator does: when the requests it was given are there, but are not answered yet. */
    void close() throws InterruptedException {
        arrivals.await(given.get());
        context.close();
    }

    void awaitArrivals(int requests) throws InterruptedException {
        arrivals.await(requests);
    }

    List<Mails.Mail> sent() {
        return mails.sent();
    }
}
