package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.iterate;
import static asyncio.Asyncio.shieldedCleanup;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import asyncio.Timeout.Outcome;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The contract of {@code CancelScope}; the cases are those of trio's {@code test_run.py} and anyio's
 * {@code test_taskgroups.py}.
 */
@Timeout(60)
class CancelScopeTest {
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration HOUR = Duration.ofHours(1);

    private enum Style {
        REACTIVE,
        BODY,
        TASK;

        <T> Mono<Outcome<T>> open(BodyFunction<CancelScope, Mono<T>> body) {
            return switch (this) {
                case REACTIVE -> CancelScope.scope(scope -> of(body, scope));
                case BODY -> CancelScope.scopeBody(scope -> await(body.apply(scope)));
                case TASK -> CancelScope.scope(scope -> of(body, scope)).map(outcome -> outcome);
            };
        }

        private static <T> Mono<T> of(BodyFunction<CancelScope, Mono<T>> body, CancelScope scope) {
            try {
                return body.apply(scope);
            } catch (Exception e) {
                return Mono.error(e);
            }
        }
    }

    private static Duration now() {
        return EventLoop.getRunningLoop().time();
    }

    @ParameterizedTest
    @EnumSource
    void aScopeThatNobodyCancelsHasItsValueOrItsError(Style style) throws Exception {
        VirtualTime.run(() -> {
            Outcome<Integer> outcome = await(style.open(scope -> sleep(SECOND, 1)));
            assertThat(outcome).isEqualTo(new Outcome<>(false, 1));
            IOException oops = new IOException("oops");
            assertThat(catchThrowable(() -> await(style.open(scope -> Mono.error(oops)))))
                    .isSameAs(oops);
        });
    }

    @ParameterizedTest
    @EnumSource
    void cancellingFromAnotherTaskEndsItWithoutAnError(Style style) throws Exception {
        VirtualTime.run(() -> {
            Duration start = now();
            AtomicReference<CancelScope> open = new AtomicReference<>();
            createTask(async(() -> {
                await(sleep(SECOND));
                open.get().cancel("enough");
                open.get().cancel("again");
            }));
            Outcome<Integer> outcome = await(style.open(scope -> {
                open.set(scope);
                return sleep(HOUR, 1);
            }));
            assertThat(outcome).isEqualTo(new Outcome<>(true, null));
            assertThat(open.get().cancelCalled()).isTrue();
            assertThat(open.get().reason()).isEqualTo("enough");
            assertThat(now().minus(start)).isEqualTo(SECOND);
            assertThat(Asyncio.currentTask().cancelling()).isZero();
            await(sleep(SECOND)); // and the next await is not cancelled
            assertThat(EventLoop.getRunningLoop().core.timerCount()).isZero();
        });
    }

    @ParameterizedTest
    @EnumSource
    void aScopeIsCancelledWhenItsTimeIsOut(Style style) throws Exception {
        VirtualTime.run(() -> {
            Duration start = now();
            Outcome<Integer> outcome = await(style.open(scope -> {
                scope.reschedule(now().plus(SECOND));
                assertThat(scope.when()).isEqualTo(now().plus(SECOND));
                return sleep(HOUR, 1);
            }));
            assertThat(outcome.movedOn()).isTrue();
            assertThat(now().minus(start)).isEqualTo(SECOND);
        });
    }

    @Test
    void anyThreadMayCancel() throws Exception {
        Asyncio.run(() -> {
            Outcome<Void> outcome = await(CancelScope.scopeBody(scope -> {
                Thread other = new Thread(scope::cancel);
                other.start();
                await(sleep(HOUR));
                return null;
            }));
            assertThat(outcome.movedOn()).isTrue();
        });
    }

    /** trio: test_cancel_edge_cases; asyncio's edge would let the second await wait. */
    @Test
    void eachAwaitInACancelledScopeThrows() throws Exception {
        VirtualTime.run(() -> {
            Duration start = now();
            List<String> seen = new ArrayList<>();
            Outcome<Integer> outcome = await(CancelScope.scopeBody(scope -> {
                EventLoop.getRunningLoop().callLater(SECOND, () -> scope.cancel("enough"));
                for (int i = 0; i < 3; i++) {
                    try {
                        await(sleep(HOUR));
                    } catch (CancelledException e) {
                        seen.add(e.getMessage());
                    }
                }
                return await(sleep(HOUR, 1));
            }));
            assertThat(seen).containsExactly("enough", "enough", "enough");
            assertThat(outcome.movedOn()).isTrue();
            assertThat(now().minus(start)).isEqualTo(SECOND);
        });
    }

