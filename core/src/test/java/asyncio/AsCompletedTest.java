package asyncio;

import static asyncio.Asyncio.asCompleted;
import static asyncio.Asyncio.asCompletedTasks;
import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.util.context.Context;

@Timeout(60)
class AsCompletedTest {
    private final IOException oops = new IOException("oops");

    @AfterAll
    static void shutdown() {
        assertThat(EventLoop.shutdownShared(Duration.ofSeconds(10))).isTrue();
    }

    private static <T> Mono<T> after(int millis, T value) {
        return sleep(Duration.ofMillis(millis), value);
    }

    /** Takes one element at a time, when told to. */
    private static final class Hand<T> extends BaseSubscriber<T> {
        final List<T> taken = new ArrayList<>();
        final Future<Object> end = new Future<>();

        @Override
        protected void hookOnSubscribe(Subscription subscription) {}

        @Override
        protected void hookOnNext(T value) {
            taken.add(value);
        }

        @Override
        protected void hookOnComplete() {
            end.setResult("complete");
        }

        @Override
        protected void hookOnError(Throwable error) {
            end.setResult(error);
        }
    }

    @Test
    void deliversInTheOrderOfCompletion() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Duration start = loop.time();
            List<String> seen = new ArrayList<>();
            await(asCompleted(List.of(after(20, "c"), after(5, "a"), Mono.<String>empty(), after(10, "b")))
                    .doOnNext(value -> seen.add(value + loop.time().minus(start).toMillis()))
                    .then());
            assertThat(seen).containsExactly("a5", "b10", "c20");
        });
        StepVerifier.create(asCompleted(List.of(sleep(Duration.ofHours(1), 1), Mono.just(2))))
                .expectNext(2)
                .thenCancel()
                .verify();
        StepVerifier.create(asCompleted(List.of())).verifyComplete();
    }

    @Test
    void anErrorEndsItInItsTurnAndTheOthersGoOn() throws Exception {
        VirtualTime.run(() -> {
            Task<String> late = createTask(after(30, "late"));
            Hand<String> hand = new Hand<>();
            asCompleted(List.of(late, sleep(Duration.ofMillis(10)).then(Mono.error(oops)), after(5, "a")))
                    .subscribe(hand);
            hand.request(1);
            await(sleep(Duration.ofMillis(20)));
            assertThat(hand.taken).containsExactly("a");
            assertThat(hand.end.done()).as("the error waits for its turn").isFalse();
            hand.request(1);
            assertThat(await(hand.end)).isSameAs(oops);
            assertThat(late.done()).isFalse();
            assertThat(await(late)).isEqualTo("late");
        });
        StepVerifier.create(asCompleted(List.of(Mono.error(oops), Mono.never())))
                .verifyErrorMatches(e -> e == oops);
    }

    @Test
    @DisplayName("ASC-02 asCompletedTasks delivers the Futures that were given, and new ones for other Monos")
    void sameTasksInAsOut() throws Exception {
        Asyncio.run(() -> {
            Task<String> task = createTask(after(5, "task"));
            Future<String> failed = new Future<>();
            failed.setException(oops);
            List<Future<String>> out = await(asCompletedTasks(List.of(task, after(10, "coroutine"), failed))
                    .collectList());
            assertThat(out).hasSize(3);
            assertThat(out.get(0)).isSameAs(failed);
            assertThat(failed.exception()).isSameAs(oops);
            assertThat(out.get(1)).isSameAs(task);
            assertThat(out.get(2)).isInstanceOf(Task.class);
            assertThat(out.get(2).result()).isEqualTo("coroutine");
        });
        StepVerifier.create(asCompletedTasks(List.of(Mono.just(1), Mono.empty())))
                .expectNextCount(2)
                .verifyComplete();
    }

    @Test
    @DisplayName("ASC-03 a timeout ends it by the loop's clock, and cancels nothing")
    void timeout() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Duration start = loop.time();
            Task<String> b = createTask(after(150, "b"));
            List<String> seen = new ArrayList<>();
            assertThatThrownBy(() -> await(asCompleted(List.of(after(100, "a"), b), Duration.ofMillis(120))
                            .doOnNext(seen::add)
                            .then()))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessage("1 of 2 were not done within PT0.12S; they are still running");
            assertThat(seen).containsExactly("a");
            assertThat(loop.time().minus(start)).isEqualTo(Duration.ofMillis(120));
            assertThat(b.cancelling()).isZero();
            assertThat(await(b)).isEqualTo("b");

            assertThatThrownBy(() -> await(asCompletedTasks(List.of(Mono.never()), Duration.ofMillis(1))
                            .then()))
                    .isInstanceOf(TimeoutException.class);
            await(asCompleted(List.of(after(1, "x")), Duration.ofHours(1)).then());
            assertThat(loop.core.timerCount()).as("timers left").isZero();
        });
        StepVerifier.create(asCompleted(List.of(Mono.never()), Duration.ofMillis(1)))
                .verifyError(TimeoutException.class);
    }

    @Test
    void atTheTimeoutWhatIsDoneIsDeliveredFirst() throws Exception {
        VirtualTime.run(() -> {
            Hand<String> hand = new Hand<>();
            asCompleted(List.of(after(1, "a"), after(2, "b"), after(9, "c")), Duration.ofMillis(5))
                    .subscribe(hand);
            hand.request(1);
            await(sleep(Duration.ofMillis(20)));
            assertThat(hand.taken).containsExactly("a");
            assertThat(hand.end.done()).isFalse();
            hand.request(1);
            assertThat(hand.taken).containsExactly("a", "b");
            assertThat(await(hand.end)).isInstanceOf(TimeoutException.class);
        });
    }

    @Test
    @DisplayName("ASC-04 demand may pause and go on; what is done meanwhile waits")
    void pausing() throws Exception {
        VirtualTime.run(() -> {
            Hand<Integer> hand = new Hand<>();
            asCompleted(List.of(after(3, 3), after(1, 1), after(4, 4), after(2, 2)))
                    .subscribe(hand);
            hand.request(2);
            await(sleep(Duration.ofMillis(10)));
            assertThat(hand.taken).containsExactly(1, 2);
            hand.request(2);
            assertThat(hand.taken).containsExactly(1, 2, 3, 4);
            assertThat(await(hand.end)).isEqualTo("complete");
        });
    }

    @Test
    @DisplayName("ASC-07 the same coroutine given twice is run and reported once")
    void duplicates() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        Mono<Integer> counted = Mono.fromCallable(runs::incrementAndGet);
        Asyncio.run(() -> assertThat(
                        await(asCompleted(List.of(counted, counted, counted)).collectList()))
                .containsExactly(1));
    }

    @Test
    void cancellingTheSubscriptionCancelsNothingAndLeavesNothingBehind() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Future<String> given = new Future<>();
            List<String> ran = new ArrayList<>();
            Mono<String> body = async(() -> {
                await(sleep(Duration.ofSeconds(1)));
                ran.add("to its end");
                return "x";
            });
            Hand<String> hand = new Hand<>();
            asCompleted(List.of(given, body), Duration.ofHours(1)).subscribe(hand);
            hand.request(1);
            await(sleep(Duration.ofMillis(1)));
            hand.cancel();
            assertThat(loop.core.timerCount()).as("the sleep of the body").isEqualTo(1);
            DoneCallback<String> probe = new DoneCallback<>(given, f -> {}, Context.empty());
            assertThat(given.addWaiter(probe)).isTrue();
            assertThat(probe.previous).as("whoever waited before").isNull();
            given.removeWaiter(probe);
            await(sleep(Duration.ofSeconds(2)));
            assertThat(ran).containsExactly("to its end");
            assertThat(given.done()).isFalse();
        });
    }

    @Test
    void nothingStartsBeforeTheRequest() {
        AtomicInteger started = new AtomicInteger();
        StepVerifier.create(asCompleted(List.of(Mono.fromCallable(started::incrementAndGet))), 0)
                .expectSubscription()
                .thenCancel()
                .verify();
        assertThat(started).hasValue(0);
    }

    @Test
    void childrenSeeTheContextOfTheSubscriber() {
        StepVerifier.create(asCompleted(List.of(Mono.deferContextual(context -> Mono.just(context.get("user")))))
                        .contextWrite(Context.of("user", "ann")))
                .expectNext("ann")
                .verifyComplete();
    }

    @Test
    void aForgottenOneIsReportedAndItsArgumentsAreNot() throws Exception {
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(AsCompletedTest::forget);
            Collector.collectUntil(() ->
                    !log.forgotten("made at asyncio.AsCompletedTest.forget(").isEmpty());
            assertThat(log.forgotten("made at asyncio.AsCompletedTest.forget("))
                    .singleElement()
                    .asString()
                    .startsWith("Coroutine asCompleted(...) made at asyncio.AsCompletedTest.forget(");
        }
    }

    private static void forget() {
        asCompleted(List.of(async(() -> 1), async(() -> 2))).hashCode();
    }

    @Test
    void aLoopThatIsClosedEndsIt() {
        EventLoop loop = EventLoop.newEventLoop();
        Future<String> never = new Future<>();
        Hand<Future<String>> hand = new Hand<>();
        hand.onSubscribe(
                new AsCompletedSubscription<>(FluxAsCompleted.of(List.of(never), Duration.ofHours(1)), loop, hand));
        hand.request(1);
        loop.close();
        assertThat(hand.end.resultOrNull()).isInstanceOf(IllegalStateException.class);

        Hand<Future<String>> late = new Hand<>();
        late.onSubscribe(new AsCompletedSubscription<>(FluxAsCompleted.of(List.of(Mono.just("x")), null), loop, late));
        late.request(1);
        assertThat(late.end.resultOrNull()).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aMillionOneAtATime() throws Exception {
        Asyncio.run(() -> {
            Flux<Integer> million = asCompleted(IntStream.range(0, 1_000_000)
                    .mapToObj(i -> sleep(Duration.ZERO, i))
                    .toList());
            assertThat(await(million.limitRate(1).reduce(0L, Long::sum))).isEqualTo(499_999_500_000L);
        });
    }
}
