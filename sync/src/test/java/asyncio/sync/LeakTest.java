package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.LoopThread;
import asyncio.Task;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.Context;

/**
 * All permits are released, no matter what operators, tasks and disposals do to the scoped forms and to an awaited
 * {@code acquire(Duration)}. {@code mvn -Psoak -pl sync test} acquires a million times, the ordinary build a hundred
 * thousand; {@code -Dasyncio.test.seed} replays, as far as threads can be replayed.
 */
class LeakTest {
    private static final int ACQUISITIONS = Integer.getInteger("asyncio.soak.operations", 100_000);
    private static final int WORKERS = 12;
    private static final int OPERATIONS = 10;

    private final List<Kind> kinds = Kind.all().toList();
    private final AtomicInteger acquired = new AtomicInteger();
    private final AtomicIntegerArray done = new AtomicIntegerArray(OPERATIONS);
    private final Map<String, Integer> outcomes = new TreeMap<>();
    private final Queue<Throwable> unexpected = new ConcurrentLinkedQueue<>();

    @AfterAll
    static void shutdown() {
        EventLoop.shutdownShared(Duration.ofSeconds(10));
    }

    private static Duration micros(int n) {
        return Duration.ofNanos(n * 1_000L);
    }

    /** Returns the work to do while holding a permit. */
    private Mono<Integer> work(Random random, boolean mayHang) {
        int micros = random.nextInt(200);
        Mono<Integer> work = switch (random.nextInt(mayHang ? 7 : 6)) {
            case 0, 1 -> Mono.just(1);
            case 2 -> Mono.error(new IOException("planned"));
            case 3 -> sleep(Duration.ZERO, 1);
            case 4 -> sleep(micros(micros), 1);
            case 5 ->
                async(() -> {
                    try {
                        await(sleep(micros(micros)));
                    } finally {
                        await(sleep(Duration.ZERO));
                    }
                    return 1;
                });
            default -> Mono.never();
        };
        return work.doFirst(acquired::incrementAndGet);
    }

    private Mono<?> operation(Random random) {
        Kind kind = kinds.get(random.nextInt(kinds.size()));
        int number = random.nextInt(OPERATIONS);
        done.incrementAndGet(number);
        Duration limit = micros(random.nextInt(300));
        boolean flux = random.nextBoolean();
        boolean mayHang = number > 0;
        Mono<Integer> scoped = flux ? kind.with(work(random, mayHang).flux()).next() : kind.with(work(random, mayHang));
        Mono<Integer> timer = sleep(limit, 2);
        return switch (number) {
            case 0 -> scoped;
            case 1 -> scoped.timeout(limit);
            case 2 -> Mono.zip(scoped, timer.then(Mono.error(new IOException("planned"))));
            case 3 -> Mono.firstWithSignal(scoped, timer);
            case 4 -> cancelledTask(scoped, limit);
            case 5 ->
                async(() -> {
                    try (Permit permit = await(kind.acquire(limit))) {
                        return await(work(random, false));
                    }
                });
            case 6 ->
                cancelledTask(
                        async(() -> {
                            try (Permit permit = await(kind.acquire(micros(500)))) {
                                return await(work(random, true));
                            }
                        }),
                        limit);
            case 7 -> disposed(scoped, limit);
            // usingWhen is the one operator that loses no permit
            case 8 -> using(kind, random).timeout(limit);
            default -> disposed(using(kind, random), limit);
        };
    }

    private Mono<Integer> using(Kind kind, Random random) {
        Mono<Integer> work = work(random, true);
        return Mono.usingWhen(kind.acquire(micros(500)), permit -> work, permit -> Mono.fromRunnable(permit::release));
    }

    private static Mono<?> cancelledTask(Mono<Integer> mono, Duration after) {
        return async(() -> {
            Task<Integer> task = createTask(mono);
            if (after.toNanos() > 10_000) {
                await(sleep(after));
            }
            task.cancel();
            return await(task);
        });
    }

    /** Disposes of it on another thread. */
    private static Mono<?> disposed(Mono<Integer> mono, Duration after) {
        return Mono.create(sink -> {
            Disposable subscription = mono.contextWrite(sink.contextView()).subscribe(value -> {}, error -> {});
            Schedulers.parallel()
                    .schedule(
                            () -> {
                                subscription.dispose();
                                sink.success();
                            },
                            after.toNanos(),
                            TimeUnit.NANOSECONDS);
        });
    }

    private Mono<Void> worker(Random random) {
        Consumer<Throwable> dropped = this::count; // by a timeout, or a zip that has failed
        return Mono.defer(() -> operation(random))
                .contextWrite(Context.of("reactor.onErrorDropped.local", dropped))
                .materialize()
                .doOnNext(end -> count(end.getThrowable()))
                .repeat(() -> acquired.get() < ACQUISITIONS)
                .then();
    }

    private void count(Throwable error) {
        synchronized (outcomes) {
            outcomes.merge(error == null ? "ended" : error.getClass().getSimpleName(), 1, Integer::sum);
        }
        if (error != null
                && !(error instanceof IOException)
                && !(error instanceof TimeoutException)
                && !(error instanceof CancelledException)) {
            unexpected.add(error);
        }
    }

    @Test
    @Timeout(600)
    @DisplayName("no permit is lost")
    void allPermitsComeBack() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        System.out.printf("replay with -Dasyncio.test.seed=%d -Dasyncio.soak.operations=%d%n", seed, ACQUISITIONS);
        try (LoopThread first = new LoopThread();
                LoopThread second = new LoopThread()) {
            List<CompletableFuture<Void>> workers = IntStream.range(0, WORKERS)
                    .mapToObj(i -> {
                        Mono<Void> worker = worker(new Random(seed + i));
                        return switch (i % 3) {
                            case 0 -> first.loop.createTask(worker).toFuture();
                            case 1 ->
                                second.loop
                                        .createTask(async(() -> await(worker)))
                                        .toFuture();
                            default ->
                                worker.subscribeOn(Schedulers.boundedElastic()).toFuture();
                        };
                    })
                    .toList();
            for (CompletableFuture<Void> worker : workers) {
                worker.get(590, TimeUnit.SECONDS);
            }
            System.out.printf("%,d acquisitions, operations %s, outcomes %s%n", acquired.get(), done, outcomes);
            for (Kind kind : kinds) {
                // the work cancelled last may still be cleaning up: these wait for it
                for (Mono<Permit> all : List.of(kind.rival(), kind.acquire())) {
                    all.block(Duration.ofSeconds(30)).release();
                }
                assertThat(kind.free()).as("seed %d: %s", seed, kind).isTrue();
            }
        }
        assertThat(unexpected).as("seed %d", seed).isEmpty();
        assertThat(outcomes.keySet()).contains("ended", "IOException", "TimeoutException", "CancelledException");
        List<Integer> counts = new ArrayList<>();
        for (int i = 0; i < OPERATIONS; i++) {
            counts.add(done.get(i));
        }
        assertThat(counts).as("each kind of operation").allMatch(count -> count > 0);
    }
}
