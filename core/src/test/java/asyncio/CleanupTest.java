package asyncio;

import static asyncio.Asyncio.all;
import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.cleanup;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.currentTask;
import static asyncio.Asyncio.shieldedCleanup;
import static asyncio.Asyncio.sleep;
import static asyncio.ScopeStyle.errorOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** Cancellation that can be waited for. */
@Timeout(60)
class CleanupTest {
    private static final Duration LONG = Duration.ofHours(1);

    private static Duration ms(long millis) {
        return Duration.ofMillis(millis);
    }

    private static Duration now() {
        return EventLoop.getRunningLoop().time();
    }

    /** Takes 300 ms to end after a cancellation. */
    private static Mono<String> slowToEnd(List<String> log) {
        return async(() -> {
            try {
                return await(sleep(LONG, "not reached"));
            } finally {
                await(sleep(ms(300)));
                log.add("cleaned up");
            }
        });
    }

    /** Closes in 300 ms. */
    private static Mono<String> usesResource(List<String> log) {
        return Mono.usingWhen(
                Mono.just("connection"),
                connection -> Mono.never(),
                connection -> cleanup(sleep(ms(300)).doOnTerminate(() -> log.add("cleaned up"))));
    }

    private static void disposedBy(Function<Mono<String>, Mono<?>> chain, Class<? extends Throwable> error)
            throws Exception {
        ScopeStyle.run(() -> {
            for (int work = 0; work < 3; work++) {
                for (boolean inBody : new boolean[] {true, false}) {
                    List<String> log = new ArrayList<>();
                    Mono<String> source = switch (work) {
                        case 0 -> slowToEnd(log);
                        case 1 -> usesResource(log);
                        default ->
                            TaskGroup.scope(group -> {
                                group.createTask(slowToEnd(log));
                                return Mono.never();
                            });
                    };
                    Mono<?> mono = chain.apply(source);
                    Duration start = now();
                    Throwable thrown = errorOf(createTask(inBody ? async(() -> await(mono)) : mono));
                    if (error == null) {
                        assertThat(thrown).isNull();
                    } else {
                        assertThat(thrown).isInstanceOf(error);
                    }
                    assertThat(log).containsExactly("cleaned up");
                    assertThat(now().minus(start)).isEqualTo(ms(310));
                }
            }
        });
    }

    @Test
    @DisplayName("a timeout of Reactor's is heard of when the clean-up is done")
    void timeout() throws Exception {
        disposedBy(
                mono -> Mono.defer(
                        () -> mono.timeout(ms(10), EventLoop.getRunningLoop().scheduler())),
                TimeoutException.class);
    }

    @Test
    @DisplayName("the winner of firstWithSignal is heard of when the loser's clean-up is done")
    void firstWithSignal() throws Exception {
        disposedBy(mono -> Mono.firstWithSignal(mono, sleep(ms(10), "winner")), null);
    }

    @Test
    @DisplayName("the failure of a zip is heard of when the other's clean-up is done")
    void zip() throws Exception {
        disposedBy(mono -> Mono.zip(mono, sleep(ms(10)).then(Mono.error(new IOException("x")))), IOException.class);
    }

    @Test
    @DisplayName("what switchMap left behind is waited for")
    void switchMap() throws Exception {
        disposedBy(
                mono -> Flux.merge(Mono.just(0), sleep(ms(10), 1))
                        .switchMap(i -> i == 0 ? mono : Mono.just("next"))
                        .then(),
                null);
    }

    @Test
    @DisplayName(
            "a task that is cancelled ends when the clean-up below its operators is done; with a second cancel, too")
    void cancelAndJoin() throws Exception {
        ScopeStyle.run(() -> {
            for (boolean inBody : new boolean[] {true, false}) {
                List<String> log = new ArrayList<>();
                Mono<String> chain = Mono.zip(slowToEnd(log), usesResource(log), String::concat);
                Task<String> task = createTask(inBody ? async(() -> await(chain)) : chain);
                await(sleep(ms(10)));
                Duration start = now();
                Task<Void> joiner = createTask(task.cancelAndJoin("enough"));
                await(sleep(ms(10)));
                assertThat(task.toString()).contains("cancelling wait_for=clean-up of ");
                task.cancel("again");
                await(joiner);
                assertThat(log).containsExactly("cleaned up", "cleaned up");
                assertThat(now().minus(start)).isEqualTo(ms(300));
                assertThat(task.cancelled()).isTrue();
                // the one that is done
                await(task.cancelAndJoin());
            }
        });
    }

