package asyncio.spring;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.springframework.boot.WebApplicationType.NONE;
import static org.springframework.boot.WebApplicationType.REACTIVE;

import asyncio.EventLoop;
import asyncio.SharedLoops;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.http.client.ReactorResourceFactory;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Mono;

/** Contexts that come and go in one process, and the servers on their loops. */
@Timeout(60)
class LeasedLoopsTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @RestController
    static class Pages {
        private final WebClient client;
        final CompletableFuture<String> started = new CompletableFuture<>();
        final CompletableFuture<String> cleaned = new CompletableFuture<>();

        Pages(WebClient.Builder clients) {
            client = clients.build();
        }

        /** Names of the loops of the handler, of the body, and of the code after an await of the client's answer. */
        @GetMapping("/loops")
        Mono<String> loops(org.springframework.http.server.reactive.ServerHttpRequest request) {
            String handler = EventLoop.getRunningLoop().getName();
            int port = request.getURI().getPort();
            return async(() -> {
                String other = await(client.get()
                        .uri("http://localhost:" + port + "/loop")
                        .retrieve()
                        .bodyToMono(String.class));
                return handler + " " + EventLoop.getRunningLoop().getName() + " " + other;
            });
        }

        @GetMapping("/loop")
        String loop() {
            return EventLoop.getRunningLoop().getName();
        }

        @GetMapping("/forgotten")
        Mono<String> forgotten() {
            return async(() -> {
                createTask(async(() -> {
                    try {
                        started.complete("started");
                        await(sleep(Duration.ofHours(1)));
                    } finally {
                        await(sleep(Duration.ofMillis(1)));
                        cleaned.complete("cleaned up");
                    }
                }));
                return await(Mono.fromFuture(started));
            });
        }
    }

    private static String get(ConfigurableApplicationContext context, String path) {
        return Objects.requireNonNull(WebClient.create("http://localhost:" + Contexts.port(context))
                .get()
                .uri(path)
                .retrieve()
                .bodyToMono(String.class)
                .block(LIMIT));
    }

    @Test
    void aServerAndItsClientsRunOnTheLeasedLoopsAndAnotherContextDoesNotDisturbThem() throws Exception {
        ConfigurableApplicationContext first = Contexts.run(REACTIVE, Pages.class);
        SharedLoops loops = first.getBean(SharedLoops.class);
        ConfigurableApplicationContext second = Contexts.run(REACTIVE, Pages.class);
        assertThat(second.getBean(SharedLoops.class)).isSameAs(loops).isSameAs(EventLoop.shared());
        second.close();
        assertThat(loops).allMatch(EventLoop::isRunning);
        String[] names = get(first, "/loops").split(" ");
        assertThat(names[1]).as("the body's loop is its handler's").isEqualTo(names[0]);
        assertThat(List.of(names))
                .allSatisfy(name ->
                        assertThat(loops).anyMatch(loop -> loop.getName().equals(name)));
        get(first, "/forgotten");
        Pages pages = first.getBean(Pages.class);
        first.close();
        assertThat(pages.cleaned).as("the last context cancels what is left").isCompletedWithValue("cleaned up");
        assertThat(loops).allMatch(EventLoop::isClosed);
    }

    @Test
    void aParentsLoopsOutliveTheChild() {
        ConfigurableApplicationContext parent = Contexts.run(NONE, Contexts.Auto.class);
        SharedLoops loops = parent.getBean(SharedLoops.class);
        ConfigurableApplicationContext child = new SpringApplicationBuilder(Contexts.Auto.class, Pages.class)
                .parent(parent)
                .registerShutdownHook(false)
                .run("--server.port=0");
        assertThat(get(child, "/loop")).startsWith("asyncio-");
        child.close();
        assertThat(loops).allMatch(EventLoop::isRunning);
        parent.close();
        assertThat(loops).allMatch(EventLoop::isClosed);
    }

    @Test
    void aContextThatIsStoppedAndStartedKeepsItsLoops() {
        ConfigurableApplicationContext context = Contexts.run(REACTIVE, Pages.class);
        EventLoop injected = context.getBean(EventLoop.class);
        context.stop();
        assertThat(injected.isRunning()).isTrue();
        context.start();
        assertThat(get(context, "/loops").split(" ")).hasSize(3);
        context.close();
        assertThat(injected.isClosed()).isTrue();
    }

    @Test
    void loopsAreInjectedInTurn() {
        try (ConfigurableApplicationContext context = Contexts.run(NONE, Contexts.Auto.class)) {
            SharedLoops loops = context.getBean(SharedLoops.class);
            EventLoop first = context.getBean(EventLoop.class);
            for (int i = 1; i < loops.size(); i++) {
                assertThat(context.getBean(EventLoop.class)).isNotSameAs(first);
            }
            assertThat(context.getBean(EventLoop.class)).isSameAs(first);
        }
    }

    @Test
    void nettyCanBeLeftOnItsOwn() {
        new ApplicationContextRunner()
                .withConfiguration(
                        AutoConfigurations.of(AsyncioAutoConfiguration.class, AsyncioNettyAutoConfiguration.class))
                .withPropertyValues("asyncio.netty.enabled=false")
                .run(context -> assertThat(context.getBeanProvider(ReactorResourceFactory.class)
                                .getIfAvailable())
                        .isNull());
    }

    @Test
    void anApplicationMayBringItsOwnFactory() {
        ReactorResourceFactory own = new ReactorResourceFactory();
        new ApplicationContextRunner()
                .withConfiguration(
                        AutoConfigurations.of(AsyncioAutoConfiguration.class, AsyncioNettyAutoConfiguration.class))
                .withBean("own", ReactorResourceFactory.class, () -> own)
                .run(context -> assertThat(context.getBean(ReactorResourceFactory.class))
                        .isSameAs(own));
    }
}
