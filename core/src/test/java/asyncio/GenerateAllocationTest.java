package asyncio;

import static asyncio.Asyncio.await;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What an item of a generator allocates at most; apart, since it counts all threads. */
@Timeout(60)
class GenerateAllocationTest {
    private static final int N = 50_000;
    private static final Integer VALUE = 42;

    private static double ofAnItem(int demand) throws Exception {
        // within one program: a thread that has ended is not counted any more
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
}
