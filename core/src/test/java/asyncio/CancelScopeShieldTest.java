package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Timeout.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;

/** {@code CancelScope.shield}; the assertions are those of trio's {@code test_run.py}. */
@Timeout(60)
class CancelScopeShieldTest {
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration HOUR = Duration.ofHours(1);

    private static Duration now() {
        return EventLoop.getRunningLoop().time();
    }

    private static void checkpoint() throws Exception {
        await(sleep(Duration.ZERO));
    }

    private static void assertCancelled() {
        assertThatThrownBy(CancelScopeShieldTest::checkpoint).isInstanceOf(CancelledException.class);
    }

    @FunctionalInterface
    private interface Work {
        void in(CancelScope scope) throws Exception;
    }

    private static Mono<Outcome<Void>> scope(Work work) {
        return CancelScope.scopeBody(scope -> {
            work.in(scope);
            return null;
        });
    }

    @Test
    @DisplayName("a shield that follows a cancellation in the tick in which the await ends keeps it off")
    void afterTheEndOfTheAwait() throws Exception {
        VirtualTime.run(() -> {
            EventLoop.getRunningLoop().currentTask().cancel(); // and swallows it: the count is not zero below
            assertCancelled();
            Outcome<Void> ended = await(scope(outer -> {
                await(scope(inner -> {
                    EventLoop.getRunningLoop().callSoon(() -> {
                        outer.cancel();
                        inner.shield(true);
                    });
                    checkpoint();
                    checkpoint();
                    inner.shield(false);
                    assertCancelled();
                }));
                checkpoint();
            }));
            assertThat(ended.movedOn()).isTrue();
        });
    }

    @Test
    @DisplayName("trio: a shield keeps the outer cancellation off, and turned off lets it through, again and again")
    void onAndOff() throws Exception {
        VirtualTime.run(() -> {
            Outcome<Void> ended = await(scope(outer -> {
                await(scope(inner -> {
                    inner.shield(true);
                    assertThat(inner.isShield()).isTrue();
                    outer.cancel();
                    assertThat(outer.cancelCalled()).isTrue();
                    checkpoint();
                    await(sleep(SECOND));
                    inner.shield(false);
                    assertCancelled();
                    assertCancelled();
                    inner.shield(true);
                    checkpoint();
                    checkpoint();
                    inner.shield(false);
                    inner.shield(true);
                    checkpoint();
                }));
                assertCancelled();
                checkpoint();
            }));
            assertThat(ended.movedOn()).isTrue();
            assertThat(Asyncio.currentTask().cancelling()).isZero();
            checkpoint();
        });
    }