    @Test
    @DisplayName("cancelling cancelAndJoin ends the waiting only")
    void cancelTheJoiner() throws Exception {
        ScopeStyle.run(() -> {
            List<String> log = new ArrayList<>();
            Task<String> task = createTask(slowToEnd(log));
            await(sleep(ms(10)));
            Task<Void> joiner = createTask(task.cancelAndJoin());
            await(sleep(ms(10)));
            await(joiner.cancelAndJoin());
            assertThat(joiner.cancelled()).isTrue();
            assertThat(task.done()).isFalse();
            assertThat(errorOf(task)).isInstanceOf(CancelledException.class);
            assertThat(log).containsExactly("cleaned up");
        });
    }

    @Test
    @DisplayName(
            "outside of tasks the adapter changes nothing; a clean-up that fails fails the chain; it gives no value")
    void outsideTasks() throws Exception {
        List<String> log = new ArrayList<>();
        Mono<String> source = Mono.usingWhen(
                Mono.just("connection"),
                connection -> Mono.just(connection),
                connection -> cleanup(Flux.range(0, 3).map(i -> log.add("closed " + i))));
        StepVerifier.create(source).expectNext("connection").verifyComplete();
        assertThat(log).containsExactly("closed 0", "closed 1", "closed 2");
        Disposable disposable = Mono.usingWhen(
                        Mono.just("connection"),
                        connection -> Mono.never(),
                        connection -> cleanup(Mono.fromRunnable(() -> log.add("cancelled"))))
                .subscribe();
        disposable.dispose();
        assertThat(log).endsWith("cancelled");
        ScopeStyle.run(() -> {
            assertThat(await(source.hide())).isEqualTo("connection");
            assertThat(await(createTask(source))).isEqualTo("connection");
            assertThatThrownBy(() -> await(Mono.usingWhen(
                            Mono.just(1), Mono::just, one -> cleanup(Mono.error(new IOException("close"))))))
                    .hasStackTraceContaining("close");
        });
    }

    @Test
    @DisplayName("a shielded clean-up goes on though its task is cancelled, twice; the cancellation comes afterwards")
    void shielded() throws Exception {
        ScopeStyle.run(() -> {
            for (boolean reactive : new boolean[] {false, true}) {
                List<Object> log = new ArrayList<>();
                Mono<String> cleanUp = async(() -> {
                    await(sleep(ms(300)));
                    log.add("cleaned up");
                    return "value";
                });
                Task<String> task = createTask(
                        reactive
                                ? shieldedCleanup(cleanUp, ms(1000))
                                : async(() -> {
                                    String value = await(shieldedCleanup(cleanUp, ms(1000)));
                                    log.add(value + " " + currentTask().cancelling());
                                    await(sleep(Duration.ZERO));
                                    return "not reached";
                                }));
                await(sleep(ms(100)));
                task.cancel("first");
                await(sleep(ms(100)));
                task.cancel("second");
                assertThat(task.toString()).contains("cancelling");
                assertThat(errorOf(task)).isInstanceOf(CancelledException.class).hasMessage("first");
                assertThat(log).startsWith("cleaned up").hasSize(reactive ? 1 : 2);
                if (!reactive) {
                    assertThat(log.get(1)).isEqualTo("value 2");
                }
            }
        });
    }

