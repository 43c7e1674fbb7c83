package asyncio.spring;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.springframework.boot.WebApplicationType.NONE;
import static org.springframework.boot.WebApplicationType.REACTIVE;

import asyncio.EventLoop;
import asyncio.SharedLoops;
import asyncio.Task;
import asyncio.TaskGroup;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.ReactiveHealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Mono;

/** Health and the endpoint of one running application. */
@Timeout(60)
class OperationsTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static ConfigurableApplicationContext context;
    private static WebClient client;

    @BeforeAll
    static void start() {
        context = Contexts.run(
                REACTIVE,
                Contexts.Auto.class,
                "management.endpoints.web.exposure.include=health,asyncio",
                "management.endpoint.health.show-details=always",
                "management.endpoint.health.group.liveness.include=livenessState,asyncio",
                "management.endpoint.asyncio.access=unrestricted");
        client = WebClient.create("http://localhost:" + Contexts.port(context) + "/actuator");
    }

    @AfterAll
    static void stop() {
        context.close();
    }

    private static Map<String, Object> json(String path) {
        return Objects.requireNonNull(client.get()
                .uri(path)
                .accept(MediaType.APPLICATION_JSON)
                .retrieve()
                .bodyToMono(new ParameterizedTypeReference<Map<String, Object>>() {})
                .block(LIMIT));
    }

    @Test
    void loopsThatAnswerAreUp() {
        assertThat(json("/health").toString()).contains("asyncio={details={loops=", "}, status=UP}");
        assertThat(json("/health/liveness").toString()).contains("asyncio={", "status=UP");
    }

    @Test
    void aLoopThatDoesNotAnswerIsDownAndNamed() throws Exception {
        SharedLoops loops = context.getBean(SharedLoops.class);
        ReactiveHealthIndicator health = new LoopsHealthIndicator(loops, Duration.ofMillis(50));
        EventLoop stuck = loops.next();
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        stuck.callSoonThreadsafe(() -> {
            blocked.countDown();
            try {
                release.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        blocked.await();
        Health down = health.health().block(LIMIT);
        release.countDown();
        assertThat(down.getStatus()).isEqualTo(Status.DOWN);
        assertThat(down.getDetails())
                .containsEntry("silent", List.of(stuck.getName()))
                .containsEntry("limit", "PT0.05S");
        assertThat(new LoopsHealthIndicator(loops, LIMIT).health().block(LIMIT).getStatus())
                .isEqualTo(Status.UP);
    }

    @Test
    void theLoopsHaveTheirMetersInTheRegistryWhileTheContextLives() {
        MeterRegistry registry = context.getBean(MeterRegistry.class);
        SharedLoops loops = context.getBean(SharedLoops.class);
        assertThat(loops)
                .allSatisfy(loop -> assertThat(registry.find("asyncio.loop.ticks")
                                .tag("loop", loop.getName())
                                .functionCounter())
                        .isNotNull());
        ConfigurableApplicationContext other = Contexts.run(NONE, Contexts.Auto.class);
        MeterRegistry others = other.getBean(MeterRegistry.class);
        assertThat(others.find("asyncio.loop.ticks").meters()).hasSize(loops.size());
        other.close();
        assertThat(others.find("asyncio.loop.ticks").meters()).isEmpty();
        assertThat(registry.find("asyncio.loop.ticks").meters()).hasSize(loops.size());
    }

    @Test
    void metersCanBeLeftOut() {
        try (ConfigurableApplicationContext other =
                Contexts.run(NONE, Contexts.Auto.class, "asyncio.metrics.enabled=false")) {
            assertThat(other.getBean(MeterRegistry.class)
                            .find("asyncio.loop.ticks")
                            .meters())
                    .isEmpty();
        }
    }

    /** A group in which one task waits for another. */
    private static Task<?> startFamily(String name, CountDownLatch waiting) {
        return context.getBean(EventLoop.class)
                .createTask(
                        TaskGroup.scopeBody(group -> {
                            Task<Object> child = group.createTask(
                                    async(() -> {
                                        waiting.countDown();
                                        return await(sleep(Duration.ofHours(1)));
                                    }),
                                    name + "'s child");
                            return await(child);
                        }),
                        name);
    }

    @Test
    @SuppressWarnings("unchecked")
    void theEndpointShowsATaskBelowTheOneThatWaitsForIt() throws Exception {
        CountDownLatch waiting = new CountDownLatch(1);
        Task<?> parent = startFamily("parent", waiting);
        waiting.await();
        List<Map<String, Object>> loops =
                (List<Map<String, Object>>) json("/asyncio?stacks=1").get("loops");
        Map<String, Object> root = loops.stream()
                .flatMap(loop -> ((List<Map<String, Object>>) loop.get("tasks")).stream())
                .filter(task -> task.get("name").equals("parent"))
                .findFirst()
                .orElseThrow();
        assertThat(root.get("state")).isEqualTo("waiting");
        assertThat((List<Map<String, Object>>) root.get("children"))
                .singleElement()
                .satisfies(child -> assertThat(child.get("name")).isEqualTo("parent's child"))
                .satisfies(child -> assertThat((List<String>) child.get("stack"))
                        .singleElement()
                        .asString()
                        .contains("OperationsTest"));
        String text = client.get()
                .uri("/asyncio")
                .accept(MediaType.TEXT_PLAIN)
                .retrieve()
                .bodyToMono(String.class)
                .block(LIMIT);
        assertThat(text).contains("parent waits for", "  - parent's child waits for sleep");
        parent.cancel();
    }

    private static int size(List<AsyncioEndpoint.TaskNode> tasks) {
        return tasks.stream().mapToInt(task -> 1 + size(task.children())).sum();
    }

    @Test
    void aTreeOfManyPathsAndOneThatIsDeepStaySmall() throws Exception {
        EventLoop loop = context.getBean(EventLoop.class);
        CompletableFuture<String> end = new CompletableFuture<>();
        int layers = 300; // with 2^layers paths
        CompletableFuture<List<Task<?>>> made = new CompletableFuture<>();
        loop.callSoonThreadsafe(() -> {
            List<Task<?>> all = new ArrayList<>();
            Mono<?> left = Mono.fromFuture(end, true);
            Mono<?> right = left;
            for (int i = 0; i < layers; i++) {
                Task<?> a = loop.createTask(gather(List.of(left, right)), "layer " + i);
                Task<?> b = loop.createTask(gather(List.of(left, right)), "layer " + i);
                all.add(a);
                all.add(b);
                left = a;
                right = b;
            }
            loop.callSoon(() -> made.complete(all));
        });
        List<Task<?>> all = made.join();
        AsyncioEndpoint.LoopNode node = new AsyncioEndpoint()
                .tasks(0).loops().stream()
                        .filter(one -> one.name().equals(loop.getName()))
                        .findFirst()
                        .orElseThrow();
        assertThat(size(node.tasks())).isBetween(all.size(), 4 * all.size() + 100);
        assertThat(node.tasks()).as("roots").hasSizeLessThan(all.size() / 4);
        assertThat(json("/asyncio?stacks=0")).containsKey("loops");
        end.complete("end");
        assertThat(all.get(all.size() - 1).toFuture()).succeedsWithin(LIMIT);
    }

    private static HttpStatusCode cancel(String name) {
        return Objects.requireNonNull(client.post()
                .uri("/asyncio/{name}", name)
                .exchangeToMono(response -> Mono.just(response.statusCode()))
                .block(LIMIT));
    }

    @Test
    void aTaskIsCancelledByItsName() throws Exception {
        CountDownLatch waiting = new CountDownLatch(1);
        Task<?> parent = startFamily("unwanted", waiting);
        waiting.await();
        CompletableFuture<Boolean> ended = new CompletableFuture<>();
        parent.addDoneCallback(done -> ended.complete(done.cancelled()));
        assertThat(cancel("unwanted").value()).isEqualTo(200);
        assertThat(ended).succeedsWithin(LIMIT).isEqualTo(true);
        assertThat(cancel("nobody").value()).isEqualTo(404);
    }
}
