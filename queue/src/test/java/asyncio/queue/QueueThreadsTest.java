package asyncio.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.Disposable;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The rows of the catalogue where no loop runs: subscribers resume on the thread that releases them. */
class QueueThreadsTest {
    static Stream<Queue<String>> queuesOfOne() {
        return QueueRowsTest.queuesOfOne();
    }

    private static void assertRefused(Mono<?> mono) {
        StepVerifier.create(mono).verifyError(QueueShutDownException.class);
    }

    @Test
    @DisplayName("QUE-06 QUE-11 QUE-14 a get lets the first putter in, whose item has entered when the get returns")
    void putWaits() {
        Queue<Integer> queue = new Queue<>(1);
        queue.putNowait(1);
        CompletableFuture<Void> second = queue.put(2).toFuture();
        CompletableFuture<Void> third = queue.put(3).toFuture();
        assertThat(second).isNotDone();
        assertThat(queue.getNowait()).isEqualTo(1);
        assertThat(second).isCompleted();
        assertThat(third).isNotDone();
        assertThat(queue.size()).isEqualTo(1);
        assertThat(queue.getNowait()).isEqualTo(2);
        assertThat(third).isCompleted();
        assertThat(queue.getNowait()).isEqualTo(3);
    }

    @Test
    @DisplayName("QUE-07 QUE-20 a put serves getters in their order, before it returns")
    void getWaits() {
        Queue<String> queue = new Queue<>(1);
        CompletableFuture<String> first = queue.get().toFuture();
        CompletableFuture<String> second = queue.get().toFuture();
        queue.putNowait("a");
        assertThat(first).isCompletedWithValue("a");
        assertThat(second).isNotDone();
        queue.put("b").block();
        assertThat(second).isCompletedWithValue("b");
        assertThat(queue.isEmpty()).isTrue();
    }

    @Test
    @DisplayName("QUE-10 QUE-13 QUE-22 who is cancelled is not held and takes nothing")
    void cancelled() {
        Queue<String> queue = new Queue<>(1);
        Disposable getter = queue.get().subscribe();
        CompletableFuture<String> other = queue.get().toFuture();
        getter.dispose();
        assertThat(queue.core.state().getters()).isEqualTo(1);
        queue.putNowait("a");
        assertThat(other).isCompletedWithValue("a");

        queue.putNowait("b");
        Disposable putter = queue.put("X").subscribe();
        assertThat(queue.core.state().putters()).isEqualTo(1);
        putter.dispose();
        assertThat(queue.core.state().putters()).isZero();
        assertThat(queue.getNowait()).isEqualTo("b");
        assertThat(queue.tryGet()).isNull();
    }

    @Test
    void deadlinesAreInTheWaiter() {
        Queue<Integer> queue = new Queue<>(1);
        Duration limit = Duration.ofMillis(5);
        StepVerifier.create(queue.get(limit)).verifyError(TimeoutException.class);
        assertThat(queue.core.state().getters()).isZero();
        queue.putNowait(1);
        StepVerifier.create(queue.put(2, limit))
                .verifyErrorSatisfies(
                        error -> assertThat(error)
                                .isInstanceOf(TimeoutException.class)
                                .hasMessage(
                                        "Timed out after PT0.005S waiting for room in <Queue maxsize=1 size=1 putters[1] tasks=1>"));
        assertThat(queue.core.state().putters()).isZero();
        StepVerifier.create(queue.get(Duration.ZERO)).expectNext(1).verifyComplete();
        StepVerifier.create(queue.put(3, Duration.ZERO)).verifyComplete();
        StepVerifier.create(queue.put(4, Duration.ZERO)).verifyError(TimeoutException.class);
    }

    @Test
    @DisplayName("QUE-28 join completes when all are done")
    void join() throws Exception {
        Queue<Integer> queue = Queue.unbounded();
        queue.join().block();
        queue.putNowait(1);
        queue.putNowait(2);
        CompletableFuture<Void> join = queue.join().toFuture();
        queue.join().subscribe().dispose();
        assertThat(queue.core.state().watchers()).isEqualTo(1);
        queue.taskDone();
        assertThat(join).isNotDone();
        queue.taskDone();
        assertThat(join).isCompleted();
        assertThatThrownBy(queue::taskDone)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("<Queue maxsize=0 size=2>");
    }

