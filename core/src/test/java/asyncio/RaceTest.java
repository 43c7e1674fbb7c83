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
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.test.StepVerifier;
import reactor.util.context.Context;

@Timeout(60)
class RaceTest {
    private final IOException oops = new IOException("oops");
    private final IOException other = new IOException("other");

    @AfterAll
    static void shutdown() {
        assertThat(EventLoop.shutdownShared(Duration.ofSeconds(10))).isTrue();
    }

    private static <T> Mono<T> after(int seconds, T value) {
        return sleep(Duration.ofSeconds(seconds), value);
    }

    private static <T> Mono<T> failsAfter(int seconds, Throwable error) {
        return sleep(Duration.ofSeconds(seconds)).then(Mono.error(error));
    }

    @Test
    void theFirstSuccessWinsAndTheLosersAreCancelledAndWaitedFor() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Duration start = loop.time();
            List<String> cleaned = new ArrayList<>();
            Mono<String> loser = async(() -> {
                try {
                    return await(after(10, "slow"));
                } finally {
                    await(sleep(Duration.ofSeconds(3)));
                    cleaned.add("after " + loop.time().minus(start));
                }
            });
            Future<String> given = new Future<>();
            assertThat(await(race(loser, given, failsAfter(1, oops), after(2, "fast"))))
                    .isEqualTo("fast");
            assertThat(cleaned).containsExactly("after PT5S");
            assertThat(given.cancelled()).isTrue();
            assertThat(Asyncio.allTasks()).containsExactly(Asyncio.currentTask());
        });
    }

    @Test
    void subscribedOffEveryLoop() {
        StepVerifier.create(race(sleep(Duration.ofHours(1), 1), sleep(Duration.ofMillis(1), 2)))
                .expectNext(2)
                .verifyComplete();
        StepVerifier.create(race(Mono.never(), Mono.empty())).verifyComplete(); // an empty one is a success
    }

    @Test
    void ifAllFailTheirErrorsComeTogether() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> cancelled = new Future<>();
            cancelled.cancel("x");
            assertThatThrownBy(() -> await(race(
                            sleep(Duration.ofMillis(2)).then(Mono.<Integer>error(oops)), cancelled, Mono.error(other))))
                    .isInstanceOfSatisfying(ExceptionGroup.class, group -> {
                        assertThat(group.groupMessage()).isEqualTo("no participant won the race");
                        assertThat(group.exceptions().get(0)).isSameAs(oops);
                        assertThat(group.exceptions().get(1)).isInstanceOf(CancelledException.class);
                        assertThat(group.exceptions().get(2)).isSameAs(other);
                        assertThat(group.exceptions()).hasSize(3);
                    });
            assertThatThrownBy(() -> await(race(cancelled))).isInstanceOf(CancelledException.class);
        });
        StepVerifier.create(race(Mono.error(oops))).verifyError(ExceptionGroup.class);
    }

    @Test
    void aRaceOfNoneIsRefused() {
        assertThatThrownBy(() -> race(List.of())).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void cancellingEndsWithTheLastOfThem() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Duration start = loop.time();
            Future<String> given = new Future<>();
            Mono<String> slowToEnd = async(() -> {
                try {
                    return await(after(10, "x"));
                } catch (CancelledException e) {
                    await(sleep(Duration.ofSeconds(3)));
                    throw oops;
                }
            });
            Task<String> racing = createTask(async(() -> await(race(given, slowToEnd))));
            Task<String> withoutBody = createTask(race(given, slowToEnd.onErrorComplete()));
            await(sleep(Duration.ofSeconds(1)));
            racing.cancel("enough");
            withoutBody.cancel();
            assertThatThrownBy(() -> await(withoutBody)).isInstanceOf(CancelledException.class);
            assertThat(loop.time().minus(start)).isEqualTo(Duration.ofSeconds(4));
            assertThatThrownBy(() -> await(racing))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("enough")
                    .hasSuppressedException(oops);
            assertThat(loop.time().minus(start)).isEqualTo(Duration.ofSeconds(4));
            assertThat(given.cancelled()).isTrue();
        });
    }

    @Test
    void cancellingWhileTheLosersCleanUpDoesNotDisturbThem() throws Exception {
        List<Object> discarded = new CopyOnWriteArrayList<>();
        EventLoop loop = VirtualTime.newLoop();
        try {
            List<String> cleaned = new ArrayList<>();
            Mono<String> loser = async(() -> {
                try {
                    return await(after(10, "x"));
                } finally {
                    await(sleep(Duration.ofSeconds(3)));
                    cleaned.add("all");
                }
            });
            Task<String> racing = loop.createTask(
                    async(() -> await(race(loser, after(1, "winner")))),
                    null,
                    Operators.enableOnDiscard(Context.empty(), discarded::add));
            loop.runUntilComplete(sleep(Duration.ofSeconds(2)));
            racing.cancel();
            assertThatThrownBy(() -> loop.runUntilComplete(racing)).isInstanceOf(CancelledException.class);
            loop.runUntilComplete(sleep(Duration.ZERO));
            assertThat(cleaned).containsExactly("all");
            assertThat(discarded).containsExactly("winner");
        } finally {
            loop.close();
        }
    }

    @Test
    void disposingCancelsAll() throws Exception {
        Future<Integer> given = new Future<>();
        CountDownLatch started = new CountDownLatch(1);
        CountDownLatch cleaned = new CountDownLatch(1);
        Mono<Integer> body = async(() -> {
            try {
                started.countDown();
                return await(sleep(Duration.ofHours(1), 1));
            } finally {
                cleaned.countDown();
            }
        });
        var subscription = race(given, body).subscribe();
        started.await();
        subscription.dispose();
        cleaned.await();
        assertThat(given.cancelled()).isTrue();
    }

    @Test
    void aResultThatComesTooLateIsDiscardedAndAnErrorReported() throws Exception {
        List<Object> discarded = new CopyOnWriteArrayList<>();
        List<ExceptionContext> reported = new ArrayList<>();
        EventLoop loop = VirtualTime.newLoop();
        loop.setExceptionHandler((l, context) -> reported.add(context));
        try {
            Mono<String> stubborn = async(() -> {
                try {
                    return await(after(10, "x"));
                } catch (CancelledException e) {
                    return "too late";
                }
            });
            Mono<String> failing = async(() -> {
                try {
                    return await(after(10, "x"));
                } finally {
                    throwing(oops);
                }
            });
            Future<String> done = loop.createFuture();
            done.setResult("given");
            assertThat(loop.runUntilComplete(race(stubborn, failing, failsAfter(0, other), after(1, "winner"))
                            .contextWrite(Operators.enableOnDiscard(Context.empty(), discarded::add))))
                    .isEqualTo("winner");
            loop.runUntilComplete(sleep(Duration.ZERO));
            assertThat(discarded).containsExactly("too late");
            assertThat(reported)
                    .singleElement()
                    .satisfies(context -> assertThat(context.exception()).isSameAs(oops));

            // a winner that is done wins at once; the other never starts
            assertThat(loop.runUntilComplete(race(Mono.fromCallable(() -> discarded.add("began")), done)))
                    .isEqualTo("given");
            assertThat(discarded).containsExactly("too late");
        } finally {
            loop.close();
        }
    }

    private static void throwing(Exception e) throws Exception {
        throw e;
    }

    @Test
    void errorsOfARaceThatIsWonAreNotReported() throws Exception {
        assertThat(Reported.by(() -> {
                    Task<String> failing = createTask(failsAfter(1, oops));
                    assertThat(await(race(failing, after(2, "x")))).isEqualTo("x");
                }))
                .isEmpty();
    }

    @Test
    void aHundredThousandLosers() throws Exception {
        Asyncio.run(() -> {
            List<Mono<Integer>> racers = new ArrayList<>();
            for (int i = 0; i < 100_000; i++) {
                racers.add(Mono.never());
            }
            racers.add(Mono.just(42));
            assertThat(await(race(racers))).isEqualTo(42);
            assertThat(Asyncio.allTasks()).containsExactly(Asyncio.currentTask());
        });
    }
}
