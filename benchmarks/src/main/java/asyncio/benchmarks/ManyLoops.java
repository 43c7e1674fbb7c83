package asyncio.benchmarks;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import reactor.core.publisher.Mono;

/**
 * Measures how the same program scales from one shared loop to all of them, with one program per loop: the rate of all
 * divided by the rate of one alone, which equals the number of loops if they share nothing.
 *
 * <p>Usage: {@code ManyLoops [millis [rounds [program ...]]]}, by default 7 rounds of 500 ms. One loop and all loops
 * are measured alternately, and the medians of the rates compared. Rounds in which other processes took a tenth of a
 * processor do not count. The cores columns show the number of busy processors, including the garbage collector, the
 * compiler and the threads among which a loop moves.
 */
public final class ManyLoops {
    private static final int WARMUP = 2;
    /** The maximum number of tries for each round that counts. */
    private static final int MOST_TRIES = 20;
    /** The number of operations between two checks of the clock. */
    private static final int BATCH = 1_000;

    private ManyLoops() {}

    /** A program on one loop: does a batch of operations each time it is awaited. */
    private interface Workload {
        Mono<?> batch();
    }

    private static final Map<String, Workload> WORKLOADS = new LinkedHashMap<>();

    static {
        WORKLOADS.put("compute", () -> async(ManyLoops::compute));
        WORKLOADS.put("callSoonBatch", ManyLoops::callbacksInOneTick);
        WORKLOADS.put("callSoonChain", ManyLoops::callbackEachTick);
        WORKLOADS.put("timerCancel", () -> async(ManyLoops::timersCancelled));
        WORKLOADS.put("monoTasks", ManyLoops::monoTasks);
        WORKLOADS.put("futures", ManyLoops::futures);
        WORKLOADS.put("sleepZero", () -> async(ManyLoops::yields));
        WORKLOADS.put("awaitCoroutine", () -> async(ManyLoops::awaitCoroutine));
        WORKLOADS.put("futureNextTick", () -> async(ManyLoops::futureNextTick));
        WORKLOADS.put("pingPong", () -> async(ManyLoops::pingPong));
        WORKLOADS.put("spawnJoin", () -> async(ManyLoops::spawnJoin));
        WORKLOADS.put("spawnAll", () -> async(ManyLoops::spawnAll));
    }

    public static void main(String[] args) throws Exception {
        int millis = args.length > 0 ? Integer.parseInt(args[0]) : 500;
        int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 7;
        List<String> chosen = args.length > 2 ? List.of(args).subList(2, args.length) : List.copyOf(WORKLOADS.keySet());
        List<EventLoop> loops = new ArrayList<>();
        EventLoop.shared().forEach(loops::add);
        System.out.printf(
                "Java %s, %d loops, bodies %s%n",
                Runtime.version(), loops.size(), System.getProperty("asyncio.bodies.kind", "by default"));
        System.out.printf(
                "| program | one loop, million/s | cores | %d loops, million/s | cores | ratio | of %d | rounds |%n|---|---|---|---|---|---|---|---|%n",
                loops.size(), loops.size());
        for (String name : chosen) {
            Workload workload = WORKLOADS.get(name);
            if (workload == null) {
                throw new IllegalArgumentException(
                        "No such program: " + name + "; the programs are " + WORKLOADS.keySet());
            }
            compare(name, workload, loops, millis, rounds);
        }
    }

    private static void compare(String name, Workload workload, List<EventLoop> loops, int millis, int rounds)
            throws Exception {
        List<Rate> one = new ArrayList<>();
        List<Rate> all = new ArrayList<>();
        int tries = 0;
        while (one.size() < rounds && tries < MOST_TRIES * rounds) {
            Rate alone = run(workload, List.of(loops.get(tries % loops.size())), millis);
            Rate together = run(workload, loops, millis);
            if (++tries > WARMUP && alone.usage.undisturbed() && together.usage.undisturbed()) {
                one.add(alone);
                all.add(together);
            }
        }
        if (one.isEmpty()) {
            System.out.printf("| %s | no round of %d was undisturbed by other processes |%n", name, tries);
            return;
        }
        double rateOfOne = Usage.median(one.stream().mapToDouble(Rate::perSecond));
        double rateOfAll = Usage.median(all.stream().mapToDouble(Rate::perSecond));
        System.out.printf(
                "| %s | %.3f | %.1f | %.3f | %.1f | %.2f | %.2f | %d of %d |%n",
                name,
                rateOfOne / 1e6,
                Usage.median(one.stream().mapToDouble(rate -> rate.usage.own())),
                rateOfAll / 1e6,
                Usage.median(all.stream().mapToDouble(rate -> rate.usage.own())),
                rateOfAll / rateOfOne,
                rateOfAll / rateOfOne / loops.size(),
                one.size(),
                tries);
    }

    private record Rate(double perSecond, Usage usage) {}