    @Test
    void theFirstAwaitAfterOnesOwnCancelThrowsAndCancelsNothingThatIsAwaited() throws Exception {
        VirtualTime.run(() -> {
            Future<Integer> shared = new Future<>();
            Outcome<Integer> outcome = await(CancelScope.scopeBody(scope -> {
                scope.cancel();
                assertThat(Asyncio.currentTask().cancelling()).isOne();
                return await(shared);
            }));
            assertThat(outcome.movedOn()).isTrue();
            assertThat(shared.done()).isFalse();
            assertThat(Asyncio.currentTask().cancelling()).isZero();
        });
    }

    /** trio: test_cancel_scope_misc; a cancelled scope that does not await any more keeps its value. */
    @Test
    void aValueThatComesAllTheSameIsTheOutcome() throws Exception {
        VirtualTime.run(() -> {
            Outcome<Integer> outcome = await(CancelScope.scopeBody(scope -> {
                scope.cancel();
                return 1;
            }));
            assertThat(outcome).isEqualTo(new Outcome<>(false, 1));
            await(sleep(SECOND));
        });
    }

    @Test
    void anErrorOfTheCleanUpComesOut() throws Exception {
        VirtualTime.run(() -> {
            IOException oops = new IOException("oops");
            assertThat(catchThrowable(() -> await(CancelScope.scopeBody(scope -> {
                        scope.cancel();
                        try {
                            return await(sleep(HOUR, 1));
                        } catch (CancelledException e) {
                            throw oops;
                        }
                    }))))
                    .isSameAs(oops);
            assertThat(Asyncio.currentTask().cancelling()).isZero();
        });
    }

    /** trio: test_cancel_scope_nesting. */
    @Test
    void aScopeInsideOneThatIsCancelledIsLeftWithIt() throws Exception {
        VirtualTime.run(() -> {
            List<Boolean> inner = new ArrayList<>();
            Outcome<Void> outer = await(CancelScope.scopeBody(around -> {
                inner.add(await(CancelScope.scopeBody(scope -> {
                            around.cancel();
                            try {
                                await(sleep(HOUR));
                            } catch (CancelledException e) {
                                assertThatThrownBy(() -> await(sleep(HOUR))).isInstanceOf(CancelledException.class);
                                throw e;
                            }
                            return null;
                        }))
                        .movedOn());
                return null;
            }));
            assertThat(outer.movedOn()).isTrue();
            assertThat(inner).isEmpty();
        });
    }

    @Test
    void theOuterScopeIsNotLeftWhenTheInnerOneIsCancelled() throws Exception {
        VirtualTime.run(() -> {
            Outcome<Integer> outer = await(CancelScope.scopeBody(around -> {
                Outcome<Void> inner = await(CancelScope.scopeBody(scope -> {
                    scope.cancel();
                    await(sleep(HOUR));
                    return null;
                }));
                assertThat(inner.movedOn()).isTrue();
                assertThat(around.cancelCalled()).isFalse();
                return await(sleep(SECOND, 1));
            }));
            assertThat(outer).isEqualTo(new Outcome<>(false, 1));
        });
    }

    @Test
    void bothCancelledAtOnceLeaveTheOuterOne() throws Exception {
        VirtualTime.run(() -> {
            AtomicBoolean between = new AtomicBoolean();
            Outcome<Void> outer = await(CancelScope.scopeBody(around -> {
                await(CancelScope.scopeBody(scope -> {
                    EventLoop.getRunningLoop().callLater(SECOND, () -> {
                        scope.cancel();
                        around.cancel();
                    });
                    await(sleep(HOUR));
                    return null;
                }));
                between.set(true);
                await(sleep(HOUR));
                return null;
            }));
            assertThat(outer.movedOn()).isTrue();
            assertThat(between).as("the code between the two").isFalse();
            assertThat(Asyncio.currentTask().cancelling()).isZero();
        });
    }

    /** trio: test_shield; anyio: test_shielded_cleanup_after_cancel. */
    @Test
    void aShieldedCleanUpIsDoneInACancelledScope() throws Exception {
        VirtualTime.run(() -> {
            Duration start = now();
            AtomicBoolean done = new AtomicBoolean();
            Outcome<Void> outcome = await(CancelScope.scopeBody(scope -> {
                EventLoop.getRunningLoop().callLater(SECOND, scope::cancel);
                try {
                    await(sleep(HOUR));
                } finally {
                    await(shieldedCleanup(
                            async(() -> {
                                await(sleep(SECOND));
                                done.set(true);
                            }),
                            HOUR));
                }
                return null;
            }));
            assertThat(outcome.movedOn()).isTrue();
            assertThat(done).isTrue();
            assertThat(now().minus(start)).isEqualTo(Duration.ofSeconds(2));
        });
    }

