package asyncio;

import static asyncio.Asyncio.await;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Field;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Fuseable;
import reactor.core.Scannable;
import reactor.core.publisher.ConnectableFlux;
import reactor.core.publisher.Flux;
import reactor.core.publisher.GroupedFlux;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.publisher.ParallelFlux;
import reactor.core.publisher.Signal;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.util.context.Context;

/** Operators wrapped by {@link OperatorTracking} behave as before: a program cannot tell the difference. */
@Timeout(120)
class TrackedOperatorsTest {
    @BeforeEach
    void on() {
        EventLoop.trackOperators(true);
    }

    @AfterEach
    void off() {
        EventLoop.trackOperators(false);
    }

    /** Returns every property by which a program could distinguish an operator, its signals first. */
    private static String portrait(Supplier<Publisher<?>> chain) throws Exception {
        List<String> portrait = new ArrayList<>();
        Publisher<?> publisher = chain.get();
        portrait.add(
                "Mono " + (publisher instanceof Mono) + ", Fuseable " + (publisher instanceof Fuseable) + ", Callable "
                        + (publisher instanceof Callable) + ", scalar " + (publisher instanceof Fuseable.ScalarCallable)
                        + ", connectable " + (publisher instanceof ConnectableFlux) + ", grouped "
                        + (publisher instanceof GroupedFlux) + ", parallel " + (publisher instanceof ParallelFlux));
        Scannable scannable = Scannable.from(publisher);
        portrait.add("step " + scannable.stepName() + ", name " + scannable.name() + ", tags "
                + scannable.tags().toList()
                + ", run style " + scannable.scan(Scannable.Attr.RUN_STYLE) + ", prefetch "
                + scannable.scan(Scannable.Attr.PREFETCH) + ", string "
                + publisher.toString().replaceAll("@[0-9a-f]+", "@"));
        if (publisher instanceof Callable<?> callable) {
            try {
                portrait.add("called " + callable.call());
            } catch (Exception e) {
                portrait.add("called " + e);
            }
        }
        // in a context, fused by an operator downstream
        portrait.add("signals "
                + signals(flux(publisher)
                        .map(value -> value instanceof Publisher<?> ? "a publisher" : value)
                        .contextWrite(Context.of("key", "value"))));
        // with fusion requested by hand
        for (int mode :
                new int[] {Fuseable.SYNC, Fuseable.ASYNC, Fuseable.ANY, Fuseable.ANY | Fuseable.THREAD_BARRIER}) {
            Fusion fusion = new Fusion(mode);
            flux(chain.get()).subscribe(fusion);
            portrait.add("fusion " + mode + " " + fusion.granted);
        }
        // one at a time, and cancelled after the first
        portrait.add("limited " + signals(flux(chain.get()).limitRate(1).take(1)));
        // as an operator for which others take short cuts
        portrait.add("inner "
                + signals(Flux.range(0, 2).flatMap(i -> {
                    Publisher<?> inner = chain.get();
                    return inner instanceof Mono ? inner : flux(inner);
                })));
        return String.join("\n", portrait);
    }

    private static Flux<?> flux(Publisher<?> publisher) {
        if (publisher instanceof ParallelFlux<?> parallel) {
            return parallel.sequential();
        }
        return publisher instanceof ConnectableFlux<?> connectable ? connectable.refCount() : Flux.from(publisher);
    }

    private static List<String> signals(Flux<?> flux) throws Exception {
        return flux.materialize()
                .map(TrackedOperatorsTest::describe)
                .collectList()
                .toFuture()
                .get(60, TimeUnit.SECONDS);
    }

    private static String describe(Signal<?> signal) {
        Object value = signal.get();
        return signal.isOnNext()
                ? "next " + (value instanceof Publisher<?> ? "a publisher" : value)
                : signal.isOnError() ? "error " + signal.getThrowable() : "complete";
    }

    /** Records the fusion that a source grants. */
    private static final class Fusion implements CoreSubscriber<Object> {
        private final int mode;
        private String granted = "no onSubscribe";

