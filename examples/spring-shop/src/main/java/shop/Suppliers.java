package shop;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/** Offers of two suppliers, over HTTP. This application plays them itself. */
@Component
class Suppliers {
    record Offer(String supplier, String book, int cents) {}

    private final WebClient client;

    Suppliers(WebClient.Builder clients, @Value("${shop.suppliers}") String address) {
        client = clients.baseUrl(address).build();
    }

    Mono<Offer> offer(String supplier, String book) {
        return client.get()
                .uri("/{supplier}/{book}", supplier, book)
                .retrieve()
                .bodyToMono(Offer.class)
                .retryWhen(Retry.backoff(2, Duration.ofMillis(50)));
    }

    @RestController
    static class Played {
        @GetMapping("/supplier/{supplier}/{book}")
        Mono<Offer> offer(@PathVariable String supplier, @PathVariable String book) {
            int cents = 900 + Math.floorMod((supplier + book).hashCode(), 200);
            return Mono.just(new Offer(supplier, book, cents))
                    .delayElement(Duration.ofMillis(ThreadLocalRandom.current().nextInt(50)));
        }
    }
}
