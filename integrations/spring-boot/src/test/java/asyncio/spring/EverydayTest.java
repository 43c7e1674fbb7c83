package asyncio.spring;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static asyncio.subprocess.Stdio.PIPE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.springframework.boot.WebApplicationType.REACTIVE;

import asyncio.Task;
import asyncio.subprocess.Command;
import asyncio.subprocess.Subprocess;
import io.micrometer.context.ContextRegistry;
import io.r2dbc.h2.H2ConnectionConfiguration;
import io.r2dbc.h2.H2ConnectionFactory;
import io.r2dbc.spi.ConnectionFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.MDC;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.r2dbc.connection.R2dbcTransactionManager;
import org.springframework.r2dbc.core.DatabaseClient;
import org.springframework.transaction.ReactiveTransactionManager;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.reactive.function.client.WebClient;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.WebFilter;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Common parts of an application as bodies, in one context. */
@Timeout(60)
class EverydayTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final String KEY = "traceId";
    private static ConfigurableApplicationContext context;
    private static WebClient client;

    @RestController
    static class Pages {
        final CompletableFuture<ProcessHandle> child = new CompletableFuture<>();

        @GetMapping("/orders/{id}")
        Mono<String> order(@PathVariable String id) {
            return async(() -> {
                await(sleep(Duration.ofMillis(1)));
                throw new ResponseStatusException(HttpStatus.NOT_FOUND, "No order " + id);
            });
        }

        /** Lines of a child process, which ends with the client. */
        @GetMapping(path = "/lines", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
        Flux<String> lines() {
            return Subprocess.useFlux(
                    Command.shell("echo one; echo two; exec sleep 3600").stdout(PIPE), shell -> {
                        child.complete(ProcessHandle.of(shell.pid()).orElseThrow());
                        return shell.stdout().lines(UTF_8);
                    });
        }

        @GetMapping("/trace")
        Mono<List<String>> trace() {
            return async(() -> {
                List<String> seen = new ArrayList<>();
                seen.add("begin " + MDC.get(KEY));
                await(sleep(Duration.ofMillis(1)));
                seen.add("awaited " + MDC.get(KEY));
                seen.add("thread " + await(toThread(() -> MDC.get(KEY))));
                Task<String> task = createTask(async(() -> MDC.get(KEY)));
                seen.add("task " + await(task));
                seen.addAll(await(gather(async(() -> "child " + MDC.get(KEY)))));
                try {
                    await(sleep(Duration.ofMillis(1)));
                } finally {
                    seen.add("finally " + MDC.get(KEY));
                }
                return seen;
            });
        }
    }

    /** Money moved with several awaits, in one transaction. */
    static class Accounts {
        private final DatabaseClient database;

        Accounts(DatabaseClient database) {
            this.database = database;
        }

        private Mono<Long> add(String name, int amount) {
            return database.sql("update account set amount = amount + :amount where name = :name")
                    .bind("amount", amount)
                    .bind("name", name)
                    .fetch()
                    .rowsUpdated();
        }

        @Transactional
        Mono<String> move(int amount, boolean fails) {
            return async(() -> {
                await(add("a", -amount));
                await(sleep(Duration.ofMillis(1)));
                Task<Long> other = createTask(add("b", amount));
                await(other);
                if (fails) {
                    throw new IllegalStateException("Rolled back");
                }
                return "moved";
            });
        }

        @Transactional
        Mono<String> moveForEver(CompletableFuture<String> moved) {
            return async(() -> {
                await(add("a", -1));
                moved.complete("moved");
                return await(sleep(Duration.ofHours(1), "never"));
            });
        }

        int amount(String name) {
            return Objects.requireNonNull(database.sql("select amount from account where name = :name")
                    .bind("name", name)
                    .map(row -> row.get(0, Integer.class))
                    .one()
                    .block(LIMIT));
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableTransactionManagement
    static class Beans {
        @Bean
        ConnectionFactory connectionFactory() {
            return new H2ConnectionFactory(H2ConnectionConfiguration.builder()
                    .inMemory("shop")
                    .option("DB_CLOSE_DELAY=-1")
                    .build());
        }

        @Bean
        ReactiveTransactionManager transactions(ConnectionFactory connections) {
            return new R2dbcTransactionManager(connections);
        }

        @Bean
        Accounts accounts(ConnectionFactory connections) {
            DatabaseClient database = DatabaseClient.create(connections);
            for (String sql : List.of(
                    "create table account(name varchar(9), amount int)",
                    "insert into account values ('a', 100), ('b', 0)")) {
                database.sql(sql).then().block(LIMIT);
            }
            return new Accounts(database);
        }

        @Bean
        WebFilter traces() {
            return (exchange, chain) -> {
                String id = exchange.getRequest().getHeaders().getFirst("trace");
                return chain.filter(exchange).contextWrite(context -> id == null ? context : context.put(KEY, id));
            };
        }
    }

    @BeforeAll
    static void start() {
        ContextRegistry.getInstance()
                .registerThreadLocalAccessor(
                        KEY, () -> MDC.get(KEY), value -> MDC.put(KEY, value), () -> MDC.remove(KEY));
        context =
                Contexts.run(REACTIVE, List.of(Pages.class, Beans.class), "spring.webflux.problemdetails.enabled=true");
        client = WebClient.create("http://localhost:" + Contexts.port(context));
    }

    @AfterAll
    static void stop() {
        context.close();
        ContextRegistry.getInstance().removeThreadLocalAccessor(KEY);
    }

    @Test
    void anErrorOfABodyIsAProblemDetail() {
        ResponseEntity<String> answer = client.get()
                .uri("/orders/17")
                .exchangeToMono(response -> response.toEntity(String.class))
                .block(LIMIT);
        assertThat(answer.getStatusCode()).isEqualTo(HttpStatus.NOT_FOUND);
        assertThat(answer.getHeaders().getContentType()).isEqualTo(MediaType.APPLICATION_PROBLEM_JSON);
        assertThat(answer.getBody()).contains("\"status\":404", "\"detail\":\"No order 17\"", "/orders/17");
    }

    @Test
    void aChildProcessEndsWithTheClientThatListensToIt() {
        CompletableFuture<List<String>> two = new CompletableFuture<>();
        List<String> lines = new ArrayList<>();
        Disposable listening = client.get()
                .uri("/lines")
                .retrieve()
                .bodyToFlux(String.class)
                .subscribe(line -> {
                    lines.add(line);
                    if (lines.size() == 2) {
                        two.complete(lines);
                    }
                });
        assertThat(two).succeedsWithin(LIMIT).isEqualTo(List.of("one", "two"));
        ProcessHandle child = context.getBean(Pages.class).child.join();
        listening.dispose();
        assertThat(child.onExit()).succeedsWithin(LIMIT);
    }

    @Test
    void eachLineOfARequestHasItsTraceId() {
        CompletableFuture<List<String>> other = trace("t2");
        for (String id : List.of("t1", "t3")) {
            assertThat(trace(id))
                    .succeedsWithin(LIMIT)
                    .isEqualTo(List.of(
                            "begin " + id,
                            "awaited " + id,
                            "thread " + id,
                            "task " + id,
                            "child " + id,
                            "finally " + id));
        }
        assertThat(other).succeedsWithin(LIMIT).asString().contains("begin t2", "finally t2");
        assertThat(MDC.get(KEY)).isNull();
    }

    @SuppressWarnings("unchecked")
    private static CompletableFuture<List<String>> trace(String id) {
        return client.get()
                .uri("/trace")
                .header("trace", id)
                .retrieve()
                .bodyToMono(List.class)
                .map(list -> (List<String>) list)
                .toFuture();
    }

    @Test
    void aTransactionSpansTheAwaitsOfABodyAndItsTasks() {
        Accounts accounts = context.getBean(Accounts.class);
        assertThat(accounts.move(10, false).block(LIMIT)).isEqualTo("moved");
        assertThat(accounts.amount("a")).isEqualTo(90);
        assertThat(accounts.amount("b")).isEqualTo(10);
        assertThat(accounts.move(10, true).toFuture())
                .failsWithin(LIMIT)
                .withThrowableThat()
                .withMessageContaining("Rolled back");
        assertThat(accounts.amount("a")).as("all of it is taken back").isEqualTo(90);
        assertThat(accounts.amount("b")).isEqualTo(10);
    }

    @Test
    void aCancelledBodyIsRolledBack() {
        Accounts accounts = context.getBean(Accounts.class);
        int before = accounts.amount("a");
        CompletableFuture<String> moved = new CompletableFuture<>();
        Disposable moving = accounts.moveForEver(moved).subscribe();
        assertThat(moved).succeedsWithin(LIMIT);
        moving.dispose();
        // waits for the lock of the row that the transaction holds until it is rolled back
        assertThat(accounts.move(0, false).retry(50).block(LIMIT)).isEqualTo("moved");
        assertThat(accounts.amount("a")).isEqualTo(before);
    }
}