        Fusion(int mode) {
            this.mode = mode;
        }

        @Override
        public void onSubscribe(Subscription s) {
            granted = s instanceof Fuseable.QueueSubscription<?> queue
                    ? Fuseable.fusionModeName(queue.requestFusion(mode))
                    : "no queue";
            s.cancel();
        }

        @Override
        public void onNext(Object o) {}

        @Override
        public void onError(Throwable t) {}

        @Override
        public void onComplete() {}
    }

    @TestFactory
    List<DynamicTest> operatorsDoWhatTheyDidWithoutIt() {
        record Case(String name, Supplier<Publisher<?>> chain) {}
        return List.of(
                        new Case("just", () -> Mono.just(1)),
                        new Case("empty", Mono::empty),
                        new Case("error", () -> Mono.error(new IOException("no"))),
                        new Case("justOrEmpty", () -> Mono.justOrEmpty(null)),
                        new Case("fromCallable", () -> Mono.fromCallable(() -> 1)),
                        new Case("fromCallable of null", () -> Mono.fromCallable(() -> null)),
                        new Case(
                                "fromCallable that fails",
                                () -> Mono.fromCallable(() -> {
                                    throw new IOException("no");
                                })),
                        new Case("fromSupplier", () -> Mono.fromSupplier(() -> 1)),
                        new Case("fromRunnable", () -> Mono.fromRunnable(() -> {})),
                        new Case(
                                "a callable as Flux",
                                () -> Mono.fromCallable(() -> 1).flux()),
                        new Case(
                                "single of a callable",
                                () -> Mono.fromCallable(() -> 1).single()),
                        new Case(
                                "singleOptional of a callable",
                                () -> Mono.fromCallable(() -> 1).singleOptional()),
                        new Case(
                                "subscribeOn of a callable",
                                () -> Mono.fromCallable(() -> 1).subscribeOn(Schedulers.parallel())),
                        new Case(
                                "publishOn of a callable",
                                () -> Mono.fromCallable(() -> 1).publishOn(Schedulers.parallel())),
                        new Case("publishOn of a scalar", () -> Mono.just(1).publishOn(Schedulers.parallel())),
                        new Case("map", () -> Mono.just(1).map(i -> i + 1)),
                        new Case("map of hidden", () -> Mono.just(1).hide().map(i -> i + 1)),
                        new Case("map to null", () -> Mono.just(1).map(i -> null)),
                        new Case("handle", () -> Mono.just(1).<Integer>handle((i, sink) -> sink.next(i + 1))),
                        new Case("filter", () -> Mono.just(1).filter(i -> i > 1)),
                        new Case("flatMap to a callable", () -> Mono.just(1).flatMap(i -> Mono.fromCallable(() -> i))),
                        new Case("flatMap to a scalar", () -> Mono.just(1).flatMap(Mono::just)),
                        new Case(
                                "flatMap of a callable",
                                () -> Mono.fromCallable(() -> 1)
                                        .flatMap(i -> Mono.just(i).hide())),
                        new Case("flatMapMany", () -> Mono.just(3).flatMapMany(i -> Flux.range(0, i))),
                        new Case(
                                "flatMapIterable",
                                () -> Mono.just(List.of(1, 2)).flatMapIterable(i -> i)),
                        new Case("zip", () -> Mono.zip(Mono.just(1), Mono.fromCallable(() -> 2))),
                        new Case(
                                "zipWith twice",
                                () -> Mono.just(1)
                                        .zipWith(Mono.just(2), Integer::sum)
                                        .zipWith(Mono.just(3), Integer::sum)),
                        new Case(
                                "then, then",
                                () -> Mono.just(1).then(Mono.just(2)).then(Mono.just(3))),
                        new Case(
                                "then of a failing callable",
                                () -> Mono.fromCallable(() -> {
                                            throw new IOException("no");
                                        })
                                        .then(Mono.just(1))),
                        new Case(
                                "when, and",
                                () -> Mono.when(Mono.just(1)).and(Mono.just(2)).and(Mono.just(3))),
                        new Case("or, or", () -> Mono.just(1).or(Mono.never()).or(Mono.never())),
                        new Case("cache", () -> Mono.just(1).map(i -> i).cache()),
                        new Case("share", () -> Mono.just(1).map(i -> i).share()),
                        new Case("context", () -> Mono.deferContextual(c -> Mono.just(c.getOrDefault("key", "none")))),
                        new Case(
                                "name and tags",
                                () -> Mono.just(1)
                                        .map(i -> i)
                                        .name("one")
                                        .tag("a", "b")
                                        .tag("c", "d")
                                        .map(i -> i)),
                        new Case("checkpoint", () -> Mono.just(1).map(i -> i).checkpoint("check")),
                        new Case(
                                "onErrorReturn",
                                () -> Mono.error(new IOException("no")).onErrorReturn(1)),
                        new Case(
                                "doOn...",
                                () -> Mono.just(1)
                                        .doOnNext(i -> {})
                                        .doOnSuccess(i -> {})
                                        .doOnTerminate(() -> {})),
                        new Case("defaultIfEmpty", () -> Mono.empty().defaultIfEmpty(1)),
                        new Case("Flux.just", () -> Flux.just(1)),
                        new Case("range", () -> Flux.range(0, 5)),
                        new Case(
                                "range mapped and filtered",
                                () -> Flux.range(0, 9).map(i -> i + 1).filter(i -> i % 2 == 0)),
                        new Case(
                                "fromIterable",
                                () -> Flux.fromIterable(List.of(1, 2, 3)).map(i -> i)),
                        new Case("fromArray", () -> Flux.just(1, 2, 3)),
                        new Case("fromStream", () -> Flux.fromStream(() -> List.of(1, 2).stream())),
                        new Case("Flux.flatMap", () -> Flux.range(0, 3).flatMap(i -> Mono.fromCallable(() -> i))),
                        new Case(
                                "flatMap of a callable Flux",
                                () -> Mono.fromCallable(() -> 2).flux().flatMap(i -> Flux.range(0, i))),
                        new Case(
                                "concatMap",
                                () -> Flux.range(0, 3)
                                        .concatMap(i -> Mono.just(i).map(n -> n))),
                        new Case(
                                "concatMap with prefetch",
                                () -> Flux.range(0, 3).concatMap(i -> Mono.just(i), 7)),
                        new Case("concatMapIterable", () -> Flux.range(0, 3).concatMapIterable(i -> List.of(i, i))),
                        new Case(
                                "concatWith twice",
                                () -> Flux.range(0, 3).concatWith(Mono.just(1)).concatWith(Mono.just(2))),
                        new Case(
                                "startWith", () -> Flux.range(0, 3).startWith(7).startWith(8)),
                        new Case(
                                "mergeWith twice",
                                () -> Flux.range(0, 3).mergeWith(Mono.just(1)).mergeWith(Mono.just(2))),
                        new Case(
                                "mergeComparing",
                                () -> Flux.just(1, 3)
                                        .mergeComparingWith(Flux.just(2), Integer::compare)
                                        .mergeComparingWith(Flux.just(4), Integer::compare)),
                        new Case("Flux.zip with scalars", () -> Flux.zip(Flux.range(0, 3), Mono.just(1), Mono.empty())),
                        new Case("zipWith", () -> Flux.range(0, 3).zipWith(Flux.range(3, 3))),
                        new Case("publishOn", () -> Flux.range(0, 300).publishOn(Schedulers.parallel(), 8)),
                        new Case(
                                "onBackpressureBuffer", () -> Flux.range(0, 300).onBackpressureBuffer()),
                        new Case("buffer", () -> Flux.range(0, 9).buffer(4)),
                        new Case("window", () -> Flux.range(0, 9).window(4)),
                        new Case(
                                "groupBy",
                                () -> Flux.range(0, 9).groupBy(i -> i % 2).concatMap(Flux::count)),
                        new Case(
                                "scan and reduce",
                                () -> Flux.range(0, 9).scan(Integer::sum).reduce(Integer::sum)),
                        new Case(
                                "distinct and index",
                                () -> Flux.just(1, 1, 2).distinct().index()),
                        new Case("take and skip", () -> Flux.range(0, 9).take(5).skip(2)),
                        new Case("publish", () -> Flux.range(0, 9).map(i -> i).publish()),
                        new Case("replay", () -> Flux.range(0, 9).map(i -> i).replay(2)),
                        new Case(
                                "refCount",
                                () -> Flux.range(0, 9).map(i -> i).publish().refCount()),
                        new Case(
                                "parallel",
                                () -> Flux.range(0, 9).map(i -> i).parallel(1).map(i -> i + 1)),
                        new Case(
                                "Mono.from(Flux.from(mono))",
                                () -> Mono.from(Flux.from(Mono.just(1).map(i -> i)))),
                        new Case(
                                "Flux.from(Mono.fromDirect(flux))",
                                () -> Flux.from(Mono.fromDirect(Flux.range(0, 1).map(i -> i)))),
                        new Case("using", () -> Flux.using(() -> 1, i -> Flux.range(0, i), i -> {})),
                        new Case(
                                "usingWhen",
                                () -> Mono.usingWhen(Mono.fromCallable(() -> 1), i -> Mono.just(i), i -> Mono.empty())),
                        new Case("switchOnFirst", () -> Flux.range(0, 3).switchOnFirst((first, all) -> all)),
                        new Case("expand", () -> Mono.just(1).expand(i -> i < 4 ? Mono.just(i + 1) : Mono.empty())),
                        new Case("retry", () -> {
                            int[] attempts = new int[1];
                            return Mono.fromCallable(() -> {
                                        if (++attempts[0] % 3 != 0) {
                                            throw new IOException("no");
                                        }
                                        return 1;
                                    })
                                    .retry(5);
                        }),
                        new Case("repeat", () -> Mono.just(1).repeat(2)),
                        new Case(
                                "generate",
                                () -> Flux.<Integer, Integer>generate(() -> 0, (n, sink) -> {
                                    sink.next(n);
                                    if (n == 3) {
                                        sink.complete();
                                    }
                                    return n + 1;
                                })))
                .stream()
                .map(c -> DynamicTest.dynamicTest(c.name, () -> {
                    String tracked = onLoop(c.chain);
                    EventLoop.trackOperators(false);
                    String plain = onLoop(c.chain);
                    EventLoop.trackOperators(true);
                    assertThat(tracked).isEqualTo(plain);
                }))
                .toList();
    }