    @Test
    void anIteratorIsClosedAndWaitedForInACancelledScope() throws Exception {
        VirtualTime.run(() -> {
            AtomicBoolean closed = new AtomicBoolean();
            Flux<Integer> items = Asyncio.generate(emitter -> {
                try {
                    for (int i = 0; ; i++) {
                        await(emitter.emit(i));
                    }
                } finally {
                    await(sleep(SECOND));
                    closed.set(true);
                }
            });
            Outcome<Void> outcome = await(CancelScope.scopeBody(scope -> {
                try (AsyncIterator<Integer> iterator = iterate(items)) {
                    await(iterator.next());
                    scope.cancel();
                    await(iterator.next());
                }
                return null;
            }));
            assertThat(outcome.movedOn()).isTrue();
            assertThat(closed).isTrue();
        });
    }

    @Test
    void theTasksOfAGroupInTheScopeAreCancelledAndWaitedFor() throws Exception {
        VirtualTime.run(() -> {
            Duration start = now();
            List<String> ended = new ArrayList<>();
            Outcome<Void> outcome = await(CancelScope.scopeBody(scope -> {
                await(TaskGroup.scopeBody(group -> {
                    for (String name : List.of("a", "b")) {
                        group.createTask(async(() -> {
                            try {
                                await(sleep(HOUR));
                            } finally {
                                await(sleep(SECOND));
                                ended.add(name);
                            }
                        }));
                    }
                    EventLoop.getRunningLoop().callLater(SECOND, scope::cancel);
                    return null;
                }));
                return null;
            }));
            assertThat(outcome.movedOn()).isTrue();
            assertThat(ended).containsExactly("a", "b");
            assertThat(now().minus(start)).isEqualTo(Duration.ofSeconds(2));
        });
    }

    @ParameterizedTest
    @EnumSource
    void aCancellationOfTheTaskStaysOneAlsoWhenTheScopeIsCancelledMeanwhile(Style style) throws Exception {
        VirtualTime.run(() -> {
            for (boolean both : List.of(false, true)) {
                AtomicReference<CancelScope> open = new AtomicReference<>();
                Task<Outcome<Integer>> task = createTask(style.open(scope -> {
                    open.set(scope);
                    return sleep(HOUR, 1);
                }));
                await(sleep(SECOND));
                if (both) {
                    open.get().cancel();
                }
                task.cancel();
                assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            }
        });
    }

    @Test
    void cancellingAScopeThatIsOverDoesNothing() throws Exception {
        VirtualTime.run(() -> {
            AtomicReference<CancelScope> open = new AtomicReference<>();
            await(CancelScope.scopeBody(scope -> {
                open.set(scope);
                return null;
            }));
            open.get().cancel();
            await(sleep(SECOND));
            assertThat(open.get().cancelCalled()).isFalse();
            assertThat(open.get()).hasToString("<CancelScope [finished]>");
            assertThatThrownBy(() -> open.get().reschedule(null)).isInstanceOf(IllegalStateException.class);
        });
    }

    @Test
    void aScopeThatThrowsRightAwayOrGivesNoMonoSaysSo() throws Exception {
        VirtualTime.run(() -> {
            assertThatThrownBy(() -> await(CancelScope.scope(scope -> null)))
                    .isInstanceOf(NullPointerException.class)
                    .hasMessageContaining("returned null instead of a Mono");
            assertThatThrownBy(() -> await(CancelScope.scope(scope -> {
                        throw new IllegalStateException("oops");
                    })))
                    .hasMessage("oops");
        });
    }

    @Test
    void oneThatIsOverMayBeCancelledAlsoWhenItsLoopIsClosed() throws Exception {
        AtomicReference<CancelScope> open = new AtomicReference<>();
        Asyncio.run(() -> {
            await(CancelScope.scopeBody(scope -> {
                open.set(scope);
                return null;
            }));
        });
        open.get().cancel("late");
        assertThat(open.get().reason()).isNull();
    }

    @Test
    void anErrorOfACancelledScopeIsNoTimeout() throws Exception {
        VirtualTime.run(() -> assertThat(catchThrowable(() -> await(CancelScope.scopeBody(scope -> {
                    scope.cancel();
                    try {
                        return await(sleep(HOUR));
                    } catch (CancelledException e) {
                        throw new IOException("oops");
                    }
                }))))
                .hasMessage("oops")
                .hasNoSuppressedExceptions());
    }
}
