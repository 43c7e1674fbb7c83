package asyncio.queue;

import asyncio.Tck;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

class PublisherTckTest {
    /** More than the subscribers of any rule to the same Mono, each of which takes an item. */
    private static final int SUBSCRIBERS = 20;

    private static Queue<Integer> filled(int n) {
        Queue<Integer> queue = new Queue<>(Math.max(1, n));
        for (int i = 0; i < n; i++) {
            queue.putNowait(i);
        }
        return queue;
    }

    @TestFactory
    Stream<DynamicTest> get() {
        return Tck.of("get", () -> filled(SUBSCRIBERS).get());
    }

    @TestFactory
    Stream<DynamicTest> getWithin() {
        return Tck.of("get(Duration)", () -> filled(SUBSCRIBERS).get(Duration.ofSeconds(10)));
    }

    @TestFactory
    Stream<DynamicTest> process() {
        return Tck.of("process", () -> AsyncQueue.of(filled(SUBSCRIBERS)).process(Mono::just));
    }

    @TestFactory
    Stream<DynamicTest> getLater() {
        return Tck.of("get that waits", () -> {
            Queue<Integer> queue = new Queue<>(1);
            Schedulers.parallel()
                    .schedule(() -> queue.putAll(Flux.range(0, SUBSCRIBERS)).subscribe());
            return queue.get();
        });
    }

    @TestFactory
    Stream<DynamicTest> getBatch() {
        return Tck.of("getBatch", () -> filled(2 * SUBSCRIBERS).getBatch(2, Duration.ofSeconds(10)));
    }

    @TestFactory
    Stream<DynamicTest> getBatchLater() {
        return Tck.of("getBatch that waits", () -> {
            Queue<Integer> queue = new Queue<>(1);
            Schedulers.parallel()
                    .schedule(() -> queue.putAll(Flux.range(0, SUBSCRIBERS)).subscribe());
            return queue.getBatch(2, Duration.ofMillis(1));
        });
    }

    @TestFactory
    Stream<DynamicTest> nextBatchAtTheEnd() {
        return Tck.ofEmpty("nextBatch at the end", () -> {
            Queue<Integer> queue = filled(0);
            queue.shutdown();
            return queue.nextBatch(2, Duration.ZERO);
        });
    }

    @TestFactory
    Stream<DynamicTest> asBatches() {
        return Tck.ofMany("asBatches", n -> {
            Queue<Integer> queue = filled((int) n);
            queue.shutdown();
            return queue.asBatches(1, Duration.ofSeconds(10));
        });
    }

    @TestFactory
    Stream<DynamicTest> next() {
        return Tck.of("next", () -> filled(SUBSCRIBERS).next());
    }

    @TestFactory
    Stream<DynamicTest> nextAtTheEnd() {
        return Tck.ofEmpty("next at the end", () -> {
            Queue<Integer> queue = filled(0);
            queue.shutdown();
            return queue.next();
        });
    }

    @TestFactory
    Stream<DynamicTest> put() {
        return Tck.ofEmpty("put", () -> filled(0).put(1));
    }

    @TestFactory
    Stream<DynamicTest> putWithin() {
        return Tck.ofEmpty("put(Duration)", () -> filled(0).put(1, Duration.ofSeconds(10)));
    }

    @TestFactory
    Stream<DynamicTest> putIntoARendezvous() {
        return Tck.ofEmpty("put into a rendezvous", () -> {
            Queue<Integer> queue = Queue.rendezvous();
            queue.asFlux().subscribe();
            return queue.put(1);
        });
    }

    @TestFactory
    Stream<DynamicTest> getFromARendezvous() {
        return Tck.of("get from a rendezvous", () -> {
            Queue<Integer> queue = Queue.rendezvous();
            queue.putAll(Flux.range(0, SUBSCRIBERS)).subscribe();
            return queue.get();
        });
    }

    @TestFactory
    Stream<DynamicTest> rendezvousAsFlux() {
        return Tck.ofMany("asFlux of a rendezvous", n -> {
            Queue<Integer> queue = Queue.rendezvous();
            queue.putAll(Flux.range(0, (int) n))
                    .doFinally(end -> queue.shutdown())
                    .subscribe();
            return queue.asFlux();
        });
    }