    private static String onLoop(Supplier<Publisher<?>> chain) throws Exception {
        String[] portrait = new String[1];
        try (LoopThread thread = new LoopThread()) {
            Asyncio.runThreadsafe(Mono.fromCallable(() -> portrait[0] = portrait(chain)), thread.loop)
                    .get();
        }
        return portrait[0];
    }

    // ---- hooks

    private static String assembledOnLoop() throws Exception {
        String[] name = new String[1];
        Asyncio.run(() -> {
            Mono<Integer> mono = Mono.just(1).map(i -> i + 1);
            name[0] = mono.getClass().getSimpleName();
            await(mono);
        });
        return name[0];
    }

    @Test
    void turnedOffItLeavesNoHookBehindAndTouchesNoOthers() throws Exception {
        EventLoop.trackOperators(true); // a second call changes nothing
        assertThat(assembledOnLoop()).isEqualTo("FuseableMono");
        List<String> seen = new ArrayList<>();
        Hooks.onEachOperator("another", publisher -> {
            seen.add(publisher.getClass().getSimpleName());
            return publisher;
        });
        try {
            assertThat(assembledOnLoop()).isEqualTo("FuseableMono");
            EventLoop.trackOperators(false);
            seen.clear();
            assertThat(assembledOnLoop()).isEqualTo("MonoMapFuseable");
            assertThat(seen).startsWith("MonoJust", "MonoMapFuseable");
        } finally {
            Hooks.resetOnEachOperator("another");
        }
        Field hook = Hooks.class.getDeclaredField("onEachOperatorHook");
        hook.setAccessible(true);
        assertThat(hook.get(null)).isNull();
    }

