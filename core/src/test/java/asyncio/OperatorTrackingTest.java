package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.Context;
import reactor.util.retry.Retry;

@Timeout(120)
class OperatorTrackingTest {
    private static final String NEVER = "was never subscribed to";

    @BeforeEach
    void on() {
        EventLoop.trackOperators(true);
    }

    @AfterEach
    void off() {
        EventLoop.trackOperators(false);
    }

    /** Runs a program and returns the reports on its operators, once the garbage collector has found all of them. */
    private static List<String> reportsOf(Body program) throws Exception {
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(program);
            return reports(log);
        }
    }

    private static List<String> reports(LogCapture log) throws Exception {
        Asyncio.run(() -> forgetCoroutine(), true);
        // this one is always reported
        Collector.collectUntil(() -> !log.forgotten("forgetCoroutine").isEmpty());
        assertThat(log.forgotten("forgetCoroutine")).isNotEmpty();
        Collector.collectAll();
        LeakDetector.report();
        return log.forgotten(NEVER);
    }

    private static void forgetCoroutine() {
        async(() -> "forgotten");
    }

    /** Returns the line number of the caller. */
    static int line() {
        return StackWalker.getInstance()
                .walk(frames -> frames.skip(1).findFirst().orElseThrow().getLineNumber());
    }

    /** A foreign Mono with operators that were not assembled on a loop. */
    private static Mono<Integer> find() {
        return FOUND;
    }

    private static final Mono<Integer> FOUND = Mono.fromCallable(() -> 1).hide();
    private static final Mono<Integer> NONE = Mono.<Integer>empty().hide();
    private static final Mono<Integer> FAILING =
            Mono.<Integer>error(new IOException("no")).hide();

    // ---- reported

    private static void assertReported(List<String> reports, String operator, int line) {
        assertThat(reports).hasSize(1);
        assertThat(reports.get(0))
                .startsWith(operator + "(...) made at ")
                .contains("OperatorTrackingTest.java:" + line + ")")
                .contains(NEVER)
                .contains("Write await(...)");
    }

    @Test
    void aForgottenOperatorIsReportedWithItsLine() throws Exception {
        int[] line = new int[1];
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(() -> {
                line[0] = line() + 1;
                find().map(found -> found + 1);
                await(find().map(found -> found + 2));
            });
            List<String> reports = reports(log);
            assertReported(reports, "Mono map", line[0]);
            assertThat(log.forgottenRecords(NEVER))
                    .first()
                    .satisfies(record -> assertThat(record.getThrown().getStackTrace())
                            .anyMatch(frame -> frame.getLineNumber() == line[0]
                                    && frame.getClassName().equals(OperatorTrackingTest.class.getName())));
        }
    }

    @Test
    void ofAChainTheLastOperatorIsReportedAndItsPartsAreNot() throws Exception {
        int[] line = new int[1];
        List<String> reports = reportsOf(() -> {
            Mono<Integer> one = find().map(found -> found + 1).filter(found -> found > 0);
            Mono<Integer> two = find().map(found -> found + 2);
            line[0] = line() + 1;
            Mono.zip(one, two).switchIfEmpty(Mono.defer(() -> Mono.empty())).then();
        });
        assertReported(reports, "Mono then", line[0]);
    }

    @Test
    void callablesAndFluxesAreReportedToo() throws Exception {
        List<String> ran = new ArrayList<>();
        int[] line = new int[1];
        List<String> reports = reportsOf(() -> {
            line[0] = line() + 1;
            Mono.fromRunnable(() -> ran.add("runnable"));
            Mono.fromCallable(() -> ran.add("callable"));
            Mono.fromCallable(() -> ran.add("scheduled")).subscribeOn(Schedulers.boundedElastic());
            Flux.range(1, 3).map(i -> ran.add("flux"));
        });
        assertThat(ran).isEmpty();
        assertThat(reports).hasSize(4);
        List<String> made = List.of("Mono fromRunnable", "Mono fromCallable", "Mono subscribeOn", "Flux map");
        for (int i = 0; i < 4; i++) {
            String operator = made.get(i) + "(...) made at ";
            String place = "OperatorTrackingTest.java:" + (line[0] + i) + ")";
            assertThat(reports).anyMatch(report -> report.startsWith(operator) && report.contains(place));
        }
    }

    @Test
    void anOperatorThatWasMadeOfASharedPartIsForgottenAllTheSame() throws Exception {
        int[] line = new int[1];
        List<String> reports = reportsOf(() -> {
            Mono<Integer> used = find().map(found -> found + 1);
            line[0] = line() + 1;
            used.filter(found -> found > 0);
            await(used);
        });
        assertReported(reports, "Mono filter", line[0]);
    }

    @Test
    void whatCannotBeWrappedIsReportedByItsSource() throws Exception {
        int[] line = new int[1];
        List<String> reports = reportsOf(() -> {
            line[0] = line() + 1;
            find().map(found -> found + 1).checkpoint("check");
            find().map(found -> found + 2).flux();
            Flux.range(0, 3).map(i -> i + 1).publish();
            Flux.range(0, 3).map(i -> i + 2).parallel().map(i -> i);
        });
        assertThat(reports).hasSize(4).allMatch(report -> report.contains(" map(...) made at "));
        // the operator made from them is reported in their place
        assertReported(
                reportsOf(() -> {
                    line[0] = line() + 1;
                    Flux.range(0, 3).map(i -> i + 1).publish().refCount();
                }),
                "Flux refCount",
                line[0]);
        assertReported(
                reportsOf(() -> {
                    line[0] = line() + 1;
                    Flux.range(0, 3).map(i -> i + 2).parallel().map(i -> i).sequential();
                }),
                "Flux sequential",
                line[0]);
    }

    @Test
    void aPlaceIsReportedOnce() throws Exception {
        List<String> reports = reportsOf(() -> {
            for (int i = 0; i < 100; i++) {
                find().map(found -> found + 1);
            }
        });
        assertThat(reports).hasSize(1);
    }

    @Test
    void oneForgottenChainIsReportedOnceAlsoIfACoroutineIsPartOfIt() throws Exception {
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(() -> {
                async(() -> 1).map(one -> one + 1);
                find().then(sleep(Duration.ofMillis(1)));
            });
            assertThat(reports(log)).hasSize(2);
            assertThat(log.forgotten("never awaited")).hasSize(1); // the one of reports()
        }
    }

    // ---- not reported

    private static Mono<Integer> fallback() {
        return find().map(found -> -found);
    }

    @Test
    void whatIsAwaitedStartedOrSubscribedToIsNotReported() throws Exception {
        assertThat(reportsOf(() -> {
                    assertThat((int) await(find().map(found -> found + 1))).isEqualTo(2);
                    assertThat((int) await(createTask(find().map(found -> found + 1))))
                            .isEqualTo(2);
                    createTask(find().map(found -> found + 1)).cancel(); // before it started
                    find().map(found -> found + 1).subscribe();
                    assertThat(await(Flux.range(0, 3).map(i -> i + 1).collectList()))
                            .containsExactly(1, 2, 3);
                    assertThat((int) await(Mono.fromCompletionStage(
                                    find().map(found -> found).toFuture())))
                            .isEqualTo(1);
                    assertThat((int) await(async(() -> await(find().map(found -> found + 1)))))
                            .isEqualTo(2);
                    assertThatThrownBy(() -> await(FAILING.map(found -> found + 1)))
                            .isInstanceOf(IOException.class);
                    Mono<Integer> twice = find().map(found -> found + 1);
                    await(twice);
                    await(twice);
                }))
                .isEmpty();
        assertThat(reportsOf(() -> {
                    EventLoop loop = EventLoop.getRunningLoop();
                    Future<Integer> result = loop.createFuture();
                    loop.callSoon(() -> find().map(found -> found + 1).subscribe(result::trySetResult));
                    await(result);
                }))
                .isEmpty();
    }

    @Test
    void theArgumentsOfOurCombinatorsAreNotReported() throws Exception {
        assertThat(reportsOf(() -> {
                    await(Asyncio.gather(find().map(found -> found + 1), find().map(found -> found + 2)));
                    await(Asyncio.waitFor(find().map(found -> found + 1), Duration.ofHours(1)));
                    await(Asyncio.shield(find().map(found -> found + 1)));
                    await(Asyncio.gather(List.of(FAILING.map(found -> found), find().map(found -> found)), true));
                    // cancelled before they started
                    createTask(Asyncio.gather(find().map(found -> found + 1), find().map(found -> found + 2)))
                            .cancel();
                    createTask(Asyncio.waitFor(find().map(found -> found + 1), Duration.ofHours(1)))
                            .cancel();
                    createTask(Asyncio.shield(find().map(found -> found + 1))).cancel();
                }))
                .isEmpty();
    }

    @Test
    void whatAwaitOutsideABodyRefusesIsNotReportedAsWell() throws Exception {
        assertThat(reportsOf(() -> {
                    EventLoop loop = EventLoop.getRunningLoop();
                    Future<Throwable> refused = loop.createFuture();
                    loop.callSoon(() -> {
                        try {
                            await(find().map(found -> found + 1));
                        } catch (Exception e) {
                            refused.trySetResult(e);
                        }
                    });
                    assertThat(await(refused)).isInstanceOf(IllegalStateException.class);
                }))
                .isEmpty();
    }

    @TestFactory
    List<DynamicTest> argumentsThatAreNotNeededAreNotReported() {
        record Case(String name, Supplier<Mono<?>> chain) {}
        return List.of(
                        new Case("switchIfEmpty", () -> find().switchIfEmpty(fallback())),
                        new Case(
                                "switchIfEmpty of a Flux",
                                () -> find().flux().switchIfEmpty(fallback()).then()),
                        new Case("a coroutine as fallback", () -> find().switchIfEmpty(async(() -> 1))),
                        new Case("onErrorResume with a captured fallback", () -> {
                            Mono<Integer> fallback = fallback();
                            return find().onErrorResume(e -> fallback);
                        }),
                        new Case("onErrorResume by type", () -> {
                            Mono<Integer> fallback = fallback();
                            return find().onErrorResume(IOException.class, e -> fallback);
                        }),
                        new Case("a fallback captured by an anonymous class", () -> {
                            Mono<Integer> fallback = fallback();
                            return find().onErrorResume(new Function<Throwable, Mono<Integer>>() {
                                @Override
                                public Mono<Integer> apply(Throwable e) {
                                    return fallback;
                                }
                            });
                        }),
                        new Case("flatMap that is not reached", () -> {
                            Mono<Integer> next = fallback();
                            return NONE.flatMap(found -> next);
                        }),
                        new Case("one of a captured list", () -> {
                            List<Mono<Integer>> choice = List.of(fallback(), fallback());
                            return find().flatMap(choice::get);
                        }),
                        new Case("then after an error", () -> FAILING.then(fallback())),
                        new Case(
                                "thenMany after an error",
                                () -> FAILING.thenMany(fallback()).then()),
                        new Case("zip with an error", () -> Mono.zip(FAILING, fallback())),
                        new Case(
                                "zip of a list with an empty one",
                                () -> Mono.zip(List.of(NONE, fallback()), Object[]::clone)),
                        new Case("zipWith an error", () -> NONE.zipWith(fallback())),
                        new Case("or", () -> find().or(fallback())),
                        new Case("firstWithSignal", () -> Mono.firstWithSignal(find(), fallback(), fallback())),
                        new Case("firstWithValue", () -> Mono.firstWithValue(List.of(find(), fallback()))),
                        new Case(
                                "concat that stops",
                                () -> Flux.concat(find(), fallback(), fallback())
                                        .next()),
                        new Case(
                                "concatWith",
                                () -> FAILING.concatWith(fallback()).then()),
                        new Case(
                                "startWith",
                                () -> Flux.range(0, 3).startWith(fallback()).next()),
                        new Case(
                                "merge that is cut off",
                                () -> Flux.merge(1, find(), fallback()).next()),
                        new Case(
                                "mergeWith",
                                () -> Flux.range(0, 3).mergeWith(fallback()).next()),
                        new Case("when", () -> Mono.when(FAILING, fallback())),
                        new Case("and", () -> FAILING.and(fallback())),
                        new Case("timeout's fallback", () -> find().timeout(Duration.ofHours(1), fallback())),
                        new Case("timeout by a publisher", () -> find().timeout(Mono.never(), fallback())),
                        new Case("delayUntil", () -> NONE.delayUntil(found -> fallback())),
                        new Case("takeUntilOther", () -> find().takeUntilOther(Mono.never())),
                        new Case("repeatWhenEmpty", () -> find().repeatWhenEmpty(it -> it.flatMap(i -> fallback()))),
                        new Case("retryWhen", () -> find().retryWhen(Retry.from(it -> it.flatMap(i -> fallback())))),
                        new Case("retry with backoff", () -> {
                            int[] attempts = new int[1];
                            return Mono.defer(() -> attempts[0]++ < 2 ? FAILING : find())
                                    .retryWhen(Retry.backoff(3, Duration.ofMillis(1)));
                        }),
                        new Case(
                                "usingWhen",
                                () -> Mono.usingWhen(
                                        fallback(), r -> find(), r -> find(), (r, e) -> find(), r -> find())),
                        new Case("cache", () -> fallback().cache()),
                        new Case("share", () -> fallback().share()),
                        new Case(
                                "publish and connect",
                                () -> Flux.range(0, 3)
                                        .map(i -> i)
                                        .publish()
                                        .autoConnect()
                                        .then()),
                        new Case(
                                "replay",
                                () -> Flux.range(0, 3).map(i -> i).cache().then()),
                        new Case(
                                "groupBy",
                                () -> Flux.range(0, 9)
                                        .groupBy(i -> i % 3)
                                        .flatMap(group -> group.map(i -> i + 1).count())
                                        .then()),
                        new Case(
                                "window",
                                () -> Flux.range(0, 9)
                                        .window(3)
                                        .concatMap(Flux::count)
                                        .then()),
                        new Case(
                                "expand",
                                () -> find().expand(i -> i < 5 ? Mono.just(i + 1) : Mono.empty())
                                        .then()),
                        new Case(
                                "parallel",
                                () -> Flux.range(0, 9)
                                        .map(i -> i)
                                        .parallel(2)
                                        .runOn(Schedulers.parallel())
                                        .map(i -> i + 1)
                                        .sequential()
                                        .then()),
                        new Case(
                                "Flux of Monos",
                                () -> Flux.just(fallback(), fallback()).next()),
                        new Case(
                                "Flux of a list of Monos",
                                () -> Flux.fromIterable(List.of(find(), fallback()))
                                        .next()),
                        new Case("transformDeferred", () -> NONE.transformDeferred(m -> m.switchIfEmpty(fallback()))),
                        new Case("transform", () -> find().transform(m -> m.switchIfEmpty(fallback()))),
                        new Case(
                                "checkpoint, name, log, tag",
                                () -> NONE.name("none")
                                        .tag("a", "b")
                                        .checkpoint("here")
                                        .switchIfEmpty(fallback().checkpoint())),
                        new Case("Mono of a Flux of a Mono", () -> Mono.from(Flux.from(fallback()))),
                        new Case("deferContextual", () -> Mono.deferContextual(c -> fallback())),
                        new Case("contextWrite", () -> fallback().contextWrite(Context.of("a", "b"))),
                        new Case(
                                "metrics by tap",
                                () -> fallback().doOnNext(i -> {}).doFinally(s -> {})),
                        new Case("delayElement", () -> fallback().delayElement(Duration.ofMillis(1))),
                        new Case(
                                "publishOn the loop",
                                () -> fallback()
                                        .publishOn(EventLoop.getRunningLoop().scheduler())),
                        new Case("a future", () -> createTask(fallback()).map(i -> i + 1)))
                .stream()
                .map(c -> DynamicTest.dynamicTest(c.name, () -> {
                    List<String> reports = reportsOf(() -> {
                        try {
                            await(c.chain.get());
                        } catch (IOException | CancellationException e) {
                            return; // the error of FAILING, with which some of them end
                        }
                    });
                    assertThat(reports).isEmpty();
                }))
                .toList();
    }

    @Test
    void chainsThatAreAssembledOffLoopsAreLeftAlone() throws Exception {
        assertThat(Mono.just(1).map(i -> i + 1).getClass().getName()).startsWith("reactor.core.publisher.MonoMap");
        assertThat(reportsOf(() -> await(Asyncio.toThread(() -> {
                    find().map(found -> found + 1);
                    find().switchIfEmpty(Mono.fromCallable(() -> 2)).block();
                }))))
                .isEmpty();
        // one that was made on a loop, and is a fallback of one that was not
        assertThat(reportsOf(() -> {
                    Mono<Integer> fallback = fallback();
                    await(Asyncio.toThread(() -> {
                        find().switchIfEmpty(fallback).block();
                    }));
                }))
                .isEmpty();
    }
}
