package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.shield;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.context.ContextRegistry;
import io.micrometer.context.ThreadLocalAccessor;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.Context;

/** ThreadLocals known to context-propagation, in all code that the kernel runs on behalf of a subscriber. */
class ContextPropagationTest {
    private static final ThreadLocal<String> TRACE = new ThreadLocal<>();
    /** Like MDC: a map that is copied on each read. */
    private static final ThreadLocal<Map<String, String>> MDC = new ThreadLocal<>();

    private static final Context T1 = Context.of("trace", "t1", "mdc", Map.of("user", "ann"));

    @BeforeEach
    void register() {
        ContextRegistry.getInstance()
                .registerThreadLocalAccessor("trace", TRACE)
                .registerThreadLocalAccessor(new MdcAccessor());
    }

    @AfterEach
    void remove() {
        Hooks.disableAutomaticContextPropagation();
        ContextRegistry.getInstance().removeThreadLocalAccessor("trace");
        ContextRegistry.getInstance().removeThreadLocalAccessor("mdc");
        ContextRegistry.getInstance().removeThreadLocalAccessor(ObservationThreadLocalAccessor.KEY);
        TRACE.remove();
        MDC.remove();
        EventLoop.shutdownShared(Duration.ofSeconds(20));
    }

    private static class MdcAccessor implements ThreadLocalAccessor<Map<String, String>> {
        @Override
        public Object key() {
            return "mdc";
        }

        @Override
        public Map<String, String> getValue() {
            Map<String, String> map = MDC.get();
            return map == null ? null : Map.copyOf(map);
        }

        @Override
        public void setValue(Map<String, String> value) {
            MDC.set(value);
        }

        @Override
        public void setValue() {
            MDC.remove();
        }
    }

    private static String seen() {
        Map<String, String> map = MDC.get();
        return map == null ? TRACE.get() : TRACE.get() + map;
    }

    private static final String RIGHT = "t1{user=ann}";

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aBodySeesThoseOfItsSubscribersContextBeforeAndAfterItsAwaits(boolean automatic) {
        automatic(automatic);
        Mono<List<String>> body = async(() -> {
            List<String> seen = new ArrayList<>();
            seen.add(seen());
            await(sleep(Duration.ZERO));
            seen.add(seen());
            await(sleep(Duration.ofMillis(1)));
            seen.add(seen());
            await(Mono.delay(Duration.ofMillis(1)));
            seen.add(seen());
            seen.add(await(Mono.fromCallable(ContextPropagationTest::seen)));
            seen.add(await(Mono.just(1).map(x -> seen())));
            seen.add(await(async(ContextPropagationTest::seen)));
            seen.add(await(TaskGroup.scopeBody(group -> {
                await(sleep(Duration.ZERO));
                return seen();
            })));
            return seen;
        });
        assertThat(body.contextWrite(T1).block()).hasSize(8).containsOnly(RIGHT);
        assertThat(seen()).isNull();
    }