    @Test
    void worksBesideReactorsDebugModeAndOthersHooks() throws Exception {
        Hooks.onOperatorDebug();
        Hooks.onEachOperator("another", Operators.lift((scannable, actual) -> actual));
        try (LogCapture log = new LogCapture()) {
            int[] line = new int[1];
            Asyncio.run(() -> {
                Mono<Integer> unneeded = Mono.fromCallable(() -> 1).map(i -> i + 1);
                assertThat((int) await(Mono.just(1).map(i -> i + 1).hide().switchIfEmpty(unneeded)))
                        .isEqualTo(2);
                line[0] = OperatorTrackingTest.line() + 1;
                Mono.fromCallable(() -> 1).map(i -> i + 1).filter(i -> i > 0);
            });
            Collector.collectUntil(
                    () -> !log.forgotten("asyncio.TrackedOperatorsTest").isEmpty());
            LeakDetector.report();
            assertThat(log.forgotten("asyncio.TrackedOperatorsTest"))
                    .singleElement()
                    .asString()
                    .startsWith("Mono filter(...) made at")
                    .contains("TrackedOperatorsTest.java:" + line[0]);
        } finally {
            Hooks.resetOnEachOperator("another");
            Hooks.resetOnOperatorDebug();
        }
    }

    @Test
    void aStepVerifierSeesNoDifference() throws Exception {
        List<Mono<Integer>> kept = new ArrayList<>();
        Asyncio.run(() -> {
            kept.add(Mono.just(1).map(i -> i + 1).filter(i -> i > 0));
        });
        Mono<Integer> made = kept.get(0);
        assertThat(made.getClass().getSimpleName()).isEqualTo("FuseableMono");
        StepVerifier.create(made)
                .expectFusion(Fuseable.SYNC, Fuseable.SYNC)
                .expectNext(2)
                .verifyComplete();
        StepVerifier.create(made, 0).thenRequest(1).expectNextCount(1).verifyComplete();
        StepVerifier.create(made).thenCancel().verify();
        assertThat(made.block()).isEqualTo(2);
        assertThat(made.block(Duration.ofSeconds(10))).isEqualTo(2);
    }

