package shop;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.boot.web.server.reactive.context.ReactiveWebServerApplicationContext;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Mono;

@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
@SpringBootTest(webEnvironment = WebEnvironment.DEFINED_PORT, properties = "server.port=18080")
class ShopTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @LocalServerPort
    private int port;

    private WebClient client;

    @BeforeEach
    void connect() {
        client = WebClient.create("http://localhost:" + port);
    }

    private static Mono<Orders.Order> order(WebClient client, String book) {
        return client.post()
                .uri("/orders")
                .bodyValue(Map.of("book", book, "mail", "ann@example.com"))
                .retrieve()
                .bodyToMono(Orders.Order.class);
    }

    @Test
    void anOrderGoesToOneOfTheSuppliers() {
        Orders.Order order = order(client, "Emma").block(LIMIT);
        assertThat(order.book()).isEqualTo("Emma");
        assertThat(order.supplier()).isIn("north", "south");
        assertThat(client.get()
                        .uri("/orders/{id}", order.id())
                        .retrieve()
                        .bodyToMono(Orders.Order.class)
                        .block(LIMIT))
                .isEqualTo(order);
    }

    @Test
    void eachLineOfAnOrderHasItsNumber(CapturedOutput output) {
        int id = order(client, "Middlemarch").block(LIMIT).id();
        int other = order(client, "Villette").block(LIMIT).id();
        List<String> lines = output.getOut()
                .lines()
                .filter(line -> line.contains("Asking for") || line.contains("Ordered of"))
                .filter(line -> line.contains("[" + id + "]") || line.contains("[" + other + "]"))
                .map(line -> line.substring(line.indexOf(" : ")))
                .toList();
        assertThat(lines).hasSize(4).contains(" : Asking for Middlemarch", " : Asking for Villette");
    }

    @Test
    void anOrderThatIsNotThereIsAProblem() {
        String problem = client.get()
                .uri("/orders/4711")
                .exchangeToMono(response -> response.bodyToMono(String.class))
                .block(LIMIT);
        assertThat(problem).contains("\"status\":404", "No order 4711");
    }

    @Test
    void theTreeOfTasksIsLive() {
        String tree = client.get()
                .uri("/live/tasks")
                .retrieve()
                .bodyToFlux(String.class)
                .blockFirst(LIMIT);
        assertThat(tree).contains("EventLoop asyncio-", "mails");
        assertThat(client.get()
                        .uri("/tasks.html")
                        .retrieve()
                        .bodyToMono(String.class)
                        .block(LIMIT))
                .contains("EventSource");
    }

    @Test
    void aChildProcessTellsTheTime() {
        List<String> times = client.get()
                .uri("/live/clock")
                .retrieve()
                .bodyToFlux(String.class)
                .take(2)
                .collectList()
                .block(LIMIT);
        assertThat(times).hasSize(2).allMatch(time -> time.matches("\\d\\d:\\d\\d:\\d\\d"));
    }

    @Test
    void aShutdownUnderLoadLosesNoMail() {
        try (var other = (ReactiveWebServerApplicationContext) SpringApplication.run(
                Shop.class, "--server.port=18081", "--shop.suppliers=http://localhost:" + port + "/supplier")) {
            Mails mails = other.getBean(Mails.class);
            WebClient busy = WebClient.create("http://localhost:18081");
            List<CompletableFuture<Orders.Order>> orders = IntStream.range(0, 50)
                    .mapToObj(i -> order(busy, "Book " + i).toFuture())
                    .toList();
            CompletableFuture.anyOf(orders.toArray(CompletableFuture[]::new)).join();
            other.close();
            long answered = orders.stream()
                    .filter(order ->
                            order.handle((done, error) -> error == null).join())
                    .count();
            assertThat(answered).isPositive();
            assertThat(mails.sent()).hasSizeGreaterThanOrEqualTo((int) answered);
        }
        assertThat(order(client, "Persuasion").block(LIMIT))
                .as("the first context is undisturbed")
                .isNotNull();
    }
}