    @TestFactory
    Stream<DynamicTest> putAll() {
        return Tck.ofEmpty("putAll", () -> Queue.<Integer>unbounded().putAll(Flux.range(0, 10)));
    }

    @TestFactory
    Stream<DynamicTest> join() {
        return Tck.ofEmpty("join", () -> filled(0).join());
    }

    @TestFactory
    Stream<DynamicTest> select() {
        return Tck.of(
                "Select.first",
                () -> new Select<Integer>()
                        .onGet(filled(0), item -> item)
                        .onGet(filled(SUBSCRIBERS), item -> item)
                        .first());
    }

    @TestFactory
    Stream<DynamicTest> selectWithin() {
        return Tck.of(
                "Select.first(Duration)",
                () -> new Select<Integer>().onPut(Queue.unbounded(), 1, () -> 2).first(Duration.ofSeconds(10)));
    }

    @TestFactory
    Stream<DynamicTest> asFlux() {
        return Tck.ofMany("asFlux", n -> {
            Queue<Integer> queue = filled((int) n);
            queue.shutdown();
            return queue.asFlux();
        });
    }

    @TestFactory
    Stream<DynamicTest> asFluxOfAQueueThatIsBeingFilled() {
        return Tck.ofMany("asFlux while items are put", n -> {
            Queue<Integer> queue = new Queue<>(16);
            return Mono.<Integer>fromRunnable(() -> queue.putAll(Flux.range(0, (int) n))
                            .doOnTerminate(queue::shutdown)
                            .subscribeOn(Schedulers.parallel())
                            .subscribe())
                    .concatWith(queue.asFlux());
        });
    }

    /** Returns a closed subscription with {@code n} items. */
    private static BroadcastSubscription<Integer> sent(int n) {
        Broadcast<Integer> broadcast = new Broadcast<>();
        BroadcastSubscription<Integer> subscription = broadcast.subscribe(Math.max(1, n));
        Flux.range(0, n).subscribe(broadcast::trySend);
        broadcast.close();
        return subscription;
    }

    @TestFactory
    Stream<DynamicTest> broadcastSend() {
        return Tck.ofEmpty("Broadcast.send", () -> new Broadcast<Integer>().send(1));
    }

    @TestFactory
    Stream<DynamicTest> broadcastGet() {
        return Tck.of("BroadcastSubscription.get", () -> sent(SUBSCRIBERS).get());
    }

    @TestFactory
    Stream<DynamicTest> broadcastNextAtTheEnd() {
        return Tck.ofEmpty("BroadcastSubscription.next at the end", () -> sent(0).next());
    }

    @TestFactory
    Stream<DynamicTest> broadcastSubscriptionAsFlux() {
        return Tck.ofMany("BroadcastSubscription.asFlux", n -> sent((int) n).asFlux());
    }

    @TestFactory
    Stream<DynamicTest> broadcastAsFlux() {
        return Tck.ofMany("Broadcast.asFlux", n -> {
            Broadcast<Integer> broadcast = new Broadcast<>((int) n);
            Flux.range(0, (int) n).subscribe(broadcast::trySend);
            broadcast.close();
            return broadcast.asFlux(Math.max(1, (int) n), Broadcast.Overflow.SUSPEND);
        });
    }

    @TestFactory
    Stream<DynamicTest> watchChanged() {
        return Tck.of("Watch.changed(seen)", () -> {
            Watch<Integer> watch = new Watch<>(0);
            Watch.Version<Integer> seen = watch.version();
            watch.set(1);
            return watch.changed(seen);
        });
    }

    @TestFactory
    Stream<DynamicTest> watchUntil() {
        return Tck.of("Watch.until that waits", () -> {
            Watch<Integer> watch = new Watch<>(0);
            Schedulers.parallel().schedule(() -> watch.set(1));
            return watch.until(value -> value == 1);
        });
    }

    @TestFactory
    Stream<DynamicTest> watchAsFlux() {
        return Tck.ofMany("Watch.asFlux", n -> {
            if (n == 0) {
                return Flux.empty();
            }
            Watch<Integer> watch = new Watch<>(1);
            return watch.asFlux().doOnNext(value -> {
                if (value < n) {
                    watch.set(value + 1);
                } else {
                    watch.close();
                }
            });
        });
    }
}