    @Test
    void aCallbackThatIsRunAtOnceHasTheContextAndItsThreadLocals() throws Exception {
        List<String> seen = new ArrayList<>();
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            TRACE.set("the body's");
            loop.runInContext(
                    () -> seen.add(TRACE.get() + " " + Asyncio.currentContext().get("trace")), T1);
            seen.add(TRACE.get() + " " + Asyncio.currentContext().hasKey("trace"));
            assertThatThrownBy(() -> loop.runInContext(
                            () -> {
                                throw new ArithmeticException();
                            },
                            T1))
                    .isInstanceOf(ArithmeticException.class);
            seen.add(TRACE.get() + " " + Asyncio.currentContext().hasKey("trace"));
            TRACE.remove();
            await(toThread(() -> {
                assertThatThrownBy(() -> loop.runInContext(() -> seen.add("wrong"), T1))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("callSoonThreadsafe");
                return null;
            }));
        });
        assertThat(seen).containsExactly("t1 t1", "the body's false", "the body's false");
    }

    @Test
    void whatABodyAwaitsSeesThemInItsOperatorsIfReactorPropagates() {
        automatic(true);
        Mono<List<String>> body = async(() -> {
            Future<Integer> future = EventLoop.getRunningLoop().createFuture();
            EventLoop.getRunningLoop().callSoon(() -> future.setResult(1));
            List<String> seen = new ArrayList<>();
            seen.add(await(sleep(Duration.ofMillis(1), 1).map(x -> seen())));
            seen.add(await(future.map(x -> seen())));
            seen.add(await(future.map(x -> seen())));
            seen.add(await(Mono.delay(Duration.ofMillis(1)).map(x -> seen())));
            seen.add(await(Mono.just(1).publishOn(Schedulers.parallel()).map(x -> seen())));
            seen.add(await(Mono.just(1)
                    .delayElement(
                            Duration.ofMillis(1), EventLoop.getRunningLoop().scheduler())
                    .map(x -> seen())));
            seen.add(await(toThread(() -> 1).map(x -> seen())));
            seen.add(await(createTask(sleep(Duration.ofMillis(1), 1).map(x -> seen()))));
            seen.add(await(gather(sleep(Duration.ofMillis(1)), future).map(x -> seen())));
            return seen;
        });
        assertThat(body.contextWrite(T1).block()).hasSize(9).containsOnly(RIGHT);
    }

    @Test
    void tasksCallbacksAndThreadsThatABodyStartsSeeThem() {
        Mono<List<String>> body = async(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            List<String> seen = Collections.synchronizedList(new ArrayList<>());
            Runnable look = () -> seen.add(seen());
            await(createTask(async(look::run)));
            await(createTask(Mono.fromRunnable(look)));
            await(createTask(async(look::run), TaskOptions.DEFAULTS.withEager(true)));
            await(createTask(Mono.fromRunnable(look), TaskOptions.DEFAULTS.withEager(true)));
            await(createTask(TaskGroup.scope(group -> {
                look.run();
                return group.createTask(Mono.fromRunnable(look));
            })));
            await(gather(async(look::run), Mono.fromRunnable(look)));
            await(shield(async(look::run)));
            await(toThread(look::run));
            await(loop.runInExecutor(null, () -> {
                look.run();
                return null;
            }));
            loop.callSoon(look);
            loop.callSoonThreadsafe(look);
            loop.callLater(Duration.ofNanos(1), look);
            Future<Integer> future = loop.createFuture();
            future.addDoneCallback(done -> look.run());
            new Future<Integer>().addDoneCallback(done -> look.run());
            future.setResult(1);
            await(sleep(Duration.ofMillis(5)));
            assertThat(seen()).isEqualTo(RIGHT);
            return seen;
        });
        assertThat(body.contextWrite(T1).block()).hasSize(15).containsOnly(RIGHT);
    }

    @Test
    void anEagerTaskInAnotherContextLeavesTheCallerItsOwn() {
        Mono<List<String>> body = async(() -> {
            List<String> seen = new ArrayList<>();
            EventLoop loop = EventLoop.getRunningLoop();
            for (Mono<?> child :
                    List.<Mono<?>>of(async(() -> seen.add(seen())), Mono.fromRunnable(() -> seen.add(seen())))) {
                loop.createTask(child, new TaskOptions(null, Context.of("trace", "t2"), true));
                seen.add(seen());
                loop.createTask(child, new TaskOptions(null, Context.empty(), true));
                seen.add(seen());
            }
            return seen;
        });
        assertThat(body.contextWrite(T1).block()).containsExactly("t2", RIGHT, null, RIGHT, "t2", RIGHT, null, RIGHT);
    }

    @Test
    void whatABodySetsItselfStaysWithItAndIsThereAfterAnAwait() throws Exception {
        Asyncio.run(async(() -> {
                    TRACE.set("own");
                    List<String> seen = new ArrayList<>();
                    EventLoop.getRunningLoop().callSoon(() -> seen.add(TRACE.get()));
                    await(createTask(async(() -> seen.add(TRACE.get()))));
                    await(createTask(Mono.fromRunnable(() -> seen.add(TRACE.get()))));
                    createTask(Mono.fromRunnable(() -> seen.add(TRACE.get())), TaskOptions.DEFAULTS.withEager(true));
                    assertThat(TRACE.get()).isEqualTo("own");
                    await(toThread(() -> seen.add(TRACE.get())));
                    assertThat(seen).hasSize(5).containsOnly("t1");
                    assertThat(TRACE.get()).isEqualTo("own");
                })
                .contextWrite(T1));
        assertThat(TRACE.get()).isNull();
    }

    @Test
    void aCallbackThatLeavesAThreadLocalBehindLeavesItToNobody() throws Exception {
        Asyncio.run(() -> {
            List<String> seen = new ArrayList<>();
            EventLoop loop = EventLoop.getRunningLoop();
            loop.callSoon(() -> TRACE.set("left"));
            loop.callSoon(() -> seen.add(TRACE.get()));
            loop.netty().execute(() -> seen.add(TRACE.get()));
            await(toThread(() -> TRACE.set("left")));
            for (int i = 0; i < 10; i++) {
                await(toThread(() -> seen.add(TRACE.get())));
            }
            assertThat(seen).hasSize(12).containsOnlyNulls();
        });
    }

    @Test
    void cleanUpAfterACancellationSeesThem() throws Exception {
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Task<Void> body = loop.createTask(
                    async(() -> {
                        try {
                            await(new Future<Void>());
                        } finally {
                            seen.add(seen());
                            await(sleep(Duration.ofMillis(1)));
                            seen.add(seen());
                        }
                    }),
                    null,
                    T1);
            Task<Object> mono = loop.createTask(Mono.never().doOnCancel(() -> seen.add(seen())), null, T1);
            Task<Object> scope = loop.createTask(
                    TaskGroup.scope(group -> Mono.never().doOnCancel(() -> seen.add(seen()))), null, T1);
            await(sleep(Duration.ZERO));
            await(gather(List.of(body.cancelAndJoin(), mono.cancelAndJoin(), scope.cancelAndJoin())));
            assertThat(seen()).isNull();
        });
        assertThat(seen).hasSize(4).containsOnly(RIGHT);
    }

    @Test
    void theExceptionHandlerSeesThoseOfTheTaskOrCallbackThatFailed() throws Exception {
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            loop.setExceptionHandler((where, what) -> seen.add(seen()));
            loop.callSoon(
                    () -> {
                        throw new IllegalStateException("test");
                    },
                    T1);
            Future<Integer> future = loop.createFuture();
            future.addDoneCallback(
                    done -> {
                        throw new IllegalStateException("test");
                    },
                    T1);
            future.setResult(1);
            await(sleep(Duration.ofMillis(1)));
        });
        assertThat(seen).containsExactly(RIGHT, RIGHT);
    }

    @Test
    void plainCodeHandsItsOwnOnToWhatItStartsOnALoop() throws Exception {
        TRACE.set("main");
        Asyncio.run(() -> {
            assertThat(TRACE.get()).isEqualTo("main");
            assertThat(await(toThread(TRACE::get))).isEqualTo("main");
        });
        CompletableFuture<String> soon = new CompletableFuture<>();
        try (LoopThread thread = new LoopThread()) {
            TRACE.set("caller");
            thread.loop.callSoonThreadsafe(() -> soon.complete(TRACE.get()));
            assertThat(soon.get()).isEqualTo("caller");
            assertThat(Asyncio.<String>runThreadsafe(async(TRACE::get), thread.loop)
                            .get())
                    .isEqualTo("caller");
            thread.loop.setTaskFactory(Asyncio::eagerTaskFactory);
            assertThat(Asyncio.<String>runThreadsafe(async(TRACE::get), thread.loop)
                            .get())
                    .isEqualTo("caller");
        }
        assertThat(TRACE.get()).isEqualTo("caller");
    }

    @Test
    void aProgramsThreadIsLeftAsItWas() throws Exception {
        TRACE.set("main");
        Asyncio.run(async(() -> {
                    EventLoop.getRunningLoop().callSoon(() -> TRACE.set("callback"));
                    TRACE.set("body");
                    await(sleep(Duration.ofMillis(1)));
                })
                .contextWrite(T1));
        assertThat(seen()).isEqualTo("main");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void amongManyRequestsNobodySeesAnothersValue(boolean automatic) {
        automatic(automatic);
        List<String> wrong = Collections.synchronizedList(new ArrayList<>());
        AtomicInteger looked = new AtomicInteger();
        List<Integer> ends = Flux.range(0, 400)
                .flatMap(
                        i -> {
                            String mine = i % 5 == 0 ? null : "request " + i;
                            Mono<Integer> request = request(i, mine, wrong, looked);
                            return mine == null ? request : request.contextWrite(Context.of("trace", mine));
                        },
                        100)
                .collectList()
                .block(Duration.ofSeconds(60));
        assertThat(wrong).isEmpty();
        assertThat(ends).hasSize(400);
        assertThat(looked.get()).isGreaterThan(400 * 12);
    }

    private static Mono<Integer> request(int number, String mine, List<String> wrong, AtomicInteger looked) {
        Consumer<String> look = where -> {
            looked.incrementAndGet();
            if (!java.util.Objects.equals(TRACE.get(), mine)) {
                wrong.add(where + " of " + mine + " saw " + TRACE.get());
            }
        };
        return async(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            look.accept("a body");
            Task<Void> child = createTask(async(() -> {
                look.accept("a child");
                await(sleep(Duration.ofNanos(ThreadLocalRandom.current().nextInt(1_000_000))));
                look.accept("a child after an await");
            }));
            Task<Integer> cancelled = createTask(async(() -> {
                try {
                    await(new Future<Void>());
                } finally {
                    look.accept("a finally");
                    await(sleep(Duration.ZERO));
                    look.accept("a finally after an await");
                }
                return 1;
            }));
            await(sleep(Duration.ZERO));
            look.accept("a body after a tick");
            loop.callSoon(() -> look.accept("a callback"));
            cancelled.addDoneCallback(done -> look.accept("a done callback"));
            cancelled.cancel();
            await(toThread(() -> look.accept("a thread")));
            await(TaskGroup.scopeBody(group -> {
                group.createTask(Mono.fromRunnable(() -> look.accept("a Mono of a group")));
                group.createTask(async(() -> look.accept("a body of a group")));
                await(sleep(Duration.ZERO));
                look.accept("a group's body");
                return 1;
            }));
            createTask(Mono.fromRunnable(() -> look.accept("eager")), TaskOptions.DEFAULTS.withEager(true));
            await(async(() -> {
                        if (!"inner".equals(TRACE.get())) {
                            wrong.add("a nested body saw " + TRACE.get());
                        }
                    })
                    .contextWrite(Context.of("trace", "inner")));
            look.accept("a body after a nested one");
            await(Mono.delay(Duration.ofNanos(1)));
            await(child);
            look.accept("a body after a child");
            return number;
        });
    }

    @Test
    void anObservationIsCurrentInABodyAndItsScopesAreClosed() {
        ObservationRegistry registry = ObservationRegistry.create();
        AtomicInteger opened = new AtomicInteger();
        AtomicInteger closed = new AtomicInteger();
        Map<Thread, List<String>> scopes = new ConcurrentHashMap<>();
        registry.observationConfig().observationHandler(new ObservationHandler<Observation.Context>() {
            @Override
            public boolean supportsContext(Observation.Context context) {
                return true;
            }

            @Override
            public void onScopeOpened(Observation.Context context) {
                opened.incrementAndGet();
                scopes.computeIfAbsent(Thread.currentThread(), thread -> new ArrayList<>())
                        .add(context.getName());
            }

            @Override
            public void onScopeClosed(Observation.Context context) {
                closed.incrementAndGet();
                List<String> open = scopes.get(Thread.currentThread());
                assertThat(open.remove(open.size() - 1)).isEqualTo(context.getName());
            }
        });
        ContextRegistry.getInstance().registerThreadLocalAccessor(new ObservationThreadLocalAccessor(registry));
        automatic(true);
        Observation request = Observation.start("request", registry);
        Mono<Observation> body = async(() -> {
            assertThat(registry.getCurrentObservation()).isSameAs(request);
            Observation inner = Observation.start("inner", registry);
            assertThat(inner.getContextView().getParentObservation()).isSameAs(request);
            try (Observation.Scope scope = inner.openScope()) {
                await(sleep(Duration.ofMillis(1)));
                assertThat(registry.getCurrentObservation()).isSameAs(inner);
                assertThat(await(createTask(async(registry::getCurrentObservation))))
                        .isSameAs(request);
                assertThat(await(createTask(async(registry::getCurrentObservation))
                                .contextCapture()))
                        .isSameAs(request);
                assertThat(await(async(registry::getCurrentObservation).contextCapture()))
                        .isSameAs(inner);
            }
            await(toThread(() -> assertThat(registry.getCurrentObservation()).isSameAs(request)));
            assertThatThrownBy(() -> await(createTask(async(() -> {
                        throw new IOException("test");
                    }))))
                    .hasMessage("test");
            return registry.getCurrentObservation();
        });
        assertThat(body.contextWrite(Context.of(ObservationThreadLocalAccessor.KEY, request))
                        .block())
                .isSameAs(request);
        EventLoop.shutdownShared(Duration.ofSeconds(20));
        assertThat(registry.getCurrentObservation()).isNull();
        assertThat(opened.get()).isGreaterThan(5);
        assertThat(closed).hasValue(opened.get());
        assertThat(scopes.values()).allSatisfy(open -> assertThat(open).isEmpty());
    }

    @Test
    void anAccessorThatFailsIsLoggedAndStopsNothing() throws Exception {
        ContextRegistry.getInstance().registerThreadLocalAccessor(new MdcAccessor() {
            @Override
            public void setValue(Map<String, String> value) {
                throw new IllegalStateException("test");
            }
        });
        try (LogCapture log = new LogCapture()) {
            assertThat(Asyncio.run(async(TRACE::get).contextWrite(T1))).isEqualTo("t1");
            assertThat(log.messages())
                    .anySatisfy(message -> assertThat(message).startsWith("Cannot restore the ThreadLocal"));
        }
    }

    private static void automatic(boolean on) {
        if (on) {
            Hooks.enableAutomaticContextPropagation();
        }
    }
}
