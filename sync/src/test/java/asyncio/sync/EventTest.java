package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.sync.Style.cancelSoon;
import static asyncio.sync.Style.errorOf;
import static asyncio.sync.Style.tick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.Task;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

@Timeout(60)
class EventTest {
    private final Event event = new Event();
    private final List<Integer> result = new ArrayList<>();

    /** Logs when the event lets it resume. */
    private Mono<Void> logs(int n) {
        return async(() -> {
            await(event.await());
            result.add(n);
        });
    }

    @Test
    @DisplayName("EVT-01 who comes after set() does not suspend, the others go on in the order they came")
    void await3() throws Exception {
        Asyncio.run(() -> {
            Task<Void> t1 = createTask(logs(1));
            Task<Void> t2 = createTask(logs(2));
            tick();
            assertThat(result).isEmpty();
            Task<Void> t3 = createTask(logs(3));
            event.set();
            tick();
            assertThat(result).containsExactly(3, 1, 2);
            assertThat(List.of(t1, t2, t3)).allMatch(Task::done);
        });
    }

    @Test
    @DisplayName("EVT-01 the same with tasks that await it directly, and with operators")
    void awaitMonos() throws Exception {
        Asyncio.run(() -> {
            Task<Void> t1 = createTask(event.await());
            Task<Integer> t2 = createTask(event.await().thenReturn(2));
            tick();
            assertThat(event.waiters()).isEqualTo(2);
            event.set();
            assertThat(t1.done()).isFalse();
            tick();
            assertThat(t1.done()).isTrue();
            assertThat(await(t2)).isEqualTo(2);
        });
    }

    @Test
    @DisplayName("EVT-02 await of a set event does not suspend")
    void awaitOnSet() throws Exception {
        event.set();
        Asyncio.run(() -> {
            Task<Void> other = createTask(async(() -> {
                result.add(1);
            }));
            await(event.await());
            assertThat(result).as("no tick has passed").isEmpty();
            await(other);
        });
        StepVerifier.create(event.await()).verifyComplete();
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("EVT-03 a cancelled await leaves nobody waiting")
    void awaitCancel(Style style) throws Exception {
        Asyncio.run(() -> {
            Task<Void> task = createTask(style.of(event.await()));
            cancelSoon(task);
            assertThat(errorOf(task)).isInstanceOf(CancelledException.class);
            assertThat(event.waiters()).isZero();
            assertThat(event.isSet()).isFalse();
        });
    }

    @Test
    @DisplayName("EVT-04 set() is not lost by a clear() at once, and lets a waiter go on exactly once")
    void clearWithWaiters() throws Exception {
        Asyncio.run(() -> {
            Task<Void> task = createTask(logs(1));
            tick();
            event.set();
            event.clear();
            assertThat(event.isSet()).isFalse();
            event.set();
            event.set();
            assertThat(task.done()).isFalse();
            tick();
            assertThat(result).containsExactly(1);
            assertThat(event.waiters()).isZero();
            assertThat(task.done()).isTrue();
        });
    }

    @Test
    @DisplayName("EVT-04 after set() and clear() one who comes waits for the next set()")
    void clearSeparatesGenerations() {
        event.await().subscribe(x -> {}, e -> {}, () -> result.add(1));
        event.set();
        event.clear();
        event.await().subscribe(x -> {}, e -> {}, () -> result.add(2));
        assertThat(result).containsExactly(1);
        assertThat(event.waiters()).isEqualTo(1);
        event.set();
        assertThat(result).containsExactly(1, 2);
    }

    @Test
    @DisplayName("a waiter that was let go and is cancelled before it resumes ends cancelled; the flag stays")
    void cancelledAfterSet() throws Exception {
        Asyncio.run(() -> {
            Task<Void> task = createTask(event.await());
            tick();
            event.set();
            task.cancel();
            assertThat(errorOf(task)).isInstanceOf(CancelledException.class);
            assertThat(event.isSet()).isTrue();
        });
    }

    @Test
    @DisplayName("one who comes, clears or sets again while waiters are told off every loop disturbs nobody")
    void reentrant() {
        for (int i = 0; i < 3; i++) {
            int n = i;
            event.await().subscribe(x -> {}, e -> {}, () -> {
                result.add(n);
                event.clear();
                event.await().subscribe(x -> {}, e -> {}, () -> result.add(n + 10));
            });
        }
        event.set();
        assertThat(result).containsExactly(0, 1, 2);
        assertThat(event.isSet()).isFalse();
        assertThat(event.waiters()).isEqualTo(3);
        event.set();
        assertThat(result).containsExactly(0, 1, 2, 10, 11, 12);
    }

    @Test
    @DisplayName("a subscription disposed of by another waiter, already let go, hears nothing")
    void disposedByAnother() {
        Disposable[] second = new Disposable[1];
        event.await().subscribe(x -> {}, e -> {}, () -> second[0].dispose());
        second[0] = event.await().subscribe(x -> {}, e -> {}, () -> result.add(2));
        event.await().subscribe(x -> {}, e -> {}, () -> result.add(3));
        event.set();
        assertThat(result).containsExactly(3);
        assertThat(event.waiters()).isZero();
    }

    @Test
    void textAndMisuse() {
        assertThat(event).hasToString("<Event [unset]>");
        Disposable waiting = event.await().subscribe();
        assertThat(event).hasToString("<Event [unset, waiters:1]>");
        waiting.dispose();
        event.set();
        assertThat(event).hasToString("<Event [set]>");
        assertThatThrownBy(() -> event.await(null)).hasMessage("limit");
    }
}
