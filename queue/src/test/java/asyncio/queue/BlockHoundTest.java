package asyncio.queue;

import asyncio.BlockingCalls;
import asyncio.EventLoop;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** No method that returns a Mono or a Flux blocks the loop it is called, subscribed to or cancelled on. */
@EnabledIfSystemProperty(named = "asyncio.test.blockhound", matches = "true")
class BlockHoundTest {
    private static final Duration LIMIT = Duration.ofMillis(1);

    @BeforeAll
    static void install() {
        BlockingCalls.install();
    }

    private record Sent(Broadcast<Integer> broadcast, BroadcastSubscription<Integer> subscription) {}

    /** Returns a broadcast with one item for one subscriber, and room for another. */
    private static Sent sent() {
        Broadcast<Integer> broadcast = new Broadcast<>(1);
        Sent sent = new Sent(broadcast, broadcast.subscribe(2));
        broadcast.trySend(1);
        return sent;
    }

    /** Returns a Watch that has another value in a moment. */
    private static Watch<Integer> changing() {
        Watch<Integer> watch = new Watch<>(0);
        EventLoop.getRunningLoop().callLater(LIMIT, () -> watch.set(1));
        return watch;
    }

    /** The methods of a queue with one item, and room for another. */
    private static Map<String, Function<Queue<Integer>, Publisher<?>>> methods() {
        Map<String, Function<Queue<Integer>, Publisher<?>>> methods = new HashMap<>();
        methods.put("Queue.put(Object)", queue -> queue.put(2));
        methods.put(
                "Queue.put(Object, Duration)",
                queue -> queue.put(2).then(queue.put(3, LIMIT)).onErrorComplete());
        methods.put(
                "Queue.putAll(Publisher)",
                queue -> queue.putAll(Flux.range(0, 100)).and(queue.asFlux().take(100)));
        methods.put("Queue.get()", Queue::get);
        methods.put(
                "Queue.get(Duration)",
                queue -> queue.get().then(queue.get(LIMIT)).onErrorComplete());
        methods.put("Queue.next()", Queue::next);
        methods.put("Queue.getBatch(int, Duration)", queue -> queue.getBatch(2, LIMIT));
        methods.put("Queue.nextBatch(int, Duration)", queue -> queue.nextBatch(2, LIMIT));
        methods.put(
                "Queue.asBatches(int, Duration)",
                queue -> queue.asBatches(2, LIMIT).take(1));
        methods.put("Queue.join()", queue -> {
            queue.taskDone();
            return queue.join();
        });
        methods.put("Queue.asFlux()", queue -> {
            queue.shutdown();
            return queue.asFlux();
        });
        methods.put("Broadcast.send(Object)", queue -> sent().broadcast.send(2));
        methods.put("Broadcast.send(Object, Duration)", queue -> {
            Sent sent = sent();
            return sent.broadcast.send(2).then(sent.broadcast.send(3, LIMIT)).onErrorComplete();
        });
        methods.put("Broadcast.asFlux(int, Overflow)", queue -> {
            Sent sent = sent();
            sent.broadcast.close();
            return sent.broadcast.asFlux(1, Broadcast.Overflow.SUSPEND);
        });
        methods.put(
                "AsyncBroadcast.send(Object)",
                queue -> AsyncBroadcast.of(sent().broadcast).send(2));
        methods.put("AsyncBroadcast.asFlux(int)", queue -> {
            Sent sent = sent();
            sent.broadcast.close();
            return AsyncBroadcast.of(sent.broadcast).asFlux(1);
        });
        methods.put("AsyncQueue.put(Object)", queue -> AsyncQueue.of(queue).put(2));
        methods.put(
                "AsyncQueue.put(Object, Duration)",
                queue -> queue.put(2).then(AsyncQueue.of(queue).put(3, LIMIT)).onErrorComplete());
        methods.put(
                "AsyncQueue.process(Function)", queue -> AsyncQueue.of(queue).process(Mono::just));
        methods.put("AsyncQueue.join()", queue -> {
            queue.taskDone();
            return AsyncQueue.of(queue).join();
        });
        methods.put("AsyncQueue.shutdown()", queue -> AsyncQueue.of(queue).shutdown());
        methods.put(
                "AsyncQueue.shutdown(boolean)", queue -> AsyncQueue.of(queue).shutdown(true));
        methods.put("AsyncQueue.isShutdown()", queue -> AsyncQueue.of(queue).isShutdown());
        methods.put("BroadcastSubscription.get()", queue -> sent().subscription.get());
        methods.put("BroadcastSubscription.get(Duration)", queue -> {
            Sent sent = sent();
            return sent.subscription.get().then(sent.subscription.get(LIMIT)).onErrorComplete();
        });
        methods.put("BroadcastSubscription.next()", queue -> sent().subscription.next());
        methods.put("BroadcastSubscription.asFlux()", queue -> {
            Sent sent = sent();
            sent.broadcast.close();
            return sent.subscription.asFlux();
        });
        methods.put("Watch.changed()", queue -> changing().changed());
        methods.put("Watch.changed(Version)", queue -> {
            Watch<Integer> watch = changing();
            return watch.changed(watch.version());
        });
        methods.put("Watch.until(Predicate)", queue -> changing().until(value -> value == 1));
        methods.put("Watch.asFlux()", queue -> changing().asFlux().take(2));
        methods.put(
                "Select.first()",
                queue -> new Select<Integer>().onGet(queue, item -> item).first());
        methods.put(
                "Select.first(Duration)",
                queue -> new Select<Integer>()
                        .onGet(new Queue<Integer>(1), item -> item)
                        .first(LIMIT)
                        .onErrorComplete());
        return methods;
    }

    @Test
    void everyMethodIsTried() throws Exception {
        BlockingCalls.assertThatAllAreTried(Queue.class, methods().keySet());
    }

    @TestFactory
    Stream<DynamicTest> noMethodBlocks() {
        Mono<Queue<Integer>> queue = Mono.fromSupplier(() -> {
            Queue<Integer> made = new Queue<>(2);
            made.putNowait(1);
            return made;
        });
        return methods().entrySet().stream()
                .flatMap(method -> BlockingCalls.of(method.getKey(), queue, method.getValue()));
    }

    @TestFactory
    Stream<DynamicTest> noRendezvousBlocks() {
        Mono<Queue<Integer>> queue = Mono.fromSupplier(Queue::rendezvous);
        return BlockingCalls.of(
                "Queue.put(Object) into a rendezvous",
                queue,
                rendezvous -> rendezvous
                        .put(1)
                        .and(rendezvous.get())
                        .then(rendezvous.put(2, LIMIT))
                        .onErrorComplete());
    }
}
