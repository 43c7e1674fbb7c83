package asyncio.benchmarks.spring;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestClient;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Mono;

/**
 * The same four pages as bodies, as Monos and as blocking methods on virtual threads: an answer at once, one after 5 ms,
 * the cheaper of two offers of suppliers that are asked at once over HTTP, and such an offer.
 * {@code Shops bodies|webflux|virtual PORT SUPPLIERS} is a server.
 */
public final class Shops {
    private static final Duration PAUSE = Duration.ofMillis(5);

    record Offer(String supplier, String book, int cents) {}

    record Order(int id, Offer offer) {}

    private Shops() {}

    private static Offer offer(String supplier, String book) {
        return new Offer(supplier, book, 900 + Math.floorMod((supplier + book).hashCode(), 200));
    }

    private static Order cheaper(int id, Offer one, Offer other) {
        return new Order(id, one.cents() <= other.cents() ? one : other);
    }

    @EnableAutoConfiguration
    @RestController
    static class Bodies {
        private final WebClient client;

        Bodies(WebClient.Builder clients, @Value("${suppliers}") String suppliers) {
            client = clients.baseUrl(suppliers).build();
        }

        @GetMapping("/order/{id}")
        Mono<Order> order(@PathVariable int id) {
            return async(() -> new Order(id, Shops.offer("north", "Emma")));
        }

        @GetMapping("/later/{id}")
        Mono<Order> later(@PathVariable int id) {
            return async(() -> {
                await(sleep(PAUSE));
                return new Order(id, Shops.offer("north", "Emma"));
            });
        }

        @GetMapping("/both/{id}")
        Mono<Order> both(@PathVariable int id) {
            return async(() -> {
                List<Offer> offers = await(gather(ask("north"), ask("south")));
                return cheaper(id, offers.get(0), offers.get(1));
            });
        }

        @GetMapping("/offer/{supplier}")
        Mono<Offer> offer(@PathVariable String supplier) {
            return async(() -> Shops.offer(supplier, "Emma"));
        }

        private Mono<Offer> ask(String supplier) {
            return client.get().uri("/offer/{supplier}", supplier).retrieve().bodyToMono(Offer.class);
        }
    }

    @EnableAutoConfiguration(
            excludeName = {
                "asyncio.spring.AsyncioAutoConfiguration",
                "asyncio.spring.AsyncioNettyAutoConfiguration",
                "asyncio.spring.AsyncioMetricsAutoConfiguration"
            })
    @RestController
    static class Monos {
        private final WebClient client;

        Monos(WebClient.Builder clients, @Value("${suppliers}") String suppliers) {
            client = clients.baseUrl(suppliers).build();
        }

        @GetMapping("/order/{id}")
        Mono<Order> order(@PathVariable int id) {
            return Mono.fromSupplier(() -> new Order(id, Shops.offer("north", "Emma")));
        }

        @GetMapping("/later/{id}")
        Mono<Order> later(@PathVariable int id) {
            return Mono.delay(PAUSE).map(tick -> new Order(id, Shops.offer("north", "Emma")));
        }

        @GetMapping("/both/{id}")
        Mono<Order> both(@PathVariable int id) {
            return Mono.zip(ask("north"), ask("south")).map(offers -> cheaper(id, offers.getT1(), offers.getT2()));
        }

        @GetMapping("/offer/{supplier}")
        Mono<Offer> offer(@PathVariable String supplier) {
            return Mono.fromSupplier(() -> Shops.offer(supplier, "Emma"));
        }

        private Mono<Offer> ask(String supplier) {
            return client.get().uri("/offer/{supplier}", supplier).retrieve().bodyToMono(Offer.class);
        }
    }

    @EnableAutoConfiguration(
            excludeName = {
                "asyncio.spring.AsyncioAutoConfiguration",
                "asyncio.spring.AsyncioNettyAutoConfiguration",
                "asyncio.spring.AsyncioMetricsAutoConfiguration"
            })
    @RestController
    static class Blocking {
        private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        private final RestClient client;

        Blocking(RestClient.Builder clients, @Value("${suppliers}") String suppliers) {
            client = clients.baseUrl(suppliers).build();
        }

        @GetMapping("/order/{id}")
        Order order(@PathVariable int id) {
            return new Order(id, Shops.offer("north", "Emma"));
        }

        @GetMapping("/later/{id}")
        Order later(@PathVariable int id) throws InterruptedException {
            Thread.sleep(PAUSE);
            return new Order(id, Shops.offer("north", "Emma"));
        }

        @GetMapping("/both/{id}")
        Order both(@PathVariable int id) throws Exception {
            Future<Offer> north = threads.submit(() -> ask("north"));
            Future<Offer> south = threads.submit(() -> ask("south"));
            return cheaper(id, north.get(), south.get());
        }

        @GetMapping("/offer/{supplier}")
        Offer offer(@PathVariable String supplier) {
            return Shops.offer(supplier, "Emma");
        }

        private Offer ask(String supplier) {
            return client.get().uri("/offer/{supplier}", supplier).retrieve().body(Offer.class);
        }
    }

    public static void main(String[] args) {
        boolean virtual = args[0].equals("virtual");
        SpringApplication shop = new SpringApplication(
                virtual ? Blocking.class : args[0].equals("bodies") ? Bodies.class : Monos.class);
        shop.setDefaultProperties(Map.of(
                "server.port", args[1],
                "suppliers", args[2],
                "logging.level.root", "warn",
                "spring.main.banner-mode", "off",
                "spring.main.web-application-type", virtual ? "servlet" : "reactive",
                "spring.autoconfigure.exclude",
                        virtual
                                ? ""
                                : "org.springframework.boot.tomcat.autoconfigure.reactive.TomcatReactiveWebServerAutoConfiguration",
                "spring.threads.virtual.enabled", virtual,
                "server.tomcat.max-keep-alive-requests", -1));
        shop.run();
        System.out.println("ready");
    }
}
