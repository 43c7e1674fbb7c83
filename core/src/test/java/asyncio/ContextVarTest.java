package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;

/** asyncio's context variables over Reactor's context. */
class ContextVarTest {
    private static final ContextVar<String> USER = ContextVar.of("user", "nobody");
    private static final ContextVar<Integer> DEPTH = ContextVar.of("depth");

    private static Mono<String> inOperator() {
        return Mono.deferContextual(context -> Mono.just(USER.get(context)));
    }

    @Test
    void withoutAValueThereIsTheDefaultOrAnError() throws Exception {
        assertThat(USER.get()).isEqualTo("nobody");
        assertThatThrownBy(DEPTH::get)
                .isInstanceOf(NoSuchElementException.class)
                .hasMessageContaining("depth");
        Asyncio.run(() -> {
            assertThat(USER.get()).isEqualTo("nobody");
            assertThatThrownBy(DEPTH::get).isInstanceOf(NoSuchElementException.class);
        });
    }

    @Test
    void whatABodySetsItReadsAndItsOperatorsAndThreadsDo() throws Exception {
        Asyncio.run(() -> {
            await(sleep(Duration.ZERO).then(inOperator())); // the task has already awaited
            USER.set("ann");
            assertThat(USER.get()).isEqualTo("ann");
            assertThat(await(inOperator())).isEqualTo("ann");
            assertThat(await(sleep(Duration.ofMillis(1)).then(inOperator()))).isEqualTo("ann");
            String inThread = await(toThread(() -> USER.get()));
            assertThat(inThread).isEqualTo("ann");
            assertThat(USER.get()).as("after awaits").isEqualTo("ann");
        });
    }

    @Test
    @DisplayName("TSK-42: values of a task survive its awaits, and are its own")
    void aTaskStartsWithACopy() throws Exception {
        Asyncio.run(() -> {
            USER.set("ann");
            Task<List<String>> child = createTask(async(() -> {
                List<String> seen = new ArrayList<>();
                seen.add(USER.get());
                await(sleep(Duration.ofMillis(2)));
                seen.add(USER.get());
                USER.set("child");
                await(sleep(Duration.ZERO));
                seen.add(USER.get());
                return seen;
            }));
            USER.set("bob");
            assertThat(await(child)).containsExactly("ann", "ann", "child");
            assertThat(USER.get()).isEqualTo("bob");
        });
    }

    @Test
    void aBodyThatIsAwaitedDirectlySharesItsCallersValues() throws Exception {
        Asyncio.run(() -> {
            await(async(() -> {
                USER.set("inner");
            }));
            assertThat(USER.get()).isEqualTo("inner");
            await(async(() -> {
                        assertThat(USER.get()).isEqualTo("upstream");
                        USER.set("its own");
                    })
                    .contextWrite(USER.with("upstream")));
            assertThat(USER.get()).isEqualTo("inner");
        });
    }

    @Test
    void callbacksSeeTheValuesOfThoseWhoScheduledThem() throws Exception {
        Asyncio.run(() -> {
            Future<String> seen = new Future<>();
            USER.set("ann");
            EventLoop.getRunningLoop().callSoon(() -> seen.setResult(USER.get()));
            USER.set("bob");
            assertThat(await(seen)).isEqualTo("ann");
        });
    }

    @Test
    void resetBringsBackWhatWasBefore() throws Exception {
        Asyncio.run(() -> {
            ContextVar.Token<Integer> first = DEPTH.set(1);
            ContextVar.Token<Integer> second = DEPTH.set(2);
            assertThat(second.oldValue()).isEqualTo(1);
            assertThat(first.oldValue()).isNull();
            DEPTH.reset(second);
            assertThat(DEPTH.get()).isEqualTo(1);
            assertThatThrownBy(() -> DEPTH.reset(second)).isInstanceOf(IllegalStateException.class);
            DEPTH.reset(first);
            assertThatThrownBy(DEPTH::get).isInstanceOf(NoSuchElementException.class);
            ContextVar.Token<Integer> token = DEPTH.set(3);
            Task<Void> other = createTask(async(() -> {
                assertThatThrownBy(() -> DEPTH.reset(token)).isInstanceOf(IllegalArgumentException.class);
            }));
            await(other);
        });
    }

    @Test
    void outsideABodyItIsWrittenIntoTheContext() throws Exception {
        assertThatThrownBy(() -> USER.set("x"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("contextWrite");
        Asyncio.run(() -> {
            Future<Throwable> refused = new Future<>();
            EventLoop.getRunningLoop().callSoon(() -> {
                try {
                    USER.set("x");
                    refused.cancel();
                } catch (IllegalStateException e) {
                    refused.setResult(e);
                }
            });
            assertThat(await(refused)).hasMessageContaining("outside a body");
        });
        assertThat(inOperator().contextWrite(USER.with("ann")).block()).isEqualTo("ann");
    }
}
