package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.metrics.TaskObservations;
import io.micrometer.common.KeyValue;
import io.micrometer.context.ContextRegistry;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.ObservationView;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/** Observations around named tasks, and their children. */
@Timeout(60)
class TaskObservationsTest {
    private final EventLoop loop = EventLoop.newEventLoop();
    private final ObservationRegistry registry = ObservationRegistry.create();
    private final List<String> stopped = new CopyOnWriteArrayList<>();

    @BeforeEach
    void register() {
        registry.observationConfig().observationHandler(new ObservationHandler<Observation.Context>() {
            @Override
            public boolean supportsContext(Observation.Context context) {
                return true;
            }

            @Override
            public void onStop(Observation.Context context) {
                ObservationView parent = context.getParentObservation();
                KeyValue outcome = context.getLowCardinalityKeyValue("outcome");
                stopped.add(context.getName() + " " + context.getContextualName()
                        + (parent == null
                                ? ""
                                : " in " + parent.getContextView().getContextualName())
                        + (outcome == null ? "" : " " + outcome.getValue())
                        + (context.getError() == null
                                ? ""
                                : " " + context.getError().getMessage()));
            }
        });
        ContextRegistry.getInstance().registerThreadLocalAccessor(new ObservationThreadLocalAccessor(registry));
    }

    @AfterEach
    void close() {
        ContextRegistry.getInstance().removeThreadLocalAccessor(ObservationThreadLocalAccessor.KEY);
        loop.close();
    }

    @Test
    void namedTasksAreObservedToTheirEndsWithTheirOutcomes() throws Exception {
        TaskObservations.bindTo(registry, loop);
        loop.runUntilComplete(async(() -> {
            await(createTask(Mono.just(1), "mono"));
            await(loop.createTask(async(() -> 2), TaskOptions.named("eager").withEager(true)));
            await(createTask(async(() -> 3))); // without a name
            Task<Integer> fails = createTask(
                    async(() -> {
                        throw new IOException("boom");
                    }),
                    "fails");
            assertThatThrownBy(() -> await(fails)).hasMessage("boom");
            Task<Void> cut = createTask(sleep(Duration.ofHours(1)), "cut");
            await(sleep(Duration.ZERO));
            await(cut.cancelAndJoin());
        }));
        assertThat(stopped)
                .containsExactly(
                        "asyncio.task mono result",
                        "asyncio.task eager result",
                        "asyncio.task fails exception boom",
                        "asyncio.task cut cancelled");
    }

    @Test
    void theObservationIsCurrentInBodiesThreadsAndUnnamedChildrenAndTheParentOfNamedOnes() throws Exception {
        TaskObservations.bindTo(registry, loop);
        Observation request = Observation.createNotStarted("request", registry)
                .contextualName("GET")
                .start();
        Task<Void> outer = loop.createTask(
                async(() -> {
                    Observation own = registry.getCurrentObservation();
                    assertThat(own.getContextView().getContextualName()).isEqualTo("outer");
                    await(sleep(Duration.ofMillis(1)));
                    assertThat(registry.getCurrentObservation()).isSameAs(own);
                    assertThat(await(toThread(registry::getCurrentObservation))).isSameAs(own);
                    assertThat(await(createTask(async(registry::getCurrentObservation))))
                            .isSameAs(own);
                    await(TaskGroup.scopeBody(group -> {
                        group.createTask(
                                async(() -> {
                                    await(sleep(Duration.ofMillis(1)));
                                    Observation child = registry.getCurrentObservation();
                                    assertThat(child.getContextView().getParentObservation())
                                            .isSameAs(own);
                                    await(createTask(sleep(Duration.ZERO), "grandchild"));
                                }),
                                "child");
                        return null;
                    }));
                    assertThat(registry.getCurrentObservation()).isSameAs(own);
                }),
                "outer",
                Context.of(ObservationThreadLocalAccessor.KEY, request));
        loop.runUntilComplete(outer);
        request.stop();
        assertThat(stopped)
                .containsExactly(
                        "asyncio.task grandchild in child result",
                        "asyncio.task child in outer result",
                        "asyncio.task outer in GET result",
                        "request GET");
        assertThat(registry.getCurrentObservation()).isNull();
    }

    @Test
    void whatIsUnderWayIsObservedToItsEndAfterTheBindingHasEnded() throws Exception {
        TaskObservations observations = TaskObservations.bindTo(registry, loop);
        Task<Void> before = loop.createTask(sleep(Duration.ofMillis(5)), "before");
        observations.dispose();
        assertThat(observations.isDisposed()).isTrue();
        assertThat(loop.getTaskFactory()).isNull();
        loop.runUntilComplete(loop.createTask(sleep(Duration.ofMillis(10)), "after"));
        assertThat(before.done()).isTrue();
        assertThat(stopped).containsExactly("asyncio.task before result");
        assertThat(loop.events.listeners.none()).isTrue();
    }

    @Test
    void aTaskThatCannotBeMadeEndsItsObservationWithTheReason() {
        loop.setTaskFactory(new TaskFactory() {
            @Override
            public <T> Task<T> newTask(EventLoop loop, Mono<? extends T> coroutine, TaskOptions options) {
                throw new IllegalStateException("no more tasks");
            }
        });
        TaskObservations.bindTo(registry, loop);
        assertThatThrownBy(() -> loop.createTask(Mono.just(1), "refused")).hasMessage("no more tasks");
        assertThat(stopped).containsExactly("asyncio.task refused no more tasks");
    }
}
