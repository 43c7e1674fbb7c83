package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.currentContext;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static asyncio.Asyncio.waitFor;
import static asyncio.sync.Style.errorOf;
import static asyncio.sync.Style.tick;
import static asyncio.sync.Style.ticks;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.LoopThread;
import asyncio.Task;
import asyncio.TimedOutException;
import asyncio.VirtualTime;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.Context;

@Timeout(60)
class SingleFlightTest {
    private static final Duration SECOND = Duration.ofSeconds(1);

    private final SingleFlight<String, Object> flights = new SingleFlight<>();
    private final List<Object> log = new ArrayList<>();
    private final AtomicInteger begun = new AtomicInteger();

    @AfterAll
    static void shutdown() {
        EventLoop.shutdownShared(Duration.ofSeconds(10));
    }

    private static Duration now() {
        return EventLoop.getRunningLoop().time();
    }

    /** Takes a second. */
    private Mono<Object> load(String key) {
        return async(() -> {
            int n = begun.incrementAndGet();
            await(sleep(SECOND));
            return key + n;
        });
    }

    /** Takes a second, and one more to clean up. */
    private Mono<Object> slow(String key) {
        return async(() -> {
            begun.incrementAndGet();
            try {
                await(sleep(SECOND));
                return key;
            } finally {
                log.add("cleaning up");
                await(sleep(SECOND));
                log.add("clean");
            }
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("callers of one key share one task, those of others have their own")
    void shared(Style style) throws Exception {
        VirtualTime.run(() -> {
            Duration start = now();
            List<Object> values = await(gather(Stream.of("a", "a", "b", "a")
                    .map(key -> style.of(flights.run(key, this::load)))
                    .toList()));
            assertThat(values.get(1)).isSameAs(values.get(0)).isSameAs(values.get(3));
            assertThat(values.get(2)).isEqualTo("b" + (values.get(0).equals("a1") ? 2 : 1));
            assertThat(now().minus(start)).isEqualTo(SECOND);
            assertThat(flights.size()).isZero();
            assertThat(await(style.of(flights.run("a", this::load))))
                    .as("nothing is kept")
                    .isEqualTo("a3");
        });
    }

    @Test
    @DisplayName("nothing happens until subscription")
    void cold() {
        Mono<Object> run = flights.run("a", this::load);
        assertThat(begun).hasValue(0);
        assertThat(run.block()).isEqualTo("a1");
        assertThat(run.block()).isEqualTo("a2");
        assertThat(run.toString()).isEqualTo("run(a) of <SingleFlight [0 keys]>");
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("a failure goes to every caller, and is not kept")
    void failure(Style style) throws Exception {
        IOException broken = new IOException("broken");
        VirtualTime.run(() -> {
            List<Task<Object>> tasks = Stream.generate(() -> createTask(
                            style.of(flights.run("a", key -> sleep(SECOND).then(Mono.error(broken))))))
                    .limit(3)
                    .toList();
            for (Task<Object> task : tasks) {
                assertThat(errorOf(task)).isSameAs(broken);
            }
            assertThat(await(flights.run("a", this::load))).isEqualTo("a1");
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("Go's singleflight, issue 33519: a function that throws tells every caller and leaves nothing behind")
    void functionThrows(Style style) throws Exception {
        VirtualTime.run(() -> {
            assertThat(errorOf(createTask(style.of(flights.run("a", key -> {
                        throw new IllegalArgumentException(key);
                    })))))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("a");
            assertThat(errorOf(createTask(style.of(flights.run("a", key -> null)))))
                    .hasMessage("work returned null");
            assertThat(flights.size()).isZero();
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("SO 71430846: a caller that leaves, also the first, takes nothing from the others")
    void oneLeaves(Style style) throws Exception {
        VirtualTime.run(() -> {
            List<Task<Object>> tasks = Stream.generate(() -> createTask(style.of(flights.run("a", this::load))))
                    .limit(3)
                    .toList();
            await(sleep(SECOND.dividedBy(2)));
            tasks.get(0).cancel();
            tasks.get(2).cancel();
            Duration asked = now();
            assertThat(errorOf(tasks.get(0))).isInstanceOf(CancelledException.class);
            assertThat(errorOf(tasks.get(2))).isInstanceOf(CancelledException.class);
            assertThat(now()).isEqualTo(asked);
            assertThat(await(tasks.get(1))).isEqualTo("a1");
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("when the last caller leaves the task is cancelled, and its clean-up waited for")
    void lastLeaves(Style style) throws Exception {
        VirtualTime.run(() -> {
            Duration start = now();
            List<Task<Object>> tasks = Stream.generate(() -> createTask(style.of(flights.run("a", this::slow))))
                    .limit(2)
                    .toList();
            await(sleep(SECOND.dividedBy(2)));
            tasks.forEach(task -> task.cancel("enough"));
            assertThat(errorOf(tasks.get(0))).isInstanceOf(CancelledException.class);
            assertThat(errorOf(tasks.get(1)))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("enough");
            assertThat(log).containsExactly("cleaning up", "clean");
            assertThat(now().minus(start)).isEqualTo(Duration.ofMillis(1500));
            assertThat(flights.size()).isZero();
        });
    }

    @Test
    @DisplayName("so is it by a time limit around operators, and by a group")
    void cutOff() throws Exception {
        VirtualTime.run(() -> {
            Duration start = now();
            Task<?> limited =
                    createTask(waitFor(flights.run("a", this::slow).map(String::valueOf), SECOND.dividedBy(4)));
            assertThat(errorOf(limited)).isInstanceOf(TimedOutException.class);
            assertThat(log).containsExactly("cleaning up", "clean");
            assertThat(now().minus(start)).isEqualTo(Duration.ofMillis(1250));
        });
    }

    @Test
    @DisplayName("a subscription that is disposed of cancels at once")
    void disposed() throws Exception {
        VirtualTime.run(() -> {
            Disposable first = flights.run("a", this::slow).subscribe(log::add);
            Disposable second = flights.run("a", this::slow).subscribe(log::add);
            await(sleep(SECOND.dividedBy(2)));
            first.dispose();
            ticks(3);
            assertThat(log).isEmpty();
            second.dispose();
            ticks(3);
            assertThat(log).containsExactly("cleaning up");
            await(sleep(SECOND));
            assertThat(log).containsExactly("cleaning up", "clean");
            assertThat(begun).hasValue(1);
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("a caller that comes while the task is ending begins anew after that")
    void comesMeanwhile(Style style) throws Exception {
        VirtualTime.run(() -> {
            Task<Object> leaving = createTask(style.of(flights.run("a", this::slow)));
            await(sleep(SECOND.dividedBy(2)));
            leaving.cancel();
            ticks(2);
            Duration start = now();
            List<Task<Object>> next = Stream.generate(() -> createTask(style.of(flights.run("a", this::load))))
                    .limit(2)
                    .toList();
            ticks(3);
            assertThat(begun).hasValue(1);
            assertThat(await(next.get(0))).isEqualTo("a2").isSameAs(await(next.get(1)));
            assertThat(log).containsExactly("cleaning up", "clean");
            assertThat(now().minus(start)).isEqualTo(SECOND.multipliedBy(2));
            assertThat(leaving.cancelled()).isTrue();
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("the last caller gets the value of a task that ends with one all the same")
    void refuses(Style style) throws Exception {
        VirtualTime.run(() -> {
            Task<Object> task = createTask(flights.run(
                    "a",
                    key -> async(() -> {
                        try {
                            await(sleep(SECOND));
                        } catch (CancelledException e) {
                            return "stubborn";
                        }
                        return "in time";
                    })));
            ticks(3);
            task.cancel();
            assertThat(await(task)).isEqualTo("stubborn");
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("a value is kept for its time to live, also if there is none; a failure is not")
    void kept(Style style) throws Exception {
        SingleFlight<String, Object> keeping = new SingleFlight<>(SECOND.multipliedBy(2));
        VirtualTime.run(() -> {
            Mono<Object> run = style.of(keeping.run("a", this::load));
            assertThat(await(run)).isEqualTo("a1");
            Duration end = now();
            assertThat(await(run)).isEqualTo("a1");
            assertThat(now()).isEqualTo(end);
            await(sleep(Duration.ofMillis(1999)));
            assertThat(await(run)).isEqualTo("a1");
            await(sleep(Duration.ofMillis(1)));
            tick();
            assertThat(keeping.size()).as("it is not held any longer").isZero();
            assertThat(await(run)).isEqualTo("a2");
            keeping.forget("a");
            assertThat(await(run)).isEqualTo("a3");

            Mono<Object> empty = style.of(keeping.run("none", key -> Mono.fromRunnable(begun::incrementAndGet)));
            assertThat(await(empty)).isNull();
            assertThat(await(empty)).isNull();
            assertThat(begun).hasValue(4);

            Mono<Object> failing = style.of(
                    keeping.run("bad", key -> Mono.error(new IOException("number " + begun.incrementAndGet()))));
            assertThat(errorOf(createTask(failing))).hasMessage("number 5");
            assertThat(errorOf(createTask(failing))).hasMessage("number 6");
        });
        assertThatThrownBy(() -> new SingleFlight<>(Duration.ofNanos(-1))).hasMessageContaining("PT-0.000000001S");
    }

    @Test
    @DisplayName("what a loop that is closed has kept is not valid for ever; centuries are")
    void keptByAClosedLoop() throws Exception {
        SingleFlight<String, Object> keeping = new SingleFlight<>(Duration.ofSeconds(Long.MAX_VALUE));
        VirtualTime.run(() -> {
            assertThat(await(keeping.run("a", this::load))).isEqualTo("a1");
            await(sleep(Duration.ofDays(365)));
            assertThat(await(keeping.run("a", this::load))).isEqualTo("a1");
        });
        VirtualTime.run(() -> assertThat(await(keeping.run("a", this::load))).isEqualTo("a2"));
    }

    @Test
    @DisplayName("forgotten while it runs: its callers get it, others begin anew")
    void forgotten() throws Exception {
        VirtualTime.run(() -> {
            Task<Object> before = createTask(flights.run("a", this::load));
            ticks(2);
            flights.forget("a");
            Task<Object> after = createTask(flights.run("a", this::load));
            assertThat(await(gather(before, after))).containsExactly("a1", "a2");
            assertThat(flights.size()).isZero();
        });
    }

    @Test
    @DisplayName("the task has the context of the first caller")
    void context() throws Exception {
        Asyncio.run(() -> {
            Mono<Object> who = flights.run(
                    "a",
                    key -> async(() -> {
                        tick();
                        return currentContext().get("who");
                    }));
            assertThat(await(gather(
                            who.contextWrite(Context.of("who", "first")),
                            who.contextWrite(Context.of("who", "second")))))
                    .containsExactly("first", "first");
        });
    }

    @Test
    @DisplayName("a program that ends cancels what it has begun for others, and they hear of it")
    void firstLoopEnds() throws Exception {
        List<CompletableFuture<Object>> other = new ArrayList<>();
        Asyncio.run(() -> {
            createTask(flights.run("a", key -> Mono.never()));
            ticks(3);
            other.add(await(toThread(() -> flights.run("a", this::load).toFuture())));
        });
        assertThatThrownBy(() -> other.get(0).get(10, TimeUnit.SECONDS))
                .isInstanceOf(java.util.concurrent.CancellationException.class);
        assertThat(begun).hasValue(0);
        assertThat(flights.size()).isZero();
    }

    @Test
    @DisplayName("a hundred thousand callers of one task")
    void many() throws Exception {
        Asyncio.run(() -> {
            Event ready = new Event();
            Mono<Object> run = flights.run("a", key -> ready.await().then(Mono.fromCallable(begun::incrementAndGet)));
            for (int i = 0; i < 100_000; i++) {
                run.subscribe(log::add);
            }
            ready.set();
            while (log.size() < 100_000) {
                await(sleep(Duration.ZERO));
            }
        });
        assertThat(log).containsOnly(1);
    }

    @Test
    @DisplayName("under threads never two tasks of a key at once, each caller hears of its end, and nothing is left")
    void underThreads() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        System.out.printf("replay with -Dasyncio.test.seed=%d%n", seed);
        SingleFlight<Integer, Integer> numbers = new SingleFlight<>();
        AtomicIntegerArray running = new AtomicIntegerArray(3);
        AtomicInteger wrong = new AtomicInteger();
        AtomicInteger ended = new AtomicInteger();
        AtomicInteger left = new AtomicInteger();
        List<LoopThread> loops = List.of(new LoopThread(), new LoopThread());
        List<CompletableFuture<Void>> parties = IntStream.range(0, 8)
                .mapToObj(party -> {
                    Random random = new Random(seed + party);
                    Mono<Void> one = Mono.defer(() -> {
                        int key = random.nextInt(3);
                        Mono<Integer> run = numbers.run(
                                key,
                                k -> async(() -> {
                                    if (running.incrementAndGet(k) != 1) {
                                        wrong.incrementAndGet();
                                    }
                                    try {
                                        await(sleep(Duration.ofNanos(random.nextInt(50_000))));
                                        return k;
                                    } finally {
                                        try {
                                            await(sleep(Duration.ZERO));
                                        } finally {
                                            running.decrementAndGet(k);
                                        }
                                    }
                                }));
                        Mono<Void> ends = run.doOnNext(k -> {
                                    if (k != key) {
                                        wrong.incrementAndGet();
                                    }
                                })
                                .then(Mono.fromRunnable(ended::incrementAndGet));
                        return switch (random.nextInt(3)) {
                            case 0 -> ends;
                            case 1 ->
                                Mono.<Void>fromRunnable(() -> {
                                    Disposable subscription = run.subscribe();
                                    for (int spin = random.nextInt(3_000); spin > 0; spin--) {
                                        Thread.onSpinWait();
                                    }
                                    subscription.dispose();
                                    left.incrementAndGet();
                                });
                            default ->
                                waitFor(run, Duration.ofNanos(1 + random.nextInt(60_000)))
                                        .then(Mono.<Void>fromRunnable(ended::incrementAndGet))
                                        .onErrorResume(
                                                TimedOutException.class, e -> Mono.fromRunnable(left::incrementAndGet));
                        };
                    });
                    Mono<Void> many = one.repeat(999).then();
                    return (party % 4 == 3
                                    ? many.subscribeOn(Schedulers.boundedElastic())
                                    : loops.get(party % 2).loop.createTask(many))
                            .toFuture();
                })
                .toList();
        for (CompletableFuture<Void> party : parties) {
            party.get(50, TimeUnit.SECONDS);
        }
        long patience = System.nanoTime() + 20_000_000_000L;
        while (numbers.size() > 0 && System.nanoTime() < patience) {
            Thread.onSpinWait(); // the last ones are being cancelled
        }
        for (LoopThread loop : loops) {
            loop.close();
        }
        assertThat(wrong).as("seed %d", seed).hasValue(0);
        assertThat(ended.get() + left.get()).as("seed %d", seed).isEqualTo(8_000);
        assertThat(ended.get()).isPositive();
        assertThat(left.get()).isPositive();
        assertThat(numbers.size()).as("seed %d", seed).isZero();
    }
}