    /** Runs one program on each of these loops at the same time. */
    private static Rate run(Workload workload, List<EventLoop> loops, int millis) throws Exception {
        Usage.Moment start = Usage.Moment.now();
        long end = System.nanoTime() + millis * 1_000_000L;
        List<CompletableFuture<Long>> counts = new ArrayList<>();
        for (EventLoop loop : loops) {
            counts.add(Asyncio.runThreadsafe(async(() -> countUntil(end, workload)), loop));
        }
        long count = 0;
        for (CompletableFuture<Long> done : counts) {
            count += done.get();
        }
        Usage usage = start.untilNow();
        return new Rate(count / usage.seconds(), usage);
    }

    private static long countUntil(long end, Workload workload) throws Exception {
        long count = 0;
        while (System.nanoTime() < end) {
            await(workload.batch());
            count += BATCH;
        }
        return count;
    }

    // ---- the programs

    /** Uses only registers: shows how far the machine scales for threads that share nothing. */
    private static long compute() {
        long x = System.nanoTime();
        for (int i = 0; i < BATCH * 200; i++) {
            x ^= x << 13;
            x ^= x >>> 7;
            x ^= x << 17;
        }
        return x == 0 ? 1 : x;
    }

    /** {@value #BATCH} callbacks, in one tick. */
    private static Mono<Void> callbacksInOneTick() {
        EventLoop loop = EventLoop.getRunningLoop();
        Future<Void> done = loop.createFuture();
        int[] ran = new int[1];
        for (int i = 1; i < BATCH; i++) {
            loop.callSoon(() -> ran[0]++);
        }
        loop.callSoon(() -> done.setResult(null));
        return done;
    }

    /** Each callback schedules the next: one per tick, each tick polls IO. */
    private static Mono<Void> callbackEachTick() {
        EventLoop loop = EventLoop.getRunningLoop();
        Future<Void> done = loop.createFuture();
        loop.callSoon(new Runnable() {
            private int ran;

            @Override
            public void run() {
                if (++ran < BATCH) {
                    loop.callSoon(this);
                } else {
                    done.setResult(null);
                }
            }
        });
        return done;
    }

    private static void timersCancelled() {
        EventLoop loop = EventLoop.getRunningLoop();
        for (int i = 0; i < BATCH; i++) {
            loop.callLater(Duration.ofSeconds(1 + i), () -> {}).cancel();
        }
    }

    /** Tasks that are Monos, each of which takes a tick. */
    private static Mono<Void> monoTasks() {
        EventLoop loop = EventLoop.getRunningLoop();
        Future<Void> done = loop.createFuture();
        int[] left = {BATCH};
        for (int i = 0; i < BATCH; i++) {
            loop.createTask(sleep(Duration.ZERO)).addDoneCallback(task -> {
                if (--left[0] == 0) {
                    done.setResult(null);
                }
            });
        }
        return done;
    }

    /** A chain of Futures: each one's callback completes the next. */
    private static Mono<Void> futures() {
        EventLoop loop = EventLoop.getRunningLoop();
        Future<Void> first = loop.createFuture();
        Future<Void> last = first;
        for (int i = 1; i < BATCH; i++) {
            Future<Void> next = loop.createFuture();
            last.addDoneCallback(done -> next.setResult(null));
            last = next;
        }
        loop.callSoon(() -> first.setResult(null));
        return last;
    }

    private static void yields() throws Exception {
        for (int i = 0; i < BATCH; i++) {
            await(sleep(Duration.ZERO));
        }
    }

    /** Bodies inside the body, which never suspend. */
    private static long awaitCoroutine() throws Exception {
        long sum = 0;
        for (int i = 0; i < BATCH; i++) {
            sum += await(async(() -> 1));
        }
        return sum;
    }

    private static void futureNextTick() throws Exception {
        EventLoop loop = EventLoop.getRunningLoop();
        for (int i = 0; i < BATCH; i++) {
            Future<Integer> future = loop.createFuture();
            loop.callSoon(() -> future.setResult(1));
            await(future);
        }
    }

    private static void pingPong() throws Exception {
        Task<Void> one = createTask(async(ManyLoops::halfTheYields));
        Task<Void> other = createTask(async(ManyLoops::halfTheYields));
        await(one);
        await(other);
    }

    private static void halfTheYields() throws Exception {
        for (int i = 0; i < BATCH / 2; i++) {
            await(sleep(Duration.ZERO));
        }
    }

    private static void spawnJoin() throws Exception {
        for (int i = 0; i < BATCH; i++) {
            await(createTask(async(() -> 1)));
        }
    }

    private static void spawnAll() throws Exception {
        List<Task<Integer>> tasks = new ArrayList<>();
        for (int i = 0; i < BATCH; i++) {
            tasks.add(createTask(async(() -> 1)));
        }
        for (Task<Integer> task : tasks) {
            await(task);
        }
    }
}
