package asyncio;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.generate;
import static asyncio.Asyncio.iterate;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;

/**
 * The most bytes that an item of a generator, and of a loop over one, allocates; apart, since it counts all threads.
 */
@Timeout(60)
class GenerateAllocationTest {
    private static final int N = 50_000;
    private static final Integer VALUE = 42;

    private static double ofAnItem(int demand) throws Exception {
        // within one program: a thread that has ended is no longer counted
        return Asyncio.run(() -> Allocation.bytesPerOperationOfAllThreads(
                N,
                () -> await(Asyncio.<Integer>generate(emitter -> {
                            for (int i = 0; i < N; i++) {
                                await(emitter.emit(VALUE));
                            }
                        })
                        .limitRate(demand)
                        .then())));
    }

    @Test
    void anItemOfAGeneratorThatIsWanted() throws Exception {
        assertThat(ofAnItem(N)).isBetween(1.0, 48.0);
    }

    @Test
    void anItemOfAGeneratorThatWaitsForDemand() throws Exception {
        assertThat(ofAnItem(1)).isBetween(1.0, 48.0);
    }

    private static double ofAnItemOfALoop(Flux<Integer> source, int prefetch) throws Exception {
        return Asyncio.run(() -> Allocation.bytesPerOperationOfAllThreads(N, () -> {
            try (AsyncIterator<Integer> items = iterate(source, prefetch)) {
                for (Integer item; (item = await(items.next())) != null; ) {
                    assert VALUE.equals(item);
                }
            }
            return null;
        }));
    }

    @Test
    void anItemThatIsThereWhenALoopAsks() throws Exception {
        assertThat(ofAnItemOfALoop(Flux.range(0, N).map(i -> VALUE), 0)).isBetween(1.0, 120.0);
    }

    @Test
    void anItemThatALoopWaitsFor() throws Exception {
        Flux<Integer> source = generate(emitter -> {
            for (int i = 0; i < N; i++) {
                await(emitter.emit(VALUE));
            }
        });
        assertThat(ofAnItemOfALoop(source, 0)).isBetween(1.0, 280.0);
    }
}
