package shop;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.http.client.reactive.ReactorClientHttpConnector;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Flux;
import reactor.netty.http.client.HttpClient;

/**
 * Two instances behind a balancer are replaced one after the other, under load: no order fails, and each gets its mail.
 * {@code -Dshop.test.orders=10000} is the number of orders, at least.
 */
@Timeout(600)
class RollingTest {
    private static final int ORDERS = Integer.getInteger("shop.test.orders", 400);
    private static final int AT_A_TIME = 32;

    @Test
    void aRollingRestartFailsNoOrderAndLosesNoMail() throws Exception {
        List<Instance> all = new ArrayList<>();
        List<Integer> answered;
        Instance suppliers = Instance.start("http://localhost:1/unused");
        try (Balancer balancer = new Balancer()) {
            for (int i = 0; i < 2; i++) {
                all.add(start(balancer, suppliers));
            }
            CountDownLatch underLoad = new CountDownLatch(ORDERS / 4);
            AtomicBoolean replaced = new AtomicBoolean();
            CompletableFuture<List<Integer>> answers = orders(balancer, i -> i < ORDERS || !replaced.get())
                    .doOnNext(order -> underLoad.countDown())
                    .collectList()
                    .toFuture();
            answers.exceptionally(failure -> { // which is seen below
                while (underLoad.getCount() > 0) {
                    underLoad.countDown();
                }
                return null;
            });
            underLoad.await();
            for (Instance old : List.copyOf(all)) {
                Instance next = start(balancer, suppliers);
                all.add(next);
                balancer.remove(old);
                old.close();
                if (!answers.isDone()) {
                    next.awaitArrivals(1);
                }
            }
            replaced.set(true);
            assertThat(answers).succeedsWithin(Duration.ofMinutes(9));
            answered = answers.join();
        } finally {
            for (Instance instance : all) {
                instance.close();
            }
            suppliers.close();
        }
        assertThat(answered).hasSizeGreaterThanOrEqualTo(ORDERS);
        assertThat(all.stream().mapToInt(instance -> instance.sent().size()).sum())
                .as("mails for %s orders", answered.size())
                .isEqualTo(answered.size());
        System.out.println("orders: " + answered.size() + ", failed: 0, by instance: "
                + all.stream().map(instance -> instance.given.get()).toList());
    }

    private static Instance start(Balancer balancer, Instance suppliers) {
        Instance instance = Instance.start("http://localhost:" + suppliers.port() + "/supplier");
        balancer.add(instance);
        return instance;
    }

    /** Fails with the first order that does. */
    private static Flux<Integer> orders(Balancer balancer, IntPredicate goOn) {
        WebClient client = WebClient.builder()
                .baseUrl(balancer.address())
                .clientConnector(new ReactorClientHttpConnector(HttpClient.create().disableRetry(true)))
                .build();
        return Flux.range(0, Integer.MAX_VALUE)
                .takeWhile(goOn::test)
                .flatMap(
                        i -> client.post()
                                .uri("/orders")
                                .bodyValue(Map.of("book", "Book " + i, "mail", "ann@example.com"))
                                .retrieve()
                                .bodyToMono(Orders.Order.class)
                                .map(Orders.Order::id),
                        AT_A_TIME);
    }
}
