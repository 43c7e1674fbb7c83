package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.EventLoop;
import asyncio.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.publisher.Mono;

/** A loop is closed over waiters on it, and over waiters that have been granted and not resumed. */
@Timeout(60)
class LoopClosedTest {
    private static final Logger LOGGER = Logger.getLogger("asyncio");

    private final EventLoop loop = EventLoop.newEventLoop();

    /** The kind of waiter on the loop. */
    enum Way {
        BODY {
            @Override
            void start(EventLoop loop, Supplier<Mono<?>> mono) {
                loop.createTask(async(() -> {
                    Object got = await(mono.get());
                    if (got instanceof Permit permit) {
                        permit.release(); // not reached
                    }
                }));
            }
        },
        TRY_BODY {
            @Override
            void start(EventLoop loop, Supplier<Mono<?>> mono) {
                loop.createTask(async(() -> {
                    try (Permit permit = (Permit) await(mono.get())) {
                        throw new AssertionError("not reached");
                    }
                }));
            }
        },
        TASK {
            @Override
            void start(EventLoop loop, Supplier<Mono<?>> mono) {
                loop.createTask(mono.get());
            }
        },
        /** Resumes where the loop is closed; it must not hang. */
        SUBSCRIBER {
            @Override
            void start(EventLoop loop, Supplier<Mono<?>> mono) {
                loop.callSoon(() -> mono.get().subscribe(value -> {
                    if (value instanceof Permit permit) {
                        permit.release();
                    }
                }));
            }
        };

        abstract void start(EventLoop loop, Supplier<Mono<?>> mono);
    }

    @BeforeEach
    void quiet() {
        LOGGER.setLevel(Level.OFF); // tasks destroyed while pending
    }

    @AfterEach
    void loud() {
        LOGGER.setLevel(null);
        loop.close();
    }

    private void runReady() throws Exception {
        loop.runUntilComplete(asyncio.Asyncio.sleep(Duration.ZERO));
    }

    static Stream<Object[]> cases() {
        return Stream.of(Way.values()).flatMap(way -> Kind.all().map(kind -> new Object[] {way, kind}));
    }

    @ParameterizedTest
    @MethodSource("cases")
    @DisplayName("while one waits for a permit: it leaves the line")
    void waiting(Way way, Kind kind) throws Exception {
        Permit mine = kind.take();
        way.start(loop, kind::acquire);
        runReady();
        runReady();
        assertThat(kind.waiters()).isEqualTo(1);
        loop.close();
        mine.release();
        assertThat(kind.free()).isTrue();
    }

    @ParameterizedTest
    @MethodSource("cases")
    @DisplayName("when one has been granted a permit and has not gone on: it is back, or passed on")
    void granted(Way way, Kind kind) throws Exception {
        Permit mine = kind.take();
        way.start(loop, kind::acquire);
        runReady();
        runReady();
        way.start(loop, kind::acquire);
        runReady();
        runReady();
        List<Permit> next = new ArrayList<>();
        kind.rival().subscribe(next::add);
        mine.release();
        assertThat(next).isEmpty();
        loop.close();
        assertThat(next).hasSize(1);
        next.get(0).release();
        assertThat(kind.free()).isTrue();
    }

    @ParameterizedTest
    @MethodSource("cases")
    @DisplayName("while one works in a scope, waits for it, or was granted it")
    void scopes(Way way, Kind kind) throws Exception {
        for (int stage = 0; stage < 3; stage++) {
            EventLoop closing = EventLoop.newEventLoop();
            @Nullable Permit mine = stage == 0 ? null : kind.take();
            if (way != Way.TRY_BODY) {
                way.start(closing, () -> kind.with(way == Way.SUBSCRIBER ? Mono.just(1) : Mono.never()));
            }
            closing.runUntilComplete(asyncio.Asyncio.sleep(Duration.ofMillis(1)));
            if (stage == 2) {
                mine.release();
            }
            closing.close();
            if (stage == 1) {
                mine.release();
            }
            assertThat(kind.free()).as("stage %d", stage).isTrue();
        }
    }

    @Test
    @DisplayName("a Condition's lock is free after the bodies that waited there were unwound, and a signal goes on")
    void condition() throws Exception {
        Condition condition = new Condition();
        for (boolean signalled : new boolean[] {false, true}) {
            EventLoop closing = EventLoop.newEventLoop();
            closing.createTask(async(() -> {
                try (Permit permit = await(condition.acquire())) {
                    await(condition.await());
                }
            }));
            closing.runUntilComplete(asyncio.Asyncio.sleep(Duration.ZERO));
            assertThat(condition.waiters()).isEqualTo(1);
            List<Permit> permits = new ArrayList<>();
            boolean[] woken = new boolean[1];
            condition.acquire().subscribe(permits::add);
            condition.await().subscribe(x -> {}, e -> {}, () -> woken[0] = true);
            assertThat(condition.waiters()).isEqualTo(2);
            if (signalled) {
                condition.lock().withLock(Mono.fromRunnable(condition::signal)).block();
            }
            closing.close();
            if (!signalled) {
                assertThat(condition.waiters()).isEqualTo(1);
                condition.lock().withLock(Mono.fromRunnable(condition::signal)).block();
            }
            assertThat(woken[0]).as("signalled: %s", signalled).isTrue();
            permits.forEach(Permit::release);
            assertThat(condition).hasToString("<Condition [unlocked]>");
        }
    }

    @Test
    @DisplayName("a Barrier forgets those of the closed loop, waiting, let go or blocked")
    void barrier() throws Exception {
        Barrier barrier = new Barrier(2);
        loop.createTask(barrier.await());
        runReady();
        runReady();
        assertThat(barrier.nWaiting()).isEqualTo(1);
        List<Integer> indexes = new ArrayList<>();
        barrier.await().subscribe(indexes::add);
        assertThat(indexes).containsExactly(1);
        assertThat(barrier.toString()).contains("draining");
        barrier.await().subscribe(indexes::add);
        Task<Integer> blocked = loop.createTask(barrier.await());
        loop.close();
        assertThat(blocked.done()).isTrue();
        assertThat(barrier).hasToString("<Barrier [filling, waiters:1/2]>");
        barrier.await().subscribe(indexes::add);
        assertThat(indexes).containsExactlyInAnyOrder(1, 0, 1);
    }

    @Test
    @DisplayName("an Event lets the subscribers of a closed loop go on, and forgets its tasks")
    void event() throws Exception {
        Event event = new Event();
        boolean[] over = new boolean[1];
        loop.callSoon(() -> event.await().subscribe(x -> {}, e -> {}, () -> over[0] = true));
        loop.createTask(event.await());
        runReady();
        runReady();
        assertThat(event.waiters()).isEqualTo(2);
        loop.close();
        assertThat(event.waiters()).isEqualTo(1);
        event.set();
        assertThat(over[0]).isTrue();
    }
}