    @ParameterizedTest
    @MethodSource("queuesOfOne")
    @DisplayName("QUE-30 shutdown of an empty queue fails who waits")
    void shutdownEmpty(Queue<String> queue) {
        CompletableFuture<String> get = queue.get().toFuture();
        CompletableFuture<String> next = queue.next().toFuture();
        queue.shutdown();
        assertThatThrownBy(get::get)
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(QueueShutDownException.class);
        assertThat(next).isCompletedWithValue(null);
        assertRefused(queue.get());
        assertRefused(queue.put("x"));
        StepVerifier.create(queue.next()).verifyComplete();
    }

    @ParameterizedTest
    @MethodSource("queuesOfOne")
    @DisplayName("QUE-31 QUE-32 shutdown leaves what is there to be taken, immediate shutdown drops it")
    void shutdownNonempty(Queue<String> queue) {
        queue.putNowait("data");
        CompletableFuture<Void> put = queue.put("data2").toFuture();
        CompletableFuture<Void> join = queue.join().toFuture();
        queue.shutdown();
        assertThat(put).isCompletedExceptionally();
        assertThat(queue.size()).isEqualTo(1);
        assertThat(join).isNotDone();
        queue.shutdown(true);
        assertThat(queue.size()).isZero();
        assertThat(join).isCompleted();
        assertRefused(queue.get());
    }

    @Test
    void whatIsLeftGoesToTheHook() {
        List<String> lost = new ArrayList<>();
        Queue<String> queue = new Queue<>(2, lost::add);
        queue.putNowait("a");
        queue.putNowait("b");
        CompletableFuture<Void> c = queue.put("c").toFuture();
        queue.shutdown(true);
        assertThat(lost).containsExactly("a", "b");
        assertThat(c).isCompletedExceptionally(); // the putter is told, and still has it
    }

    @Test
    void nothingIsPutBeforeTheRequest() {
        Queue<Integer> queue = new Queue<>(1);
        Mono<Void> put = queue.put(1);
        Mono<Integer> get = queue.get();
        StepVerifier.create(put, 0).expectSubscription().thenCancel().verify();
        assertThat(queue.size()).isZero();
        put.block();
        StepVerifier.create(get, 0).expectSubscription().thenCancel().verify();
        assertThat(queue.size()).isEqualTo(1);
        assertThat(get.block()).isEqualTo(1);
        put.block();
        assertThat(queue.size()).as("a put happens for each subscription").isEqualTo(1);
    }

    @Test
    void nullAndSizesThatAreNoneAreRefused() {
        Queue<Integer> queue = new Queue<>(1);
        assertThatThrownBy(() -> queue.put(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> queue.putNowait(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> queue.tryPut(null)).isInstanceOf(NullPointerException.class);
        for (int maxsize : new int[] {0, -1}) {
            assertThatThrownBy(() -> new Queue<>(maxsize))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("maxsize must be positive, not " + maxsize
                            + ": use unbounded() for asyncio's queue without a limit");
        }
    }

    @Test
    void aMillionWaitersReleaseEachOtherWithoutRecursion() {
        int n = 1_000_000;
        Queue<Integer> queue = Queue.unbounded();
        int[] sum = new int[1];
        for (int i = 0; i < n; i++) {
            queue.get()
                    .doOnNext(item -> {
                        sum[0]++;
                        queue.putNowait(item + 1);
                    })
                    .subscribe();
        }
        queue.putNowait(0);
        assertThat(sum[0]).isEqualTo(n);
        assertThat(queue.getNowait()).isEqualTo(n);

        Queue<Integer> one = new Queue<>(1);
        one.putNowait(0);
        int[] entered = new int[1];
        for (int i = 0; i < n; i++) {
            one.put(i)
                    .doOnSuccess(nothing -> {
                        entered[0]++;
                        one.getNowait();
                    })
                    .subscribe();
        }
        one.getNowait();
        assertThat(entered[0]).isEqualTo(n);
        assertThat(one.isEmpty()).isTrue();
    }

    @Test
    void tellsReactorAboutItself() {
        Queue<Integer> queue = new Queue<>(2);
        queue.putNowait(1);
        queue.putNowait(2);
        queue.put(3).subscribe();
        assertThat(queue.scan(Scannable.Attr.CAPACITY)).isEqualTo(2);
        assertThat(queue.scan(Scannable.Attr.BUFFERED)).isEqualTo(2);
        assertThat(queue.scan(Scannable.Attr.TERMINATED)).isFalse();
        assertThat(queue.name()).isEqualTo("<Queue maxsize=2 size=2 putters[1] tasks=2>");
        assertThat(queue.inners()).singleElement().asString().contains("waiting for room in <Queue maxsize=2");
    }
}
