package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.cleanup;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;

/** A cancelled {@code gather} waits for the clean-ups of its children, and for nothing else. */
@Timeout(60)
class GatherCleanupTest {
    private static final Duration LONG = Duration.ofHours(1);

    @AfterAll
    static void shutdown() {
        assertThat(EventLoop.shutdownShared(Duration.ofSeconds(10))).isTrue();
    }

    /** The clean-up of an operator has no counterpart in CPython, unlike a finally block. */
    @ParameterizedTest
    @ValueSource(strings = {"operator", "body", "task of a task", "gather in gather"})
    void cancelledGatherWaitsForCleanups(String how) throws Exception {
        Asyncio.run(() -> {
            List<String> seen = new ArrayList<>();
            Mono<Void> slow = cleanup(async(() -> {
                await(sleep(Duration.ofMillis(20)));
                seen.add("clean");
            }));
            Mono<Integer> work = Mono.usingWhen(Mono.just(1), one -> Mono.never(), one -> slow);
            Mono<?> child = switch (how) {
                case "operator" -> work.map(one -> one);
                case "body" -> async(() -> await(work));
                case "task of a task" -> async(() -> await(createTask(async(() -> await(createTask(work))))));
                default -> gather(sleep(Duration.ofHours(1)), gather(new Future<Integer>(), work));
            };
            Task<?> parent = createTask(gather(new Future<Integer>(), sleep(Duration.ofHours(1)), child, child, work));
            for (int i = 0; i < 6; i++) {
                await(sleep(Duration.ZERO));
            }
            parent.cancel("enough");
            assertThatThrownBy(() -> await(parent))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("enough");
            assertThat(seen).containsExactly("clean", "clean");
        });
    }

    @Test
    void cancelledGatherDoesNotWaitForFinallyBlocks() throws Exception {
        Asyncio.run(() -> {
            List<String> seen = new ArrayList<>();
            Task<?> parent = createTask(gather(sleep(Duration.ofHours(1)), async(() -> {
                try {
                    await(sleep(Duration.ofHours(1)));
                } finally {
                    await(sleep(Duration.ofMillis(20)));
                    seen.add("finally");
                }
            })));
            await(sleep(Duration.ofMillis(1)));
            parent.cancel();
            assertThatThrownBy(() -> await(parent)).isInstanceOf(CancelledException.class);
            assertThat(seen).isEmpty();
        });
    }

    /** When cancelled, it cleans up for 20 ms. */
    private static Mono<Integer> cleaningUp(List<String> seen) {
        return Mono.usingWhen(
                Mono.just(1),
                one -> Mono.never(),
                one -> cleanup(sleep(Duration.ofMillis(20)).doOnTerminate(() -> seen.add("clean"))));
    }

    /** It refuses the first cancellation. */
    private static Mono<Void> stubborn(List<String> seen) {
        return async(() -> {
            for (String cancellation : List.of("first", "second")) {
                try {
                    await(sleep(LONG));
                } catch (CancelledException e) {
                    seen.add(cancellation + " " + e.getMessage());
                }
            }
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"gather", "gather in gather", "all"})
    void anotherCancellationDuringCleanupsReachesTheChildrenThatStillRun(String how) throws Exception {
        VirtualTime.run(() -> {
            List<String> seen = new ArrayList<>();
            Mono<?> children = gather(sleep(LONG), stubborn(seen), cleaningUp(seen));
            Task<?> parent = createTask(how.equals("gather in gather") ? gather(sleep(LONG), children) : children);
            List<Future<?>> cancelled = how.equals("all") ? List.of(new Future<>(), parent) : List.of(parent);
            await(sleep(Duration.ofMillis(1)));
            Future.cancelAll(cancelled, "enough");
            await(sleep(Duration.ofMillis(1)));
            assertThat(parent.done()).isFalse();
            Future.cancelAll(cancelled, "at once");
            assertThat(parent.cancelling()).isEqualTo(2);
            assertThatThrownBy(() -> await(parent))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("enough");
            assertThat(seen).containsExactly("first enough", "second at once", "clean");
        });
    }

    @Test
    void aCleanupThatAnotherCancellationBeginsIsWaitedForToo() throws Exception {
        VirtualTime.run(() -> {
            List<String> seen = new ArrayList<>();
            Mono<Integer> late = async(() -> {
                try {
                    await(sleep(LONG));
                } catch (CancelledException e) {
                    await(cleaningUp(seen));
                }
                return 1;
            });
            Task<?> parent = createTask(gather(sleep(LONG), late, cleaningUp(seen)));
            await(sleep(Duration.ofMillis(1)));
            parent.cancel();
            await(sleep(Duration.ofMillis(10)));
            assertThat(parent.cancel()).isTrue();
            assertThatThrownBy(() -> await(parent)).isInstanceOf(CancelledException.class);
            assertThat(seen).containsExactly("clean", "clean");
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"child", "task of a child", "gather in gather"})
    void theEndOfCleanupsIsEnoughForAChildThatRunsOn(String how) throws Exception {
        VirtualTime.run(() -> {
            List<String> seen = new ArrayList<>();
            Mono<Void> child = async(() -> {
                try {
                    await(cleaningUp(seen));
                } catch (CancelledException e) {
                    await(sleep(LONG));
                    seen.add("hours later");
                }
            });
            Mono<?> work = switch (how) {
                case "child" -> child;
                case "task of a child" -> async(() -> await(createTask(async(() -> await(createTask(child))))));
                default -> gather(new Future<Integer>(), child, sleep(LONG));
            };
            Task<?> parent = createTask(gather(sleep(LONG), work, cleaningUp(seen)));
            await(sleep(Duration.ofMillis(1)));
            parent.cancel();
            Duration start = EventLoop.getRunningLoop().time();
            assertThatThrownBy(() -> await(parent)).isInstanceOf(CancelledException.class);
            assertThat(EventLoop.getRunningLoop().time().minus(start)).isEqualTo(Duration.ofMillis(20));
            assertThat(seen).containsExactly("clean", "clean");
        });
    }

    /** Each one is examined once, though the clean-ups end one after another. */
    @Test
    void waitsForManyCleanupsInATimeThatIsLinear() throws Exception {
        Asyncio.run(() -> {
            List<Future<Void>> cleanups = new ArrayList<>();
            List<Mono<Void>> children = new ArrayList<>();
            AtomicInteger started = new AtomicInteger();
            for (int i = 0; i < 30_000; i++) {
                Future<Void> cleanup = new Future<>();
                cleanups.add(cleanup);
                children.add(Mono.usingWhen(
                        Mono.fromCallable(started::incrementAndGet), one -> Mono.never(), one -> cleanup(cleanup)));
            }
            Task<?> parent = createTask(gather(sleep(LONG), gather(children)));
            while (started.get() < cleanups.size()) {
                await(sleep(Duration.ZERO));
            }
            parent.cancel();
            for (Future<Void> cleanup : cleanups) {
                await(sleep(Duration.ZERO));
                assertThat(parent.done()).isFalse();
                cleanup.setResult(null);
            }
            assertThatThrownBy(() -> await(parent)).isInstanceOf(CancelledException.class);
        });
    }
}
