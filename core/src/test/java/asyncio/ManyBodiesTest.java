package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.internal.loop.BodyThreads;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;

@Timeout(120)
class ManyBodiesTest {
    static boolean virtual() {
        return BodyThreads.VIRTUAL;
    }

    static boolean platform() {
        return !BodyThreads.VIRTUAL;
    }

    @Test
    @EnabledIf("virtual")
    void aHundredThousandBodiesMayBeSuspendedOnVirtualThreads() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> gate = new Future<>();
            List<Task<Integer>> tasks = new ArrayList<>();
            for (int i = 0; i < 100_000; i++) {
                tasks.add(createTask(async(() -> await(gate))));
            }
            await(sleep(Duration.ZERO));
            assertThat(gate.inners()).isEmpty(); // bodies wait without subscriptions
            gate.setResult(1);
            int sum = 0;
            for (Task<Integer> task : tasks) {
                sum += await(task);
            }
            assertThat(sum).isEqualTo(100_000);
        });
    }

    @Test
    @EnabledIf("platform")
    void tooManyPlatformBodiesFailClearlyAndTheRestGoesOn() throws Exception {
        int limit = Integer.getInteger("asyncio.bodies.max", 4096);
        Asyncio.run(() -> {
            Future<Integer> gate = new Future<>();
            List<Task<Integer>> tasks = new ArrayList<>();
            for (int i = 0; i < limit + 10; i++) {
                tasks.add(createTask(async(() -> await(gate))));
            }
            await(sleep(Duration.ZERO));
            gate.setResult(1);
            int refused = 0;
            int sum = 0;
            for (Task<Integer> task : tasks) {
                try {
                    sum += await(task);
                } catch (RejectedExecutionException e) {
                    assertThat(e)
                            .hasMessageContaining("asyncio.bodies.max")
                            .hasMessageContaining("Java 24")
                            .hasMessageContaining(task.getName())
                            .hasNoCause();
                    assertThat(e.getStackTrace())
                            .as("thousands of them are logged")
                            .isEmpty();
                    refused++;
                }
            }
            assertThat(refused).isBetween(10, 12); // main has a thread too, and a body of a shared loop may have one
            assertThat(sum).isEqualTo(limit + 10 - refused);
            assertThat(await(createTask(async(() -> 1))))
                    .as("threads are free again")
                    .isEqualTo(1);
        });
    }

    @Test
    @EnabledIf("platform")
    void thousandsOfRefusedBodiesAreLoggedAFewTimesAMinuteAndAHandlerHearsOfEach() throws Exception {
        int limit = Integer.getInteger("asyncio.bodies.max", 4096);
        List<Throwable> heard = new CopyOnWriteArrayList<>();
        try (LogCapture log = new LogCapture()) {
            for (boolean handled : new boolean[] {false, true}) {
                Asyncio.run(() -> {
                    if (handled) {
                        EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> heard.add(what.exception()));
                    }
                    Future<Integer> gate = new Future<>();
                    for (int i = 0; i < limit + 500; i++) {
                        createTask(async(() -> await(gate)));
                    }
                    await(sleep(Duration.ZERO));
                    gate.setResult(1);
                });
            }
            assertThat(log.forgottenRecords("No thread for the body")).hasSizeBetween(0, 20);
        }
        assertThat(heard).hasSizeGreaterThanOrEqualTo(500).hasOnlyElementsOfType(RejectedExecutionException.class);
    }
}