    @Test
    void longChainsDoNotOverflow() throws Exception {
        Asyncio.run(() -> {
            Mono<Integer> mono = Mono.just(0);
            for (int i = 0; i < 300; i++) {
                mono = mono.map(n -> n + 1);
            }
            assertThat((int) await(mono)).isEqualTo(300);
        });
    }

    // ---- the switch

    static final class Forgetful {
        public static void main(String[] arguments) throws Exception {
            try (LogCapture log = new LogCapture()) {
                Asyncio.run(() -> System.out.println(
                        Mono.fromCallable(() -> 1).map(i -> i + 1).getClass().getSimpleName()));
                if (arguments[0].equals("true")) {
                    Collector.collectUntil(() -> !log.forgotten("").isEmpty());
                }
                log.forgotten("").forEach(System.out::println);
            }
        }
    }

    @Test
    void aPropertyTurnsItOn() throws Exception {
        try (ChildJvm child = ChildJvm.of(Forgetful.class, "true")
                .options("-Dasyncio.debug.operators=true")
                .start()) {
            child.expectExit(0);
            assertThat(child.lines()).hasSize(2);
            assertThat(child.lines().get(0)).isEqualTo("FuseableMono");
            assertThat(child.lines().get(1)).startsWith("Mono map(...) made at asyncio.TrackedOperatorsTest$Forgetful");
        }
        try (ChildJvm child = ChildJvm.of(Forgetful.class, "false")
                .options("-Dasyncio.debug.operators=false")
                .start()) {
            child.expectExit(0);
            assertThat(child.lines()).containsExactly("MonoMapFuseable");
        }
    }
}
