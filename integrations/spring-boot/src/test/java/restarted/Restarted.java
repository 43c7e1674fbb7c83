package restarted;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;

import asyncio.Task;
import asyncio.spring.AsyncioWorker;
import asyncio.spring.WorkerPool;
import asyncio.spring.WorkerPools;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.boot.web.server.reactive.context.ReactiveWebServerApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.event.EventListener;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Mono;

/**
 * An application that {@code DevtoolsTest} loads anew for each run, as devtools does: a server, a client, workers and
 * listeners, with bodies. A call runs it once, and returns the names of the parts that were used.
 */
@EnableAutoConfiguration
@RestController
public class Restarted implements Callable<Set<String>> {
    private static final Set<String> SEEN = ConcurrentHashMap.newKeySet();

    /** A value with a class of the application's loader. */
    record Item(String name) {}

    static class Workers {
        @AsyncioWorker(name = "annotated")
        Mono<Void> work(Item item) {
            return async(() -> {
                await(sleep(Duration.ofMillis(1)));
                SEEN.add("worker of " + item.name());
            });
        }
    }

    static class Listeners {
        @EventListener
        Mono<Item> ready(ApplicationReadyEvent event) {
            return async(() -> {
                await(sleep(Duration.ofMillis(1)));
                return new Item("ready");
            });
        }

        @EventListener
        Mono<Void> after(Item item) {
            return async(() -> {
                SEEN.add("listener of " + item.name());
            });
        }
    }

    @Bean
    static Workers workers() {
        return new Workers();
    }

    @Bean
    static Listeners listeners() {
        return new Listeners();
    }

    @Bean
    static WorkerPool<Item> built() {
        return WorkerPool.builder("built", (Item item) -> Mono.fromRunnable(() -> SEEN.add("pool of " + item.name())))
                .build();
    }

    @GetMapping("/page")
    Mono<String> page() {
        return async(() -> {
            Task<String> task = createTask(async(() -> await(sleep(Duration.ofMillis(1), "page"))));
            return await(task) + " " + await(toThread(() -> new Item("thread").name()));
        });
    }

    @Override
    public Set<String> call() {
        SEEN.clear();
        SpringApplication application = new SpringApplication(Restarted.class);
        application.setRegisterShutdownHook(false);
        try (var context = (ReactiveWebServerApplicationContext) application.run("--server.port=0")) {
            Item item = new Item("item");
            @SuppressWarnings("unchecked")
            WorkerPool<Item> built = context.getBean("built", WorkerPool.class);
            built.trySubmit(item);
            context.getBean(WorkerPools.class).get("annotated", Item.class).trySubmit(item);
            SEEN.add(context.getBean(WebClient.Builder.class)
                    .build()
                    .get()
                    .uri("http://localhost:" + context.getWebServer().getPort() + "/page")
                    .retrieve()
                    .bodyToMono(String.class)
                    .block(Duration.ofSeconds(20)));
        }
        return new TreeSet<>(SEEN);
    }
}
