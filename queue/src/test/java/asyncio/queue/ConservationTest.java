package asyncio.queue;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Runner;
import asyncio.Task;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Every item that goes in comes out, is left, or is undelivered, exactly once, regardless of cancellations, timeouts
 * and shutdowns. {@code -Dasyncio.test.seed} replays the random choices (not the threads); {@code -Pconservation} runs
 * ten million items.
 */
@Timeout(1800)
class ConservationTest {
    private static final int ITEMS = Integer.getInteger("asyncio.test.items", 200_000);
    private static final int ROUND = 4_000;

    /** The outcome of the items of one round. */
    private static final class Ledger {
        private final AtomicInteger next = new AtomicInteger();
        private final BitSet in = new BitSet();
        private final BitSet out = new BitSet();
        /** Those whose putter did not hear whether they are in. */
        private final BitSet perhaps = new BitSet();

        private final List<String> wrong = new ArrayList<>();

        int item() {
            return next.getAndIncrement();
        }

        boolean isOver() {
            return next.get() >= ROUND;
        }

        synchronized void in(int item) {
            if (in.get(item)) {
                wrong.add(item + " was put twice");
            }
            in.set(item);
        }

        synchronized void perhaps(int item) {
            perhaps.set(item);
        }

        synchronized void out(int item, String how) {
            if (out.get(item)) {
                wrong.add(item + " came out twice, at last " + how);
            }
            out.set(item);
        }

        /** Checks that exactly the items put have come out. */
        synchronized void check(String what) {
            assertThat(wrong).as(what).isEmpty();
            BitSet lost = (BitSet) in.clone();
            lost.andNot(out);
            assertThat(lost.stream().boxed().toList()).as("lost, %s", what).isEmpty();
            BitSet unknown = (BitSet) out.clone();
            unknown.andNot(in);
            unknown.andNot(perhaps);
            assertThat(unknown.stream().boxed().toList())
                    .as("came out though nobody put it, %s", what)
                    .isEmpty();
        }
    }

    @FunctionalInterface
    private interface Make {
        Queue<Integer> with(int maxsize, Consumer<Integer> onUndelivered);
    }

    private static Queue<Integer> queue(Random random, Ledger ledger) {
        Consumer<Integer> lost = item -> ledger.out(item, "undelivered");
        Make make = switch (random.nextInt(3)) {
            case 0 -> Queue::new;
            case 1 -> LifoQueue::new;
            default -> (maxsize, hook) -> new PriorityQueue<>(maxsize, Integer::compare, hook);
        };
        return make.with(1 + random.nextInt(random.nextBoolean() ? 3 : 100), lost);
    }

    private static Queue<Integer> rendezvous(Random random, Ledger ledger) {
        return Queue.rendezvous(item -> ledger.out(item, "undelivered"));
    }

    private static void drain(Queue<Integer> queue, Ledger ledger) {
        try {
            for (Integer item; (item = queue.tryGet()) != null; ) {
                ledger.out(item, "left");
            }
        } catch (QueueShutDownException empty) {
            assertThat(queue.isEmpty()).isTrue();
        }
        assertThat(queue.core.state().getters()).isZero();
        assertThat(queue.core.state().putters()).isZero();
    }

    // ---- in tasks, with and without bodies, cancelled at random, while another thread takes part

    @Test
    void inTasksOnALoop() throws Exception {
        inTasksOnALoop(ConservationTest::queue);
    }

    @Test
    void rendezvousInTasksOnALoop() throws Exception {
        inTasksOnALoop(ConservationTest::rendezvous);
    }