    @Test
    @DisplayName("trio test_cancel_shield_abort: taken away by another task, it lets through what a wait was kept from")
    void shieldAbort() throws Exception {
        VirtualTime.run(() -> {
            List<String> record = new ArrayList<>();
            AtomicReference<CancelScope> inside = new AtomicReference<>();
            Task<Outcome<Void>> sleeper = createTask(scope(outer -> {
                outer.cancel("enough");
                await(scope(inner -> {
                    inner.shield(true);
                    inside.set(inner);
                    record.add("sleeping");
                    try {
                        await(sleep(HOUR));
                    } catch (CancelledException e) {
                        record.add(e.getMessage());
                        throw e;
                    }
                }));
            }));
            await(sleep(SECOND));
            assertThat(record).containsExactly("sleeping");
            inside.get().shield(false);
            assertThat(await(sleeper).movedOn()).isTrue();
            assertThat(record).containsExactly("sleeping", "enough");
            assertThat(now()).isLessThan(HOUR);
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("reactive: the work in a shielded scope ends, then the outer cancellation is delivered")
    void reactive(boolean body) throws Exception {
        VirtualTime.run(() -> {
            List<Object> record = new ArrayList<>();
            Mono<Outcome<Integer>> outer = CancelScope.scope(around -> {
                EventLoop.getRunningLoop().callLater(SECOND, () -> around.cancel());
                return CancelScope.<Integer>scope(inner -> {
                            inner.shield(true);
                            return sleep(SECOND.multipliedBy(3), 1).doOnNext(record::add);
                        })
                        .map(Outcome::value);
            });
            Mono<Outcome<Integer>> nested = CancelScope.scope(around -> {
                EventLoop.getRunningLoop().callLater(SECOND, () -> around.cancel());
                return Asyncio.waitFor(
                        CancelScope.<Integer>scope(inner -> {
                                    inner.shield(true);
                                    return sleep(SECOND.multipliedBy(3), 2).doOnNext(record::add);
                                })
                                .map(Outcome::value),
                        HOUR);
            });
            Mono<Outcome<Integer>> inOneTask = CancelScope.<Outcome<Integer>>scope(around -> {
                        EventLoop.getRunningLoop().callLater(SECOND, () -> around.cancel());
                        return CancelScope.scope(inner -> {
                            inner.shield(true);
                            return sleep(SECOND.multipliedBy(3), 3).doOnNext(record::add);
                        });
                    })
                    .map(both -> both.value());
            Outcome<Integer> shielded = body ? await(async(() -> await(inOneTask))) : await(createTask(inOneTask));
            assertThat(shielded).isEqualTo(new Outcome<>(false, 3));
            assertThat(record).containsExactly(3);
            // behind an operator a scope is a task of its own, which the shield of that task does not concern
            assertThat(await(outer).movedOn()).isTrue();
            assertThat(await(nested).movedOn()).isTrue();
            assertThat(record).containsExactly(3);
        });
    }

    @Test
    @DisplayName("trio: its own cancellation is not kept off, and neither is that of a scope inside of it")
    void ownCancellation() throws Exception {
        VirtualTime.run(() -> {
            Outcome<Void> ended = await(scope(outer -> {
                Outcome<Void> own = await(scope(inner -> {
                    inner.shield(true);
                    inner.cancel();
                    assertCancelled();
                    checkpoint();
                }));
                assertThat(own.movedOn()).isTrue();
                checkpoint();
                await(scope(middle -> {
                    middle.shield(true);
                    Outcome<Void> inside = await(scope(inner -> {
                        inner.cancel();
                        checkpoint();
                    }));
                    assertThat(inside.movedOn()).isTrue();
                    checkpoint();
                }));
            }));
            assertThat(ended.movedOn()).isFalse();
        });
    }

    @Test
    @DisplayName("both cancelled, the outer one kept off: the inner scope moves on, the outer one at its next await")
    void bothCancelled() throws Exception {
        VirtualTime.run(() -> {
            List<String> record = new ArrayList<>();
            Outcome<Void> ended = await(scope(outer -> {
                Outcome<Void> own = await(scope(inner -> {
                    inner.shield(true);
                    outer.cancel("outer");
                    inner.cancel("inner");
                    try {
                        checkpoint();
                    } catch (CancelledException e) {
                        record.add(e.getMessage());
                        throw e;
                    }
                }));
                record.add("moved on " + own.movedOn());
                try {
                    checkpoint();
                } catch (CancelledException e) {
                    record.add(e.getMessage());
                    throw e;
                }
            }));
            assertThat(ended.movedOn()).isTrue();
            assertThat(record).containsExactly("inner", "moved on true", "outer");
            assertThat(Asyncio.currentTask().cancelling()).isZero();
        });
    }

    @Test
    @DisplayName("trio: the deadline of an outer scope is kept off as well, and delivered when the shield is left")
    void deadlines() throws Exception {
        VirtualTime.run(() -> {
            Outcome<Void> ended = await(scope(outer -> {
                outer.reschedule(now().plus(SECOND));
                await(scope(inner -> {
                    inner.shield(true);
                    await(sleep(SECOND.multipliedBy(5)));
                }));
                assertThat(now()).isEqualTo(SECOND.multipliedBy(5));
                await(sleep(HOUR));
            }));
            assertThat(ended.movedOn()).isTrue();
            assertThat(now()).isEqualTo(SECOND.multipliedBy(5));
        });
    }

    @Test
    @DisplayName("trio: clean-up in a scope that is cancelled may wait in a shielded scope with a deadline of its own")
    void cleanup() throws Exception {
        VirtualTime.run(() -> {
            List<String> record = new ArrayList<>();
            Outcome<Void> ended = await(scope(outer -> {
                EventLoop.getRunningLoop().callLater(SECOND, () -> outer.cancel());
                try {
                    await(sleep(HOUR));
                } finally {
                    Outcome<Void> rolledBack = await(scope(inner -> {
                        inner.shield(true);
                        inner.reschedule(now().plus(SECOND));
                        await(sleep(Duration.ofMillis(500)));
                        record.add("half");
                        await(sleep(HOUR));
                    }));
                    record.add("late " + rolledBack.movedOn());
                    await(CancelScope.scope(inner -> {
                        inner.shield(true);
                        return sleep(SECOND).doOnSuccess(slept -> record.add("reactive"));
                    }));
                }
            }));
            assertThat(ended.movedOn()).isTrue();
            assertThat(record).containsExactly("half", "late true", "reactive");
            assertThat(now()).isEqualTo(SECOND.multipliedBy(3));
        });
    }

    @Test
    @DisplayName("a scope without a shield may be entered in one that is cancelled, but not waited in")
    void withoutAShield() throws Exception {
        VirtualTime.run(() -> {
            Outcome<Void> ended = await(scope(outer -> {
                outer.cancel();
                await(scope(inner -> assertCancelled()));
                assertThatThrownBy(() -> await(CancelScope.scope(inner -> sleep(HOUR))))
                        .isInstanceOf(CancelledException.class);
                checkpoint();
            }));
            assertThat(ended.movedOn()).isTrue();
            assertThat(now()).isZero();
        });
    }

    @Test
    @DisplayName("one of two shields that is taken away lets nothing through")
    void twoShields() throws Exception {
        VirtualTime.run(() -> {
            Outcome<Void> ended = await(scope(outer -> {
                await(scope(middle -> {
                    middle.shield(true);
                    await(scope(inner -> {
                        inner.shield(true);
                        outer.cancel();
                        checkpoint();
                        inner.shield(false);
                        checkpoint();
                        middle.shield(false);
                        assertCancelled();
                        inner.shield(true);
                        checkpoint();
                    }));
                    assertCancelled();
                }));
            }));
            assertThat(ended.movedOn()).isFalse(); // it has ended all the same, with its value
        });
    }

    @Test
    @DisplayName("a cancellation of the task comes through, and stays one")
    void ofTheTask() throws Exception {
        VirtualTime.run(() -> {
            Task<Outcome<Void>> task = createTask(scope(outer -> await(scope(inner -> {
                inner.shield(true);
                outer.cancel();
                await(sleep(HOUR));
            }))));
            await(sleep(SECOND));
            task.cancel("stop");
            assertThatThrownBy(() -> await(task))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("stop");
            assertThat(now()).isEqualTo(SECOND);
        });
    }

    @Test
    @DisplayName("in the clean-up of a task that was cancelled it keeps off a cancellation that came just before")
    void inACancelledTask() throws Exception {
        VirtualTime.run(() -> {
            List<String> record = new ArrayList<>();
            Task<Void> task = createTask(async(() -> {
                try {
                    await(sleep(HOUR));
                } finally {
                    await(scope(outer -> {
                        outer.cancel("outer");
                        await(scope(inner -> {
                            inner.shield(true);
                            await(sleep(SECOND));
                            inner.shield(false);
                            inner.shield(true);
                            await(sleep(SECOND));
                            record.add("slept");
                        }));
                        assertCancelled();
                    }));
                    record.add("cancelling " + Asyncio.currentTask().cancelling());
                    checkpoint();
                }
            }));
            checkpoint();
            task.cancel("stop");
            assertThatThrownBy(() -> await(task))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("stop");
            assertThat(record).containsExactly("slept", "cancelling 1");
            assertThat(now()).isEqualTo(SECOND.multipliedBy(2));
        });
    }

    @Test
    @DisplayName("in a task that is cancelled as well it keeps off only the other cancellation")
    void besidesACancellationOfTheTask() throws Exception {
        VirtualTime.run(() -> {
            List<Boolean> record = new ArrayList<>();
            Task<Void> task = createTask(async(() -> {
                await(scope(outer -> {
                    outer.cancel("outer");
                    Asyncio.currentTask().cancel("stop");
                    await(scope(inner -> {
                        inner.shield(true);
                        record.add(true);
                        await(sleep(SECOND));
                        record.add(false);
                    }));
                }));
                return null;
            }));
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            assertThat(record).containsExactly(true);
            assertThat(now()).isZero();
        });
    }

    @Test
    @DisplayName("it belongs to the loop, and to a scope that is open")
    void misuse() throws Exception {
        VirtualTime.run(() -> {
            AtomicReference<CancelScope> left = new AtomicReference<>();
            await(scope(inner -> {
                left.set(inner);
                Throwable[] thrown = new Throwable[1];
                Thread other = new Thread(() -> {
                    try {
                        inner.shield(true);
                    } catch (IllegalStateException e) {
                        thrown[0] = e;
                    }
                });
                other.start();
                other.join();
                assertThat(thrown[0]).hasMessageContaining("shield");
            }));
            assertThatThrownBy(() -> left.get().shield(true))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("Cannot shield what runs in a scope that has ended");
        });
    }
}
