package asyncio.queue;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.queue.Runs.onLoop;
import static asyncio.queue.Runs.tick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.CancelledException;
import asyncio.Task;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

class SelectTest {
    private final Queue<String> left = new Queue<>(1);
    private final Queue<String> right = new Queue<>(1);
    private final Queue<Integer> out = new Queue<>(1);

    private final Mono<String> either = new Select<String>()
            .onGet(left, item -> "left " + item)
            .onGet(right, item -> "right " + item)
            .first();

    private void assertNobodyWaits() {
        assertThat(left.core.state().getters()
                        + right.core.state().getters()
                        + out.core.state().putters())
                .isZero();
    }

    @Test
    void whatIsThereIsTakenAndNothingElse() {
        right.putNowait("b");
        assertThat(either.block()).isEqualTo("right b");
        left.putNowait("a");
        right.putNowait("b");
        assertThat(either.block()).as("the first that can happen").isEqualTo("left a");
        assertThat(right.size()).isEqualTo(1);
        assertNobodyWaits();
    }

    @Test
    void itWaitsForWhicheverComesFirst() {
        CompletableFuture<String> first = either.toFuture();
        assertThat(first).isNotDone();
        right.putNowait("b");
        assertThat(first).isCompletedWithValue("right b");
        assertNobodyWaits();
        left.putNowait("a");
        assertThat(left.size()).as("the loser takes nothing").isEqualTo(1);
    }

    @Test
    void itPuts() {
        Mono<String> select = new Select<String>()
                .onGet(left, item -> item)
                .onPut(out, 1, () -> "put")
                .first();
        assertThat(select.block()).isEqualTo("put");
        CompletableFuture<String> full = select.toFuture();
        assertThat(out.core.state().putters()).isEqualTo(1);
        assertThat(out.getNowait()).isEqualTo(1);
        assertThat(full).isCompletedWithValue("put");
        assertThat(out.size()).isEqualTo(1);
        CompletableFuture<String> other = select.toFuture();
        left.putNowait("a");
        assertThat(other).isCompletedWithValue("a");
        assertNobodyWaits();
        assertThat(out.getNowait()).isEqualTo(1);
        assertThat(out.tryGet()).as("a put that lost").isNull();
    }

    @Test
    void bothEndsOfAQueueMeet() {
        CompletableFuture<String> got = either.toFuture();
        assertThat(new Select<String>()
                        .onPut(left, "x", () -> "put left")
                        .onPut(right, "y", () -> "put right")
                        .first()
                        .block())
                .isEqualTo("put left");
        assertThat(got).isCompletedWithValue("left x");
        assertNobodyWaits();
    }

    @Test
    void aFunctionMayGiveNothingOrThrow() {
        left.putNowait("a");
        StepVerifier.create(new Select<String>().onGet(left, item -> null).first())
                .verifyComplete();
        left.putNowait("a");
        StepVerifier.create(new Select<String>()
                        .onGet(left, item -> {
                            throw new UncheckedIOException(new java.io.IOException(item));
                        })
                        .first())
                .verifyError(UncheckedIOException.class);
    }

    @Test
    void cancelledOrOutOfTimeItHasTakenNothing() {
        Disposable waiting = either.subscribe();
        waiting.dispose();
        assertNobodyWaits();
        StepVerifier.create(new Select<String>()
                        .onGet(left, item -> item)
                        .onPut(out, 1, () -> "put")
                        .first(Duration.ofSeconds(1)))
                .expectNext("put")
                .verifyComplete();
        StepVerifier.create(new Select<String>()
                        .onGet(left, item -> item)
                        .onPut(out, 2, () -> "put")
                        .first(Duration.ofMillis(5)))
                .verifyErrorSatisfies(error -> assertThat(error)
                        .isInstanceOf(TimeoutException.class)
                        .hasMessageContaining("PT0.005S")
                        .hasMessageContaining("get() of <Queue maxsize=1 size=0"));
        assertNobodyWaits();
        assertThat(out.size()).isEqualTo(1);
    }

    @Test
    void aQueueThatIsShutDownEndsIt() {
        CompletableFuture<String> waiting = either.toFuture();
        right.shutdown();
        assertThat(waiting).isCompletedExceptionally();
        assertNobodyWaits();
        StepVerifier.create(either).verifyError(QueueShutDownException.class);
        assertNobodyWaits();
        left.putNowait("a");
        assertThat(either.block()).isEqualTo("left a");
    }

    @Test
    void awaitedAndCancelledAfterItHadWonItGivesBack() throws Exception {
        onLoop(() -> {
            for (boolean body : new boolean[] {true, false}) {
                Task<String> task = createTask(body ? async(() -> await(either)) : either);
                tick();
                tick();
                left.putNowait("a");
                right.putNowait("b");
                assertThat(left.size()).isZero();
                task.cancel();
                assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
                assertThat(left.getNowait()).isEqualTo("a");
                assertThat(right.getNowait()).isEqualTo("b");
                assertNobodyWaits();

                out.putNowait(1);
                Task<String> put = createTask(
                        new Select<String>().onPut(out, 2, () -> "put").first());
                tick();
                assertThat(out.getNowait()).isEqualTo(1);
                put.cancel();
                assertThatThrownBy(() -> await(put)).isInstanceOf(CancelledException.class);
                assertThat(out.tryGet()).isNull();
                assertThat(out.isFull()).isFalse();
            }
        });
    }
}