    @Test
    @DisplayName("a shielded clean-up that is not cancelled has its outcome; one that does not suspend is done at once")
    void shieldedOutcome() throws Exception {
        ScopeStyle.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            assertThat(await(shieldedCleanup(sleep(ms(1), "value"), ms(10)))).isEqualTo("value");
            List<String> log = new ArrayList<>();
            loop.callSoon(() -> log.add("another"));
            assertThat(await(shieldedCleanup(Mono.just("value"), ms(10)))).isEqualTo("value");
            assertThat(log).isEmpty();
            IOException error = new IOException("x");
            assertThatThrownBy(() -> await(shieldedCleanup(sleep(ms(1)).then(Mono.error(error)), ms(10))))
                    .isSameAs(error);
        });
        StepVerifier.create(shieldedCleanup(Mono.just(1), ms(10))).expectNext(1).verifyComplete();
    }

    @Test
    @DisplayName("a shielded clean-up whose time is over is cancelled and waited for; its error is the caller's")
    void shieldedTimesOut() throws Exception {
        ScopeStyle.run(() -> {
            List<String> log = new ArrayList<>();
            Duration start = now();
            assertThatThrownBy(() -> await(shieldedCleanup(slowToEnd(log), ms(100))))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessage("Timed out after PT0.1S")
                    .hasCauseInstanceOf(CancelledException.class);
            assertThat(log).containsExactly("cleaned up");
            assertThat(now().minus(start)).isEqualTo(ms(400));
            // within a timeout that expires meanwhile: the rest of the finally block still runs
            Task<Void> task = createTask(asyncio.Timeout.scopeBody(ms(50), timeout -> {
                try {
                    await(sleep(LONG));
                } finally {
                    await(shieldedCleanup(sleep(ms(100)), ms(1000)));
                    log.add("the rest");
                }
                return null;
            }));
            assertThat(errorOf(task)).isInstanceOf(TimeoutException.class);
            assertThat(log).endsWith("the rest");
        });
    }

    @Test
    @DisplayName("all gives the results in order, null for an empty one; of nothing, nothing")
    void allResults() throws Exception {
        ScopeStyle.run(() -> {
            Mono<List<Integer>> three = all(sleep(ms(20), 1), Mono.empty(), async(() -> await(sleep(ms(10), 3))));
            assertThat(await(three)).containsExactly(1, null, 3);
            assertThat(await(createTask(three))).containsExactly(1, null, 3);
            assertThat(await(all(List.<Mono<Integer>>of()))).isEmpty();
        });
        StepVerifier.create(all(List.of(Mono.just(1), Mono.just("two"))))
                .expectNext(List.of(1, "two"))
                .verifyComplete();
    }

    @Test
    @DisplayName("all: when one fails the others are cancelled and waited for, and the error is a group")
    void allFails() throws Exception {
        ScopeStyle.run(() -> {
            for (boolean reactive : new boolean[] {false, true}) {
                List<String> log = new ArrayList<>();
                IOException error = new IOException("x");
                Mono<List<Object>> all = all(slowToEnd(log), sleep(ms(10)).then(Mono.error(error)), slowToEnd(log));
                Throwable thrown = errorOf(createTask(reactive ? all : async(() -> await(all))));
                assertThat(((ExceptionGroup) thrown).exceptions()).containsExactly(error);
                assertThat(log).containsExactly("cleaned up", "cleaned up");
            }
        });
    }

    /** Grants itself, 10 ms after the request, a value that takes 300 ms to be given back. */
    private static final class SlowToGiveBack extends ColdMono<String> {
        private final List<String> log;

        SlowToGiveBack(List<String> log) {
            super(SlowToGiveBack.class);
            this.log = log;
        }

        @Override
        protected void start(CoreSubscriber<? super String> actual) {
            actual.onSubscribe(new Suspension<String>(actual, null) {
                @Override
                protected boolean begin() {
                    EventLoop.getRunningLoop().callLater(ms(10), () -> {
                        if (grant("value")) {
                            deliver();
                            log.add("granted");
                        }
                    });
                    return false;
                }

                @Override
                protected void leave() {}

                @Override
                public void giveBack(String value) {
                    Cleanups cleanups = Cleanups.of(actual().currentContext());
                    cleanups.begin();
                    EventLoop.getRunningLoop().callLater(ms(300), () -> {
                        log.add("given back");
                        cleanups.end();
                    });
                }

                @Override
                protected String target() {
                    return "a test's value";
                }
            });
        }
    }

    @Test
    @DisplayName("who is cancelled between the grant and its turn goes on when the value has been given back")
    void givingBackTakesTime() throws Exception {
        ScopeStyle.run(() -> {
            for (int style = 0; style < 3; style++) {
                List<String> log = new ArrayList<>();
                Mono<String> source = new SlowToGiveBack(log);
                Duration start = now();
                Task<String> task = createTask(
                        switch (style) {
                            case 0 -> async(() -> await(source));
                            case 1 -> source;
                            default -> asyncio.Timeout.scope(LONG, timeout -> source);
                        });
                await(sleep(ms(5)));
                // in the tick of the grant: after it, and before the waiter's turn
                EventLoop.getRunningLoop().callLater(ms(5), task::cancel);
                assertThat(errorOf(task)).isInstanceOf(CancelledException.class);
                assertThat(log).containsExactly("granted", "given back");
                assertThat(now().minus(start)).isEqualTo(ms(310));
            }
        });
    }
}
