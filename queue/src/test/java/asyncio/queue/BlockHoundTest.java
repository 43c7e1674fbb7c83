package asyncio.queue;

import asyncio.BlockingCalls;
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
}
