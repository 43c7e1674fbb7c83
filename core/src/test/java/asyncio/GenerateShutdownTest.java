package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.generate;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;

/** The end of generators that are left when a program ends: the counterpart of {@code shutdown_asyncgens}. */
@Timeout(60)
class GenerateShutdownTest {
    private static Flux<Integer> endless(List<Object> trail) {
        return generate(emitter -> {
            try {
                for (int i = 0; ; i++) {
                    await(emitter.emit(i));
                }
            } finally {
                trail.add("finally");
                await(sleep(Duration.ofMillis(1)));
                trail.add("clean");
            }
        });
    }

    @Test
    void theEndOfARunClosesGeneratorsThatWereBegun() throws Exception {
        List<Object> trail = new ArrayList<>();
        VirtualTime.run(() -> {
            GenerateTest.Taker<Integer> taker = new GenerateTest.Taker<>(trail);
            endless(trail).subscribe(taker);
            taker.request(2);
            await(sleep(Duration.ofSeconds(1)));
            endless(trail).subscribe(new GenerateTest.Taker<>(trail)); // has not begun
        });
        assertThat(trail).hasSize(5).startsWith(0, 1, "finally", "clean");
        assertThat(trail.get(4))
                .isInstanceOf(CancelledException.class)
                .hasToString("asyncio.CancelledException: The event loop is shut down");
    }

    @Test
    @DisplayName("generators are closed after the tasks, which use them to the last (CPython: after _cancel_all_tasks)")
    void tasksMayUseGeneratorsToTheLast() throws Exception {
        List<Object> trail = new ArrayList<>();
        VirtualTime.run(() -> {
            GenerateTest.Taker<Integer> taker = new GenerateTest.Taker<>(trail);
            endless(trail).subscribe(taker);
            taker.request(1);
            createTask(async(() -> {
                try {
                    await(sleep(Duration.ofHours(1)));
                } finally {
                    trail.add("task");
                    taker.request(1);
                    await(sleep(Duration.ofSeconds(1)));
                    trail.add("task has ended");
                }
            }));
            await(sleep(Duration.ofSeconds(1)));
        });
        assertThat(trail.subList(0, 6)).containsExactly(0, "task", 1, "task has ended", "finally", "clean");
    }

    @Test
    void aGeneratorThatIgnoresItsEndDoesNotKeepTheProgram() throws Exception {
        List<Object> trail = new ArrayList<>();
        VirtualTime.run(() -> {
            GenerateTest.Taker<Integer> taker = new GenerateTest.Taker<>(trail);
            Asyncio.<Integer>generate(emitter -> {
                        while (true) {
                            try {
                                await(emitter.emit(1));
                            } catch (CancelledException e) {
                                // ignored
                            }
                        }
                    })
                    .subscribe(taker);
            taker.request(1);
            await(sleep(Duration.ofSeconds(1)));
        });
        assertThat(trail).hasSize(2).first().isEqualTo(1);
        assertThat(trail.get(1)).isInstanceOf(Error.class).asString().contains("keeps emitting");
    }

    @Test
    void shutdownAsyncgensWaitsForTheirEndAndWarnsOfLaterOnes() throws Exception {
        List<Object> trail = new ArrayList<>();
        try (LogCapture log = new LogCapture()) {
            VirtualTime.run(() -> {
                GenerateTest.Taker<Integer> taker = new GenerateTest.Taker<>(new ArrayList<>());
                endless(trail).subscribe(taker);
                taker.request(1);
                await(sleep(Duration.ofSeconds(1)));
                await(EventLoop.getRunningLoop().shutdownAsyncgens());
                trail.add("shut down");
                assertThat(taker.seen).hasSize(2);
                assertThat(await(Flux.range(0, 1)
                                .concatWith(endless(new ArrayList<>()))
                                .take(3)
                                .collectList()))
                        .hasSize(3);
            });
            assertThat(trail).containsExactly("finally", "clean", "shut down");
            assertThat(log.messages()).singleElement().asString().contains("begins after shutdownAsyncgens()");
        }
    }

    @Test
    void theEndOfTheSharedLoopsClosesGenerators() throws Exception {
        List<Object> trail = java.util.Collections.synchronizedList(new ArrayList<>());
        CountDownLatch begun = new CountDownLatch(1);
        GenerateTest.Taker<Integer> taker = new GenerateTest.Taker<>(trail);
        endless(trail).doOnNext(i -> begun.countDown()).subscribe(taker);
        taker.request(1);
        assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(EventLoop.shutdownShared(Duration.ofSeconds(10))).isTrue();
        assertThat(trail.subList(0, 3)).containsExactly(0, "finally", "clean");
    }
}