    private static void inTasksOnALoop(BiFunction<Random, Ledger, Queue<Integer>> make) throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        for (int round = 0; round * ROUND < ITEMS / 4; round++) {
            Random random = new Random(seed + round);
            Ledger ledger = new Ledger();
            Queue<Integer> queue = make.apply(random, ledger);
            String what = queue + ", seed " + seed + ", round " + round;
            Thread other = new Thread(() -> {
                Random own = new Random(random.nextLong());
                while (!ledger.isOver() && !queue.isShutdown()) {
                    offLoop(queue, ledger, own);
                }
            });
            try (Runner runner = Runner.builder()
                    .loopFactory(
                            () -> EventLoop.builder().seed(random.nextLong()).build())
                    .build()) {
                other.start();
                runner.run(() -> {
                    Deque<Task<?>> tasks = new ArrayDeque<>();
                    while (!ledger.isOver()) {
                        tasks.add(start(queue, ledger, random));
                        if (random.nextInt(3) == 0) {
                            tasks.peekLast().cancel();
                        }
                        if (tasks.size() > 100) {
                            tasks.removeFirst().cancel();
                        }
                        if (random.nextInt(4) == 0) {
                            await(sleep(Duration.ZERO));
                        }
                        if (random.nextInt(ROUND * 2) == 0) {
                            queue.shutdown(random.nextBoolean());
                        }
                    }
                    tasks.forEach(Task::cancel);
                    other.join();
                    while (!Asyncio.allTasks().equals(Set.of(Asyncio.currentTask()))) {
                        await(sleep(Duration.ZERO));
                    }
                });
            }
            drain(queue, ledger);
            ledger.check(what);
        }
    }

    private static Task<?> start(Queue<Integer> queue, Ledger ledger, Random random) {
        boolean body = random.nextInt(8) == 0;
        Duration limit = random.nextInt(4) == 0 ? Duration.ofNanos(random.nextInt(200_000)) : Duration.ofHours(1);
        int item = ledger.item();
        return switch (random.nextInt(5)) {
            case 0, 1 -> {
                Mono<Void> put = queue.put(item, limit);
                if (body) {
                    yield createTask(ends(async(() -> {
                        await(put);
                        ledger.in(item);
                    })));
                }
                Task<Void> task = createTask(put);
                task.addDoneCallback(done -> {
                    if (succeeded(task)) {
                        ledger.in(item);
                    }
                });
                yield task;
            }
            case 2, 3 -> {
                Mono<Integer> get = queue.get(limit);
                if (body) {
                    yield createTask(ends(async(() -> {
                        ledger.out(await(get), "got");
                    })));
                }
                Task<Integer> task = createTask(get);
                task.addDoneCallback(done -> {
                    if (succeeded(task)) {
                        ledger.out(resultOf(task), "the result");
                    }
                });
                yield task;
            }
            default -> {
                Select<Integer> select = new Select<Integer>().onGet(queue, got -> {
                    ledger.out(got, "selected");
                    return got;
                });
                if (!queue.core.isRendezvous()) {
                    select = select.onPut(queue, item, () -> {
                        ledger.in(item);
                        return item;
                    });
                }
                yield createTask(ends(select.first(limit)));
            }
        };
    }

    private static <T> Mono<T> ends(Mono<T> mono) {
        return mono.onErrorResume(TimeoutException.class, e -> Mono.empty())
                .onErrorResume(QueueShutDownException.class, e -> Mono.empty());
    }

    private static <T> T resultOf(Task<T> task) {
        try {
            return task.result();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private static boolean succeeded(Task<?> task) {
        return !task.cancelled() && task.exception() == null;
    }

    // ---- off every loop, several threads

    @Test
    void onThreads() throws Exception {
        onThreads(ConservationTest::queue);
    }

    @Test
    void rendezvousOnThreads() throws Exception {
        onThreads(ConservationTest::rendezvous);
    }

    private static void onThreads(BiFunction<Random, Ledger, Queue<Integer>> make) throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        for (int round = 0; round * ROUND < ITEMS / 4; round++) {
            Random random = new Random(seed + round);
            Ledger ledger = new Ledger();
            Queue<Integer> queue = make.apply(random, ledger);
            String what = queue + ", seed " + seed + ", round " + round;
            List<Thread> threads = IntStream.range(0, 4)
                    .mapToObj(i -> new Thread(() -> {
                        Random own = new Random(seed + i);
                        while (!ledger.isOver() && !queue.isShutdown()) {
                            offLoop(queue, ledger, own);
                        }
                    }))
                    .toList();
            threads.forEach(Thread::start);
            for (Thread thread : threads) {
                thread.join();
            }
            if (random.nextBoolean()) {
                queue.shutdown(random.nextBoolean());
            }
            drain(queue, ledger);
            ledger.check(what);
        }
    }

    /** Runs one step to its end. */
    private static void offLoop(Queue<Integer> queue, Ledger ledger, Random random) {
        try {
            switch (random.nextInt(7)) {
                case 0 -> {
                    int item = ledger.item();
                    if (queue.tryPut(item)) {
                        ledger.in(item);
                    }
                }
                case 1 -> {
                    Integer item = queue.tryGet();
                    if (item != null) {
                        ledger.out(item, "tried");
                    }
                }
                case 2 -> {
                    int item = ledger.item();
                    if (queue.core.isRendezvous()) {
                        ledger.perhaps(item); // if it is disposed of while a getter has it
                    }
                    run(queue.put(item), nothing -> {}, () -> ledger.in(item), random);
                }
                case 3 -> run(queue.get(), item -> ledger.out(item, "subscribed"), () -> {}, random);
                case 4 -> run(queue.asFlux(), item -> ledger.out(item, "streamed"), () -> {}, random);
                case 5 -> {
                    int n = random.nextInt(20);
                    List<Integer> items = IntStream.range(0, n)
                            .map(i -> ledger.item())
                            .boxed()
                            .toList();
                    // items it does not hand over are in, or undelivered
                    Flux<Integer> source = Flux.fromIterable(items).doOnNext(ledger::in);
                    run(queue.putAll(source), nothing -> {}, () -> {}, random);
                }
                default -> {
                    if (random.nextInt(ROUND * 4) == 0) {
                        queue.shutdown(random.nextBoolean());
                    }
                }
            }
        } catch (QueueShutDownException over) {
            assertThat(queue.isShutdown()).isTrue();
        }
    }

    /** Subscribes, and cancels after a moment if it has not ended. */
    private static <T> void run(Publisher<T> source, Consumer<T> onNext, Runnable onComplete, Random random) {
        Probe<T> probe = new Probe<>(onNext, onComplete, 1 + random.nextInt(100));
        source.subscribe(probe);
        for (int i = random.nextInt(1000); i > 0 && !probe.over; i--) {
            Thread.onSpinWait();
        }
        probe.subscription.cancel();
    }

    /** Records its signals, also after it has cancelled: Reactor's own subscribers drop those. */
    private static final class Probe<T> implements CoreSubscriber<T> {
        private final Consumer<T> onNext;
        private final Runnable onComplete;
        private final int demand;
        private Subscription subscription;
        private volatile boolean over;

        Probe(Consumer<T> onNext, Runnable onComplete, int demand) {
            this.onNext = onNext;
            this.onComplete = onComplete;
            this.demand = demand;
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            this.subscription = subscription;
            subscription.request(demand);
        }

        @Override
        public void onNext(T value) {
            onNext.accept(value);
        }

        @Override
        public void onComplete() {
            onComplete.run();
            over = true;
        }

        @Override
        public void onError(Throwable error) {
            assertThat(error).isInstanceOf(QueueShutDownException.class);
            over = true;
        }
    }
}
