package asyncio.blockhound;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Task;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import reactor.blockhound.BlockHound;
import reactor.blockhound.BlockingOperationError;
import reactor.core.publisher.Mono;

/** BlockHound as an application installs it; it finds the integration automatically. */
@Timeout(60)
@EnabledIfSystemProperty(named = "asyncio.test.blockhound", matches = "true")
class BlockHoundTest {
    @BeforeAll
    static void install() {
        BlockHound.install();
    }

    @AfterAll
    static void shutdown() {
        EventLoop.shutdownShared(Duration.ofSeconds(10));
    }

    private static String block() throws InterruptedException {
        Thread.sleep(1);
        return "blocked";
    }

    @Test
    void aBodyThatBlocksIsFound() {
        assertThatThrownBy(() -> async(() -> block()).block()).hasRootCauseInstanceOf(BlockingOperationError.class);
        assertThatThrownBy(() -> Asyncio.run(() -> {
                    await(sleep(Duration.ofMillis(1)));
                    block();
                }))
                .isInstanceOf(BlockingOperationError.class);
    }

    @Test
    void anOperatorThatBlocksOnALoopIsFound() {
        Mono<String> slow = sleep(Duration.ofMillis(1), "x").doOnNext(value -> {
            try {
                block();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        assertThatThrownBy(slow::block).hasRootCauseInstanceOf(BlockingOperationError.class);
    }

    @Test
    void theLibraryItselfAndItsThreadsMayBlock() throws Exception {
        assertThat(block()).isEqualTo("blocked");
        Integer sum = async(() -> {
                    Task<Integer> one = createTask(async(() -> await(sleep(Duration.ofMillis(1), 1))));
                    int all = await(toThread(() -> block().length()));
                    for (int n : await(gather(async(() -> 2), async(() -> await(sleep(Duration.ofMillis(1), 3)))))) {
                        all += n;
                    }
                    return all + await(one);
                })
                .block();
        assertThat(sum).isEqualTo(13);
    }
}
