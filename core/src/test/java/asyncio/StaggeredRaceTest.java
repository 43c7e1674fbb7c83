package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.race;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.test.StepVerifier;
import reactor.util.context.Context;

/** The contract of {@code race(monos, delay)}: the order of the starts, and the absence of leftovers. */
@Timeout(60)
class StaggeredRaceTest {
    private static final Duration HOUR = Duration.ofHours(1);

    private final List<String> trail = new ArrayList<>();
    private final IOException oops = new IOException("oops");

    @AfterAll
    static void shutdown() {
        assertThat(EventLoop.shutdownShared(Duration.ofSeconds(10))).isTrue();
    }

    private static Duration seconds(int seconds) {
        return Duration.ofSeconds(seconds);
    }

    /** Records its start and its cancellation. */
    private <T> Mono<T> noted(String name, Mono<T> mono) {
        return Mono.defer(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            trail.add(name + " at " + loop.time().toSeconds());
            return mono.doOnCancel(() -> trail.add(name + " cancelled"));
        });
    }

    private Mono<String> succeeds(String name, int after) {
        return noted(name, sleep(seconds(after), name));
    }

    private Mono<String> fails(String name, int after) {
        return noted(name, sleep(seconds(after)).then(Mono.error(new IOException(name))));
    }

    private void assertNothingIsLeft() {
        EventLoop loop = EventLoop.getRunningLoop();
        assertThat(loop.core.timerCount()).as("timers").isZero();
        assertThat(Asyncio.allTasks()).containsExactly(Asyncio.currentTask());
    }

    @Test
    void theNextOneBeginsAfterTheDelayAndTheFirstSuccessWins() throws Exception {
        VirtualTime.run(() -> {
            assertThat(await(race(
                            List.of(succeeds("a", 100), succeeds("b", 25), succeeds("c", 100), succeeds("d", 1)),
                            seconds(10))))
                    .isEqualTo("d");
            assertThat(trail)
                    .containsExactly(
                            "a at 0", "b at 10", "c at 20", "d at 30", "a cancelled", "b cancelled", "c cancelled");
            assertNothingIsLeft();
        });
    }

    @Test
    void whoIsFastEnoughIsAlone() throws Exception {
        VirtualTime.run(() -> {
            assertThat(await(race(List.of(succeeds("a", 3), succeeds("b", 1)), seconds(10))))
                    .isEqualTo("a");
            assertThat(await(race(List.of(Mono.just("now"), succeeds("b", 1)), seconds(10))))
                    .isEqualTo("now");
            assertThat(await(race(List.of(Mono.<String>empty(), succeeds("b", 1)), null)))
                    .as("an empty one is a success")
                    .isNull();
            assertThat(trail).containsExactly("a at 0");
            assertNothingIsLeft();
        });
    }

    /** RFC 8305, section 5: when one fails, the next must not wait for the delay, which starts anew. */
    @Test
    void theNextOneBeginsAtOnceWhenAnyOneFails() throws Exception {
        VirtualTime.run(() -> {
            assertThat(await(race(
                            List.of(
                                    fails("a", 13),
                                    fails("b", 100),
                                    fails("c", 1),
                                    succeeds("d", 100),
                                    succeeds("e", 1)),
                            seconds(10))))
                    .isEqualTo("e");
            assertThat(trail)
                    .containsExactly(
                            "a at 0", "b at 10", "c at 13", "d at 14", "e at 24", "b cancelled", "d cancelled");
            assertNothingIsLeft();
        });
    }

    @Test
    void withoutADelayTheyBeginWhenOneHasFailedOnly() throws Exception {
        VirtualTime.run(() -> {
            assertThat(await(race(List.of(fails("a", 1000), fails("b", 1), succeeds("c", 5), succeeds("d", 1)), null)))
                    .isEqualTo("c");
            assertThat(trail).containsExactly("a at 0", "b at 1000", "c at 1001");
            assertNothingIsLeft();
        });
    }

    /** CPython #128479: staggered_race lost track of the tasks it had started, and of their exceptions. */
    @Test
    void losersAreWaitedForAndNoErrorIsLost() throws Exception {
        VirtualTime.run(() -> {
            Mono<String> slow = async(() -> {
                try {
                    return await(sleep(HOUR, "slow"));
                } finally {
                    await(sleep(seconds(3)));
                    trail.add("clean");
                }
            });
            assertThat(await(race(List.of(slow, succeeds("b", 1)), seconds(1)))).isEqualTo("b");
            assertThat(trail).containsExactly("b at 1", "clean");

            assertThatThrownBy(() -> await(race(List.of(fails("a", 9), fails("b", 1), Mono.error(oops)), seconds(2))))
                    .isInstanceOfSatisfying(
                            ExceptionGroup.class,
                            group -> assertThat(group.exceptions())
                                    .extracting(Throwable::getMessage)
                                    .containsExactly("a", "b", "oops"));
            assertNothingIsLeft();
        });
    }

    /** CPython #124309: with eager tasks staggered_race awaited itself. */
    @Test
    void eagerTasksTakePartToo() throws Exception {
        VirtualTime.run(() -> {
            EventLoop.getRunningLoop().setTaskFactory(Asyncio::eagerTaskFactory);
            assertThat(await(race(List.of(fails("a", 1), Mono.error(oops), succeeds("b", 1), succeeds("c", 1)), HOUR)))
                    .isEqualTo("b");
            assertThat(await(race(List.of(Mono.just("now"), succeeds("d", 1)), HOUR)))
                    .isEqualTo("now");
            assertThat(trail).containsExactly("a at 0", "b at 1");
            assertNothingIsLeft();
        });
    }

    @Test
    void theSameMonoIsTriedAsOftenAsItIsGiven() throws Exception {
        VirtualTime.run(() -> {
            AtomicInteger tries = new AtomicInteger();
            Mono<Integer> flaky =
                    Mono.defer(() -> tries.incrementAndGet() < 3 ? Mono.error(oops) : Mono.just(tries.get()));
            assertThat(await(race(Collections.nCopies(5, flaky), HOUR))).isEqualTo(3);
            Mono<Integer> slow = Mono.defer(() -> sleep(seconds(tries.incrementAndGet() < 6 ? 100 : 1), tries.get()));
            assertThat(await(race(Collections.nCopies(5, slow), seconds(1)))).isEqualTo(6);
            assertNothingIsLeft();
        });
    }

    @Test
    void whoIsCancelledCancelsAllAndBeginsNoMore() throws Exception {
        VirtualTime.run(() -> {
            Task<String> task =
                    createTask(race(List.of(succeeds("a", 100), succeeds("b", 100), succeeds("c", 100)), seconds(10)));
            await(sleep(seconds(15)));
            assertThat(task.cancel()).isTrue();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            await(sleep(HOUR));
            assertThat(trail).containsExactly("a at 0", "b at 10", "a cancelled", "b cancelled");
            assertNothingIsLeft();
        });
    }

    @Test
    void aResultThatComesTooLateIsDiscarded() throws Exception {
        VirtualTime.run(() -> {
            List<Object> discarded = new ArrayList<>();
            Mono<String> stubborn = async(() -> {
                try {
                    await(sleep(HOUR));
                } catch (CancelledException e) {
                    // still has its result
                }
                return "late";
            });
            assertThat(await(race(List.of(stubborn, succeeds("b", 1)), seconds(1))
                            .contextWrite(Operators.enableOnDiscard(Context.empty(), discarded::add))))
                    .isEqualTo("b");
            await(sleep(Duration.ZERO));
            assertThat(discarded).containsExactly("late");
        });
    }

    @Test
    void futuresAreUnderWayAlready() throws Exception {
        VirtualTime.run(() -> {
            Future<String> given = new Future<>();
            Task<String> task = createTask(race(List.of(succeeds("a", 100), given, succeeds("c", 100)), seconds(10)));
            await(sleep(seconds(1)));
            given.setException(oops);
            await(sleep(seconds(1)));
            assertThat(trail).as("a failure of one lets the next begin").containsExactly("a at 0", "c at 1");
            await(task.cancelAndJoin());
            assertNothingIsLeft();
        });
    }

    @Test
    void worksOffEveryLoop() {
        StepVerifier.create(race(
                        List.of(sleep(HOUR, 1), Mono.error(oops), sleep(Duration.ofMillis(1), 2)),
                        Duration.ofMillis(5)))
                .expectNext(2)
                .verifyComplete();
        StepVerifier.create(race(List.of(Mono.<Integer>error(oops), Mono.just(1)), Duration.ZERO))
                .expectNext(1)
                .verifyComplete();
    }

    @Test
    void badArgumentsAreRefused() {
        assertThatThrownBy(() -> race(List.of(), seconds(1))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> race(List.of(Mono.just(1)), seconds(-1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("PT-1S");
        assertThatThrownBy(() -> race(Collections.singletonList((Mono<Integer>) null), seconds(1)))
                .isInstanceOf(NullPointerException.class);
    }
}
