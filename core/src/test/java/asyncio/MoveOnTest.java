package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Mono;

/** The contract of {@code Timeout.moveOn}, in both styles. */
@Timeout(60)
class MoveOnTest {
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration HOUR = Duration.ofHours(1);

    private enum Style {
        REACTIVE,
        BODY,
        TASK;

        <T> Mono<asyncio.Timeout.Outcome<T>> moveOn(Duration limit, Mono<T> mono) {
            return switch (this) {
                case REACTIVE -> asyncio.Timeout.moveOn(limit, timeout -> mono);
                case BODY -> asyncio.Timeout.moveOnBody(limit, timeout -> await(mono));
                case TASK -> asyncio.Timeout.<T>moveOn(limit, timeout -> mono).map(outcome -> outcome);
            };
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatIsInTimeHasItsValue(Style style) throws Exception {
        VirtualTime.run(() -> {
            asyncio.Timeout.Outcome<Integer> outcome = await(style.moveOn(HOUR, sleep(SECOND, 1)));
            assertThat(outcome.movedOn()).isFalse();
            assertThat(outcome.value()).isEqualTo(1);
            assertThat(outcome.orElse(2)).isEqualTo(1);
            assertThat(outcome.toOptional()).hasValue(1);
            asyncio.Timeout.Outcome<Void> empty = await(style.moveOn(HOUR, sleep(SECOND)));
            assertThat(empty.movedOn()).isFalse();
            assertThat(empty.toOptional()).isEmpty();
        });
    }

    @ParameterizedTest
    @EnumSource
    void whatIsNotIsCancelledAndWaitedForWithoutAnError(Style style) throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Duration start = loop.time();
            Mono<Integer> slow = async(() -> {
                try {
                    return await(sleep(HOUR, 1));
                } finally {
                    await(sleep(Duration.ofSeconds(3)));
                }
            });
            asyncio.Timeout.Outcome<Integer> outcome = await(style.moveOn(SECOND, slow));
            assertThat(outcome.movedOn()).isTrue();
            assertThat(outcome.value()).isNull();
            assertThat(outcome.orElse(2)).isEqualTo(2);
            assertThat(loop.time().minus(start)).isEqualTo(Duration.ofSeconds(4));
            assertThat(Asyncio.currentTask().cancelling()).isZero();
            await(sleep(SECOND));
            assertThat(loop.core.timerCount()).isZero();
        });
    }

    @ParameterizedTest
    @EnumSource
    void anErrorAndAnInnerTimeoutComeOut(Style style) throws Exception {
        VirtualTime.run(() -> {
            IOException oops = new IOException("oops");
            assertThat(catchThrowable(
                            () -> await(style.moveOn(HOUR, sleep(SECOND).then(Mono.error(oops))))))
                    .isSameAs(oops);
            assertThat(catchThrowable(() -> await(style.moveOn(HOUR, Asyncio.waitFor(sleep(HOUR, 1), SECOND)))))
                    .as("the time of another one")
                    .isInstanceOf(TimeoutException.class);
            Mono<Integer> fails = async(() -> {
                try {
                    return await(sleep(HOUR, 1));
                } catch (CancelledException e) {
                    throw oops;
                }
            });
            assertThat(catchThrowable(() -> await(style.moveOn(SECOND, fails)))).isSameAs(oops);
        });
    }

    @ParameterizedTest
    @EnumSource
    void aCancellationFromOutsideStaysOneAlsoWhenTheTimeIsOutMeanwhile(Style style) throws Exception {
        VirtualTime.run(() -> {
            Mono<Integer> slow = async(() -> {
                try {
                    return await(sleep(HOUR, 1));
                } finally {
                    await(sleep(Duration.ofSeconds(3)));
                }
            });
            for (Duration limit : List.of(HOUR, Duration.ofSeconds(2))) {
                Task<asyncio.Timeout.Outcome<Integer>> task = createTask(style.moveOn(limit, slow));
                await(sleep(SECOND));
                task.cancel();
                assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            }
        });
    }

    @Test
    void ofNestedOnesTheOneWhoseTimeIsOutMovesOn() throws Exception {
        VirtualTime.run(() -> {
            List<String> trail = new ArrayList<>();
            asyncio.Timeout.Outcome<String> outer = await(asyncio.Timeout.moveOnBody(SECOND, t -> {
                asyncio.Timeout.Outcome<Integer> inner = await(asyncio.Timeout.moveOn(HOUR, u -> sleep(HOUR, 1)));
                trail.add("not reached " + inner);
                return "value";
            }));
            assertThat(outer.movedOn()).isTrue();
            outer = await(asyncio.Timeout.moveOnBody(HOUR, t -> {
                asyncio.Timeout.Outcome<Integer> inner = await(asyncio.Timeout.moveOn(SECOND, u -> sleep(HOUR, 1)));
                return "inner " + inner.movedOn();
            }));
            assertThat(outer.value()).isEqualTo("inner true");
            assertThat(trail).isEmpty();
        });
    }

    @Test
    void whatRefusesToEndHasItsValue() throws Exception {
        VirtualTime.run(() -> {
            asyncio.Timeout.Outcome<String> outcome = await(asyncio.Timeout.moveOnBody(SECOND, timeout -> {
                try {
                    await(sleep(HOUR));
                } catch (CancelledException e) {
                    assertThat(timeout.expired()).isTrue();
                }
                return "all the same";
            }));
            assertThat(outcome).isEqualTo(new asyncio.Timeout.Outcome<>(false, "all the same"));
        });
    }

    @Test
    void theLimitCanBeMoved() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            assertThat(await(asyncio.Timeout.moveOnBody(SECOND, timeout -> {
                                timeout.reschedule(loop.time().plusSeconds(5));
                                return await(sleep(Duration.ofSeconds(3), "in time"));
                            }))
                            .value())
                    .isEqualTo("in time");
        });
        assertThatThrownBy(() -> asyncio.Timeout.moveOn(SECOND, null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> asyncio.Timeout.moveOnBody(SECOND, null)).isInstanceOf(NullPointerException.class);
    }
}
