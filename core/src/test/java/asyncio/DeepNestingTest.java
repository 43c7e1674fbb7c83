package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.currentTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.internal.loop.BodyThreads;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

/** A cancellation and an end pass through any number of levels, without using the stack. */
@Timeout(120)
class DeepNestingTest {
    private static final int DEPTH = 100_000;
    /** Each body has its own thread on Java before 24. */
    private static final int BODIES = BodyThreads.VIRTUAL ? 20_000 : 1_000;

    private static final Duration LIMIT = Duration.ofHours(1);

    /** Scopes inside scopes, each in its own task, since an operator subscribes to it. */
    private static <T> Mono<T> level(int i, Mono<T> inner) {
        return switch (i % 5) {
            case 0 -> Mono.defer(() -> TaskGroup.scope(group -> inner));
            case 1 -> Mono.defer(() -> asyncio.Timeout.scope(LIMIT, timeout -> inner));
            case 2 -> Mono.defer(() -> waitFor(inner, LIMIT));
            case 3 -> TaskGroup.scope(group -> group.createTask(inner)); // in the enclosing task
            default -> Mono.defer(() -> waitFor(createTask(inner), LIMIT));
        };
    }

    /** Like {@link #level}, with the bodies of scopes and coroutines, which need threads. */
    private static <T> Mono<T> bodyLevel(int i, Mono<T> inner) {
        return switch (i % 4) {
            case 0 -> Mono.defer(() -> async(() -> await(inner)));
            case 1 -> TaskGroup.scope(group -> async(() -> await(inner)));
            case 2 -> Mono.defer(() -> asyncio.Timeout.scopeBody(LIMIT, timeout -> await(inner)));
            default -> Mono.defer(() -> TaskGroup.scopeBody(group -> await(group.createTask(inner))));
        };
    }

    private interface Level {
        <T> Mono<T> around(int i, Mono<T> inner);
    }

    private static void cancelled(int depth, Level level) throws Exception {
        AtomicInteger ends = new AtomicInteger();
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Future<Void> reached = new Future<>();
            Mono<Integer> nested = Mono.<Integer>never()
                    .doOnSubscribe(s -> reached.setResult(null))
                    .doOnCancel(ends::incrementAndGet);
            for (int i = 0; i < depth; i++) {
                nested = level.around(i, nested);
            }
            Task<Integer> outermost = createTask(nested);
            await(reached);
            await(sleep(Duration.ZERO));
            assertThat(loop.allTasks()).hasSizeGreaterThan(depth / 2);
            assertThat(outermost.cancel("enough")).isTrue();
            assertThatThrownBy(() -> await(outermost))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("enough");
            assertThat(loop.allTasks()).containsExactly(currentTask());
            assertThat(loop.core.timerCount()).isZero();
        });
        assertThat(ends).hasValue(1);
    }

    @Test
    void aCancellationComesThroughScopes() throws Exception {
        cancelled(DEPTH, DeepNestingTest::level);
    }

    @Test
    void aCancellationComesThroughBodies() throws Exception {
        cancelled(BODIES, DeepNestingTest::bodyLevel);
    }

    @Test
    void aValueComesUpThroughScopes() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> value = new Future<>();
            Mono<Integer> nested = value;
            for (int i = 0; i < DEPTH; i++) {
                nested = level(i, nested);
            }
            Task<Integer> outermost = createTask(nested);
            await(sleep(Duration.ZERO));
            value.setResult(7);
            assertThat(await(outermost)).isEqualTo(7);
            assertThat(EventLoop.getRunningLoop().core.timerCount()).isZero();
        });
    }

    @Test
    void tasksThatAwaitEachOtherByWayOfACoroutineAreCancelled() throws Exception {
        Asyncio.run(() -> {
            AtomicReference<Task<Integer>> first = new AtomicReference<>();
            AtomicReference<Task<?>> inner = new AtomicReference<>();
            Mono<Integer> around = TaskGroup.scope(group -> {
                inner.set(currentTask());
                return first.get();
            });
            first.set(createTask(Mono.defer(() -> around)));
            await(sleep(Duration.ZERO));
            await(sleep(Duration.ZERO));
            assertThat(first.get().cancel("round and round")).isTrue();
            assertThatThrownBy(() -> await(first.get()))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("round and round");
            assertThat(first.get().cancelling()).isEqualTo(1);
            assertThat(inner.get().cancelling()).isEqualTo(1);
            assertThat(EventLoop.getRunningLoop().allTasks()).containsExactly(currentTask());
        });
    }
}
