package asyncio.queue;

import java.util.stream.Stream;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import reactor.core.publisher.Mono;

/** Concurrent operations on a queue are linearizable. */
@EnabledIfSystemProperty(named = "asyncio.test.lincheck", matches = "true")
class LincheckTest {
    @TestFactory
    Stream<DynamicTest> queuesAreLinearizable() {
        return Stream.of(Fifo.class, Lifo.class, Priority.class)
                .map(queue -> DynamicTest.dynamicTest(
                        queue.getSimpleName(),
                        () -> new StressOptions()
                                .iterations(5)
                                .invocationsPerIteration(200)
                                .threads(3)
                                .actorsPerThread(3)
                                .check(queue)));
    }

    /**
     * The operations that do not wait, and a put that gives up immediately if it would have to wait. A get that gives
     * up is not included: an item that it was granted in the meantime is given back, for which the queue makes an
     * exception to its size and order (see {@link ConservationTest}).
     */
    public abstract static class Operations {
        private final Queue<Integer> queue;

        Operations(Queue<Integer> queue) {
            this.queue = queue;
        }

        @Operation
        public boolean tryPut(@Param(gen = IntGen.class, conf = "1:5") int item) {
            return queue.tryPut(item);
        }

        @Operation
        public @Nullable Integer tryGet() {
            return queue.tryGet();
        }

        @Operation
        public boolean put(@Param(gen = IntGen.class, conf = "1:5") int item) {
            return now(queue.put(item).thenReturn(true)) != null;
        }

        @Operation
        public int size() {
            return queue.size();
        }

        @Operation
        public void taskDone() {
            queue.taskDone();
        }

        @Operation
        public void shutdown() {
            queue.shutdown();
        }

        /** Returns the value a Mono has emitted by the time it is cancelled; null if none. */
        @SuppressWarnings("unchecked")
        private static <T> @Nullable T now(Mono<T> mono) {
            Object[] outcome = new Object[1];
            mono.subscribe(value -> outcome[0] = value, error -> outcome[0] = error)
                    .dispose();
            if (outcome[0] instanceof RuntimeException error) {
                throw error;
            }
            return (T) outcome[0];
        }
    }

    public static final class Fifo extends Operations {
        public Fifo() {
            super(new Queue<>(2));
        }
    }

    public static final class Lifo extends Operations {
        public Lifo() {
            super(new LifoQueue<>(2));
        }
    }

    public static final class Priority extends Operations {
        public Priority() {
            super(new PriorityQueue<>(2));
        }
    }
}
