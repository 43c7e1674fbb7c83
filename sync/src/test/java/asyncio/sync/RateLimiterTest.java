package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.currentTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.sync.Style.errorOf;
import static asyncio.sync.Style.tick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Task;
import asyncio.TimedOutException;
import asyncio.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Permits added over time; see {@link RateLimiterModelTest} for arbitrary orders of events. */
@Timeout(60)
class RateLimiterTest {
    private static final Duration SECOND = Duration.ofSeconds(1);

    private final List<Object> log = new ArrayList<>();

    private static Duration now() {
        return EventLoop.getRunningLoop().time();
    }

    private static Duration millis(long n) {
        return Duration.ofMillis(n);
    }

    /** Returns the time at which each waiter had its permits, in nanoseconds. */
    private static List<Long> grantsOf(RateLimiter limiter, Style style, int waiters) throws Exception {
        List<Long> grants = new ArrayList<>();
        VirtualTime.run(() -> {
            Duration start = now();
            await(gather(IntStream.range(0, waiters)
                    .mapToObj(i -> style.of(limiter.acquire())
                            .doOnSuccess(
                                    nothing -> grants.add(now().minus(start).toNanos())))
                    .toList()));
        });
        return grants;
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("a burst at once, then one each interval, to the nanosecond")
    void burstThenEvenly(Style style) throws Exception {
        assertThat(grantsOf(RateLimiter.of(10, SECOND, 3), style, 6))
                .containsExactly(0L, 0L, 0L, 100_000_000L, 200_000_000L, 300_000_000L);
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("a rate whose interval is no whole number of nanoseconds loses nothing by rounding")
    void thirds(Style style) throws Exception {
        assertThat(grantsOf(RateLimiter.of(3, SECOND, 1), style, 7))
                .containsExactly(
                        0L, 333_333_334L, 666_666_667L, 1_000_000_000L, 1_333_333_334L, 1_666_666_667L, 2_000_000_000L);
    }

    @Test
    @DisplayName("what nobody takes is kept, up to the burst")
    void kept() throws Exception {
        RateLimiter limiter = RateLimiter.of(10, SECOND, 3);
        VirtualTime.run(() -> {
            await(limiter.acquire(3));
            assertThat(limiter.permits()).isZero();
            await(sleep(millis(150)));
            assertThat(limiter.permits()).isEqualTo(1);
            assertThat(limiter).hasToString("<RateLimiter [10 per PT1S, burst:3, permits:1]>");
            await(sleep(Duration.ofDays(300 * 365)));
            assertThat(limiter.permits()).isEqualTo(3);
            assertThat(limiter.tryAcquire(3)).isTrue();
            assertThat(limiter.tryAcquire()).isFalse();
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("first in, first out: who wants many is not overtaken by who wants few")
    void order(Style style) throws Exception {
        RateLimiter limiter = RateLimiter.of(10, SECOND, 5);
        VirtualTime.run(() -> {
            Duration start = now();
            List<Task<Void>> tasks = new ArrayList<>();
            for (int n : new int[] {5, 4, 1, 2}) {
                tasks.add(createTask(style.of(limiter.acquire(n))
                        .doOnSuccess(
                                nothing -> log.add(n + "@" + now().minus(start).toMillis()))));
            }
            tick();
            await(sleep(millis(150)));
            assertThat(limiter.permits()).isEqualTo(1);
            assertThat(limiter.waiters()).isEqualTo(3);
            assertThat(limiter.inners().count()).isEqualTo(3);
            assertThat(limiter).hasToString("<RateLimiter [10 per PT1S, burst:5, waiters:3]>");
            assertThat(limiter.tryAcquire()).as("others wait").isFalse();
            await(gather(tasks));
        });
        assertThat(log).containsExactly("5@0", "4@400", "1@500", "2@700");
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("resilience4j #314: a cancelled waiter uses nothing, and those behind it move up")
    void cancelled(Style style) throws Exception {
        RateLimiter limiter = RateLimiter.of(1, SECOND, 1);
        VirtualTime.run(() -> {
            Duration start = now();
            List<Task<Void>> tasks = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                int who = i;
                tasks.add(createTask(style.of(limiter.acquire())
                        .doOnSuccess(nothing ->
                                log.add(who + "@" + now().minus(start).toMillis()))));
            }
            await(sleep(millis(300)));
            tasks.get(1).cancel(); // the first in line
            tasks.get(3).cancel(); // one behind
            assertThat(errorOf(tasks.get(1))).isInstanceOf(CancelledException.class);
            assertThat(errorOf(tasks.get(3))).isInstanceOf(CancelledException.class);
            await(gather(List.of(tasks.get(2), tasks.get(4))));
        });
        assertThat(log).containsExactly("0@0", "2@1000", "4@2000");
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("when one that wants many leaves, who wants few is granted what is there already")
    void theGreedyLeaves(Style style) throws Exception {
        RateLimiter limiter = RateLimiter.of(10, SECOND, 10);
        VirtualTime.run(() -> {
            await(limiter.acquire(8));
            Duration start = now();
            Task<Void> greedy = createTask(style.of(limiter.acquire(10)));
            Task<Void> next = createTask(style.of(limiter.acquire(2)));
            await(sleep(millis(50)));
            assertThat(next.done()).isFalse();
            greedy.cancel();
            await(next);
            assertThat(now().minus(start)).isEqualTo(millis(50));
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("(13c) a permit granted to a task that is cancelled before it resumes comes back")
    void grantedAndCancelled(Style style) throws Exception {
        RateLimiter limiter = RateLimiter.of(1, SECOND, 1);
        VirtualTime.run(() -> {
            Duration start = now();
            await(limiter.acquire());
            Task<Void> first = createTask(style.of(limiter.acquire()));
            Task<Void> second = createTask(style.of(limiter.acquire()));
            tick();
            // due in the same tick as the limiter's timer, which was set before
            EventLoop.getRunningLoop().callAt(start.plus(SECOND), () -> {
                log.add(limiter.waiters());
                first.cancel();
            });
            assertThat(errorOf(first)).isInstanceOf(CancelledException.class);
            await(second);
            assertThat(now().minus(start)).isEqualTo(SECOND);
            assertThat(limiter.permits()).isZero();
        });
        assertThat(log).as("the first had been granted").containsExactly(1);
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("nobody overtakes one of its loop that has been granted and has not resumed")
    void noOvertaking(Style style) throws Exception {
        RateLimiter limiter = RateLimiter.of(10, SECOND, 10);
        VirtualTime.run(() -> {
            await(limiter.acquire(7));
            Task<Void> greedy = createTask(style.of(limiter.acquire(10)));
            Task<Void> next = createTask(style.of(limiter.acquire().doOnSuccess(nothing -> log.add("next"))));
            tick();
            tick();
            assertThat(limiter.waiters()).isEqualTo(2);
            greedy.cancel(); // so that the next one is granted, with permits to spare
            limiter.acquire().subscribe(null, null, () -> log.add("late"));
            assertThat(log).isEmpty();
            assertThat(limiter.tryAcquire()).as("it resumes nobody").isTrue();
            assertThat(limiter.tryAcquire()).isFalse();
            await(next);
            tick();
        });
        assertThat(log).containsExactly("next", "late");
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("after its limit a waiter is told of what it waited for, and has used nothing")
    void limit(Style style) throws Exception {
        RateLimiter limiter = RateLimiter.of(1, SECOND, 1);
        VirtualTime.run(() -> {
            Duration start = now();
            assertThat(errorOf(createTask(style.of(limiter.acquire(Duration.ZERO)))))
                    .isNull();
            assertThat(errorOf(createTask(style.of(limiter.acquire(Duration.ZERO)))))
                    .isInstanceOf(TimedOutException.class);
            assertThat(errorOf(createTask(style.of(limiter.acquire(1, millis(-1))))))
                    .isInstanceOf(TimedOutException.class);
            assertThat(now()).isEqualTo(start);
            Task<Void> inTime = createTask(style.of(limiter.acquire(SECOND)));
            Task<Void> tooLate = createTask(style.of(limiter.acquire(SECOND.plusMillis(999))));
            await(inTime);
            assertThat(now().minus(start)).isEqualTo(SECOND);
            assertThat(errorOf(tooLate))
                    .isInstanceOf(TimedOutException.class)
                    .hasMessage("Timed out after PT1.999S waiting for a permit of"
                            + " <RateLimiter [1 per PT1S, burst:1, waiters:1]>");
            assertThat(now().minus(start)).isEqualTo(millis(1999));
            await(limiter.acquire());
            assertThat(now().minus(start)).isEqualTo(millis(2000));
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("withPermit begins the work when the permit has come, and not at all if it is cancelled before")
    void scoped(Style style) throws Exception {
        RateLimiter limiter = RateLimiter.of(1, SECOND, 1);
        AtomicInteger begun = new AtomicInteger();
        Mono<Integer> work = Mono.fromCallable(begun::incrementAndGet);
        VirtualTime.run(() -> {
            Mono<Integer> cold = style.of(limiter.withPermit(work));
            assertThat(limiter.permits()).isEqualTo(1);
            assertThat(await(cold)).isEqualTo(1);
            Duration start = now();
            Task<Integer> waiting = createTask(cold);
            Task<Integer> next = createTask(cold);
            await(sleep(millis(100)));
            waiting.cancel();
            assertThat(await(next)).isEqualTo(2);
            assertThat(now().minus(start)).isEqualTo(SECOND);
            assertThat(errorOf(
                            createTask(style.of(limiter.withPermits(1, Mono.error(new IllegalStateException("x")))))))
                    .hasMessage("x");
        });
    }

    @Test
    @DisplayName("a body does withPermit's work in its own task")
    void ownTask() throws Exception {
        RateLimiter limiter = RateLimiter.of(1, SECOND, 1);
        Asyncio.run(() -> {
            Task<?> me = currentTask();
            assertThat(await(limiter.withPermit(async(() -> currentTask() == me))))
                    .isTrue();
        });
    }

    @Test
    @DisplayName("resilience4j #311: a Flux takes its permits once, not for each item")
    void flux() throws Exception {
        RateLimiter limiter = RateLimiter.of(1, SECOND, 4);
        VirtualTime.run(() -> {
            assertThat(await(limiter.withPermit(Flux.range(0, 100)).count())).isEqualTo(100);
            assertThat(await(limiter.withPermits(2, Flux.range(0, 100)).count()))
                    .isEqualTo(100);
            assertThat(limiter.permits()).isEqualTo(1);
            Duration start = now();
            await(Flux.range(0, 4)
                    .concatMap(i -> limiter.withPermit(Mono.just(i)), 1)
                    .then());
            assertThat(now().minus(start)).isEqualTo(Duration.ofSeconds(3));
        });
    }

    @Test
    @DisplayName("what cannot be is refused at the call, with the numbers")
    void refused() {
        assertThatThrownBy(() -> RateLimiter.of(0, SECOND, 1)).hasMessageContaining("not 0 and 1");
        assertThatThrownBy(() -> RateLimiter.of(1, SECOND, 0)).hasMessageContaining("not 1 and 0");
        assertThatThrownBy(() -> RateLimiter.of(1, Duration.ZERO, 1)).hasMessageContaining("PT0S");
        assertThatThrownBy(() -> RateLimiter.of(2, Duration.ofNanos(1), 1)).hasMessageContaining("one per nanosecond");
        assertThatThrownBy(() -> RateLimiter.of(7, Duration.ofDays(100_000), Integer.MAX_VALUE))
                .hasMessageContaining("a smaller burst");
        assertThatThrownBy(() -> RateLimiter.of(1, SECOND, 1).acquire(2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "Cannot acquire 2 permits of 1 per PT1S, burst:1: ask for 1 to 1, since no more are ever available at once");
        assertThatThrownBy(() -> RateLimiter.of(1, SECOND, 1).tryAcquire(0)).hasMessageContaining("0 permits");
        assertThatThrownBy(() -> KeyedRateLimiter.of(1, SECOND, -1)).hasMessageContaining("not 1 and -1");
        RateLimiter fastest = RateLimiter.of(Integer.MAX_VALUE, Duration.ofNanos(Integer.MAX_VALUE), Integer.MAX_VALUE);
        assertThat(fastest.permits()).isEqualTo(Integer.MAX_VALUE);
        RateLimiter slowest = RateLimiter.of(1, Duration.ofDays(100 * 365), 1);
        assertThat(Stream.generate(slowest::tryAcquire).limit(3)).containsExactly(true, false, false);
    }

    @Test
    @DisplayName("off every loop, in the virtual time of Reactor's tests")
    void verifiersTime() {
        VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
        try {
            RateLimiter limiter = RateLimiter.of(10, SECOND, 2);
            AtomicInteger granted = new AtomicInteger();
            Flux.range(0, 6)
                    .flatMap(i -> limiter.acquire().doOnSuccess(nothing -> granted.incrementAndGet()))
                    .subscribe();
            assertThat(granted).hasValue(2);
            for (int more = 1; more <= 4; more++) {
                time.advanceTimeBy(millis(99));
                assertThat(granted).hasValue(1 + more);
                time.advanceTimeBy(millis(1));
                assertThat(granted).hasValue(2 + more);
            }
            assertThat(limiter.waiters()).isZero();
        } finally {
            VirtualTimeScheduler.reset();
        }
    }

    @Test
    @DisplayName("one limiter for programs with clocks of their own, one after the other")
    void manyClocks() throws Exception {
        RateLimiter limiter = RateLimiter.of(1, SECOND, 1);
        for (int i = 0; i < 3; i++) {
            VirtualTime.run(() -> {
                Duration start = now();
                await(limiter.acquire());
                await(limiter.acquire());
                assertThat(now().minus(start)).isBetween(SECOND, SECOND.multipliedBy(2));
            });
        }
        assertThat(limiter.tryAcquire()).isFalse();
    }

    @Test
    @DisplayName("a loop that is closed over the first in line: those behind it have their turn all the same")
    void loopClosed() throws Exception {
        RateLimiter limiter = RateLimiter.of(20, SECOND, 1);
        limiter.acquire().block();
        EventLoop closed = EventLoop.newEventLoop();
        AtomicInteger ends = new AtomicInteger();
        closed.callSoon(() -> limiter.acquire().subscribe(null, null, ends::incrementAndGet));
        closed.runUntilComplete(sleep(Duration.ZERO));
        assertThat(limiter.waiters()).isEqualTo(1);
        var other = limiter.acquire().toFuture();
        closed.close();
        other.get(20, java.util.concurrent.TimeUnit.SECONDS);
        assertThat(ends).hasValue(1);
        assertThat(limiter.waiters()).isZero();
    }

    @Test
    @DisplayName("a million waiters need no stack, and leave in order")
    void many() throws Exception {
        int million = 1_000_000;
        RateLimiter limiter = RateLimiter.of(1_000_000_000, SECOND, million);
        int[] next = {0};
        Asyncio.run(() -> {
            // the full burst may be available again while they come: the first in line needs all of it
            Mono<Void> all = limiter.acquire(million);
            await(all);
            List<Mono<Void>> waiters = new ArrayList<>(million);
            for (int i = 0; i < million; i++) {
                int who = i;
                limiter.acquire().subscribe(null, null, () -> {
                    if (who == next[0]) {
                        next[0]++;
                    }
                });
            }
            while (limiter.waiters() > 0 || next[0] < million) {
                await(sleep(millis(1)));
            }
        });
        assertThat(next[0]).isEqualTo(million);
    }
}
