package asyncio.spring;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.currentContext;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.iterate;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.springframework.boot.WebApplicationType.REACTIVE;

import asyncio.AsyncIterator;
import asyncio.CancelledException;
import io.github.resilience4j.circuitbreaker.CallNotPermittedException;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.reactor.circuitbreaker.operator.CircuitBreakerOperator;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.cache.CacheManager;
import org.springframework.cache.annotation.Cacheable;
import org.springframework.cache.annotation.EnableCaching;
import org.springframework.cache.concurrent.ConcurrentMapCacheManager;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.security.access.prepost.PreAuthorize;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.method.configuration.EnableReactiveMethodSecurity;
import org.springframework.security.config.annotation.web.reactive.EnableWebFluxSecurity;
import org.springframework.security.config.web.server.ServerHttpSecurity;
import org.springframework.security.core.context.ReactiveSecurityContextHolder;
import org.springframework.security.core.userdetails.MapReactiveUserDetailsService;
import org.springframework.security.core.userdetails.ReactiveUserDetailsService;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.web.server.SecurityWebFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.reactive.HandlerMapping;
import org.springframework.web.reactive.function.client.WebClient;
import org.springframework.web.reactive.handler.SimpleUrlHandlerMapping;
import org.springframework.web.reactive.socket.WebSocketHandler;
import org.springframework.web.reactive.socket.WebSocketMessage;
import org.springframework.web.reactive.socket.WebSocketSession;
import org.springframework.web.reactive.socket.client.ReactorNettyWebSocketClient;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/** Security, caches, circuit breakers and WebSockets around bodies, in one context. */
@Timeout(60)
class GuardedPiecesTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static ConfigurableApplicationContext context;
    private static WebClient client;
    private static int port;

    @RestController
    static class Pages {
        private final Guarded guarded;

        Pages(Guarded guarded) {
            this.guarded = guarded;
        }

        /** The user in the body and in what it starts. */
        @GetMapping("/user")
        Mono<List<String>> user() {
            return async(() -> {
                List<String> seen = new ArrayList<>();
                await(sleep(Duration.ofMillis(1)));
                seen.add("body " + name());
                seen.add(await(createTask(async(() -> "task " + name()))));
                seen.addAll(await(gather(async(() -> "child " + name()))));
                String user = name();
                seen.add(await(toThread(() -> "thread " + user)));
                return seen;
            });
        }

        @GetMapping("/admin")
        Mono<String> admin() {
            return async(() -> await(guarded.onlyForAdmins()));
        }

        private static String name() throws Exception {
            return await(ReactiveSecurityContextHolder.getContext())
                    .getAuthentication()
                    .getName();
        }
    }

    static class Guarded {
        private final AtomicInteger runs = new AtomicInteger();

        /** By a method, since a proxy has fields of its own. */
        int runs() {
            return runs.get();
        }

        @PreAuthorize("hasRole('ADMIN')")
        Mono<String> onlyForAdmins() {
            return async(() -> "secret " + runs.incrementAndGet());
        }
    }

    static class Prices {
        private final AtomicInteger runs = new AtomicInteger();

        int runs() {
            return runs.get();
        }

        @Cacheable("prices")
        Mono<Integer> price(String book) {
            return load(book);
        }

        @Cacheable(cacheNames = "shared", sync = true)
        Mono<Integer> shared(String book) {
            return load(book);
        }

        @Cacheable("buyers")
        Mono<String> buyer(String book) {
            return async(() -> currentContext().getOrDefault("user", "nobody"));
        }

        @Cacheable(cacheNames = "sharedBuyers", sync = true)
        Mono<String> sharedBuyer(String book) {
            return buyer(book);
        }

        private Mono<Integer> load(String book) {
            return async(() -> {
                int run = runs.incrementAndGet();
                await(sleep(Duration.ofMillis(50)));
                if (book.equals("none")) {
                    throw new IllegalArgumentException("No such book");
                }
                return run;
            });
        }
    }

    /** Answers each message, and says how it ended. */
    static class Echo implements WebSocketHandler {
        final CompletableFuture<String> ended = new CompletableFuture<>();

        @Override
        public Mono<Void> handle(WebSocketSession session) {
            return async(() -> {
                // as text at once: the message's buffer is gone when the body takes its turn
                try (AsyncIterator<String> messages =
                        iterate(session.receive().map(WebSocketMessage::getPayloadAsText))) {
                    String text;
                    while ((text = await(messages.next())) != null) {
                        await(sleep(Duration.ofMillis(1)));
                        await(session.send(Mono.just(session.textMessage("You said " + text))));
                    }
                    ended.complete("closed by the client");
                } finally {
                    ended.complete("ended otherwise");
                }
            });
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableWebFluxSecurity
    @EnableReactiveMethodSecurity
    @EnableCaching
    static class Beans {
        @Bean
        Guarded guarded() {
            return new Guarded();
        }

        @Bean
        Prices prices() {
            return new Prices();
        }

        @Bean
        CacheManager caches() {
            return new ConcurrentMapCacheManager();
        }

        @Bean
        Echo echo() {
            return new Echo();
        }

        @Bean
        HandlerMapping sockets(Echo echo) {
            return new SimpleUrlHandlerMapping(Map.of("/echo", echo), -1);
        }

        @Bean
        ReactiveUserDetailsService users() {
            return new MapReactiveUserDetailsService(
                    User.withUsername("ann").password("{noop}a").roles("ADMIN").build(),
                    User.withUsername("bob").password("{noop}b").roles("USER").build());
        }

        @Bean
        SecurityWebFilterChain security(ServerHttpSecurity http) {
            return http.authorizeExchange(pages -> pages.pathMatchers("/echo")
                            .permitAll()
                            .anyExchange()
                            .authenticated())
                    .httpBasic(Customizer.withDefaults())
                    .build();
        }
    }

    @BeforeAll
    static void start() {
        context = Contexts.run(REACTIVE, List.of(Pages.class, Beans.class));
        port = Contexts.port(context);
        client = WebClient.create("http://localhost:" + port);
    }

    @AfterAll
    static void stop() {
        context.close();
    }

    @Test
    void theUserIsKnownInABodyAndInAllThatItStarts() {
        List<?> seen = client.get()
                .uri("/user")
                .headers(headers -> headers.setBasicAuth("ann", "a"))
                .retrieve()
                .bodyToMono(List.class)
                .block(LIMIT);
        assertThat(seen).isEqualTo(List.of("body ann", "task ann", "child ann", "thread ann"));
        assertThat(status("/user", null)).isEqualTo(HttpStatus.UNAUTHORIZED);
    }

    @Test
    void aGuardedBodyRunsForThoseOnlyWhoMayRunIt() {
        Guarded guarded = context.getBean(Guarded.class);
        assertThat(status("/admin", "bob:b")).isEqualTo(HttpStatus.FORBIDDEN);
        assertThat(guarded.runs()).isZero();
        assertThat(status("/admin", "ann:a")).isEqualTo(HttpStatus.OK);
        assertThat(guarded.runs()).isOne();
    }

    private static HttpStatusCode status(String page, String login) {
        return client.get()
                .uri(page)
                .headers(headers -> {
                    if (login != null) {
                        String[] parts = login.split(":");
                        headers.setBasicAuth(parts[0], parts[1]);
                    }
                })
                .exchangeToMono(response -> response.releaseBody().thenReturn(response.statusCode()))
                .block(LIMIT);
    }

    @Test
    void aCachedBodyRunsOncePerKeyUnlessItFails() {
        Prices prices = context.getBean(Prices.class);
        int first = prices.price("Emma").block(LIMIT);
        assertThat(prices.price("Emma").block(LIMIT)).isEqualTo(first);
        assertThat(prices.price("Persuasion").block(LIMIT)).isNotEqualTo(first);
        int before = prices.runs();
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> prices.price("none").block(LIMIT)).hasMessage("No such book");
        }
        assertThat(prices.runs()).as("a failure is not kept").isEqualTo(before + 2);
    }

    @Test
    void aSynchronizedCacheRunsOneBodyForCallersAtTheSameTime() {
        Prices prices = context.getBean(Prices.class);
        CompletableFuture<Integer> one = prices.shared("Emma").toFuture();
        CompletableFuture<Integer> other = prices.shared("Emma").toFuture();
        assertThat(one).succeedsWithin(LIMIT);
        assertThat(other).succeedsWithin(LIMIT).isEqualTo(one.join());
    }

    @Test
    void aBodySeesTheCallersContextUnlessItsCacheIsSynchronized() {
        Prices prices = context.getBean(Prices.class);
        assertThat(prices.buyer("Emma")
                        .contextWrite(context -> context.put("user", "ann"))
                        .block(LIMIT))
                .isEqualTo("ann");
        assertThat(prices.sharedBuyer("Emma")
                        .contextWrite(context -> context.put("user", "ann"))
                        .block(LIMIT))
                .isEqualTo("nobody");
    }

    @Test
    void aCircuitBreakerKeepsBodiesFromRunningAfterFailures() {
        CircuitBreaker breaker = CircuitBreaker.of(
                "supplier",
                CircuitBreakerConfig.custom()
                        .slidingWindowSize(2)
                        .minimumNumberOfCalls(2)
                        .build());
        AtomicInteger runs = new AtomicInteger();
        Mono<String> offer = Mono.<String>from(async(() -> {
                    runs.incrementAndGet();
                    await(sleep(Duration.ofMillis(1)));
                    throw new IllegalStateException("No supplier");
                }))
                .transformDeferred(CircuitBreakerOperator.of(breaker));
        Mono<String> caller = async(() -> await(offer));
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> caller.block(LIMIT)).hasMessage("No supplier");
        }
        assertThatThrownBy(() -> caller.block(LIMIT)).isInstanceOf(CallNotPermittedException.class);
        assertThat(runs).hasValue(2);
    }

    @Test
    void aCancelledBodyGivesItsCallBackToAHalfOpenCircuitBreaker() {
        CircuitBreaker breaker = CircuitBreaker.of(
                "supplier",
                CircuitBreakerConfig.custom()
                        .permittedNumberOfCallsInHalfOpenState(1)
                        .build());
        breaker.transitionToOpenState();
        breaker.transitionToHalfOpenState();
        CompletableFuture<String> begun = new CompletableFuture<>();
        CompletableFuture<String> cancelled = new CompletableFuture<>();
        Mono<String> slow = async(() -> {
            begun.complete("begun");
            try {
                return await(sleep(Duration.ofHours(1), "never"));
            } catch (CancelledException e) {
                cancelled.complete("cancelled");
                throw e;
            }
        });
        Disposable call =
                slow.transformDeferred(CircuitBreakerOperator.of(breaker)).subscribe();
        assertThat(begun).succeedsWithin(LIMIT);
        call.dispose();
        assertThat(cancelled).succeedsWithin(LIMIT);
        assertThat(async(() -> "works")
                        .transformDeferred(CircuitBreakerOperator.of(breaker))
                        .block(LIMIT))
                .isEqualTo("works");
    }

    @Test
    void aBodyAnswersTheMessagesOfAWebSocket() {
        List<String> answers = new ArrayList<>();
        new ReactorNettyWebSocketClient()
                .execute(
                        URI.create("ws://localhost:" + port + "/echo"),
                        session -> async(() -> {
                            try (AsyncIterator<String> received =
                                    iterate(session.receive().map(WebSocketMessage::getPayloadAsText))) {
                                for (String word : List.of("one", "two")) {
                                    await(session.send(Mono.just(session.textMessage(word))));
                                    answers.add(await(received.next()));
                                }
                            }
                            await(session.close());
                        }))
                .block(LIMIT);
        assertThat(answers).containsExactly("You said one", "You said two");
        assertThat(context.getBean(Echo.class).ended).succeedsWithin(LIMIT).isEqualTo("closed by the client");
    }
}
