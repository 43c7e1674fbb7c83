package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.internal.loop.BodyThreads;
import asyncio.metrics.AsyncioMetrics;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;

/** A scrape of the meters, compared to what the test did. */
@Timeout(60)
class AsyncioMetricsTest {
    private final EventLoop loop = EventLoop.newEventLoop();
    private final MeterRegistry registry = new SimpleMeterRegistry();

    @AfterEach
    void close() {
        loop.close();
    }

    private double gauge(String name) {
        return registry.get(name).tag("loop", loop.getName()).gauge().value();
    }

    private double ended(String outcome) {
        return registry.get("asyncio.tasks.ended")
                .tags("loop", loop.getName(), "outcome", outcome)
                .counter()
                .count();
    }

    @Test
    void tasksUnderLoadAreCountedByOutcome() throws Exception {
        AsyncioMetrics.bindTo(registry, loop);
        int n = 3_000;
        loop.runUntilComplete(async(() -> {
            List<Task<Integer>> tasks = new ArrayList<>();
            for (int i = 0; i < n; i++) {
                int kind = i % 3;
                Mono<Integer> mono = sleep(Duration.ofMillis(kind == 2 ? 3_600_000 : 1), i);
                tasks.add(loop.createTask(kind == 1 ? mono.map(AsyncioMetricsTest::fail) : mono));
            }
            assertThat(gauge("asyncio.loop.tasks")).isEqualTo(n + 1);
            await(sleep(Duration.ZERO));
            await(sleep(Duration.ZERO));
            assertThat(gauge("asyncio.loop.timers")).isGreaterThanOrEqualTo(n / 3);
            for (int i = 2; i < n; i += 3) {
                tasks.get(i).cancel();
            }
            await(gather(tasks, true));
            assertThat(gauge("asyncio.loop.tasks")).isEqualTo(1);
        }));
        assertThat(ended("result")).isEqualTo(n / 3 + 1);
        assertThat(ended("exception")).isEqualTo(n / 3);
        assertThat(ended("cancelled")).isEqualTo(n / 3);
        assertThat(gauge("asyncio.loop.tasks")).isZero();
        assertThat(gauge("asyncio.loop.timers")).isZero();
        assertThat(gauge("asyncio.loop.channels")).isZero();
        LoopStatistics statistics = loop.statistics();
        assertThat(registry.get("asyncio.loop.ticks").functionCounter().count()).isEqualTo(statistics.ticks());
        assertThat(registry.get("asyncio.loop.polls").functionCounter().count()).isEqualTo(statistics.polls());
        assertThat(statistics.polls()).isPositive();
    }

    private static Integer fail(Integer i) {
        throw new IllegalStateException("task " + i);
    }

    @Test
    void functionsInExecutorsAndTheReadyQueueAreSeen() throws Exception {
        AsyncioMetrics.bindTo(registry, loop);
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        loop.runUntilComplete(async(() -> {
            Task<Integer> blocking = loop.createTask(toThread(() -> {
                begun.countDown();
                end.await();
                return 1;
            }));
            await(sleep(Duration.ZERO));
            begun.await();
            assertThat(gauge("asyncio.executor.active")).isEqualTo(1);
            assertThat(gauge("asyncio.executor.queued")).isZero();
            for (int i = 0; i < 10; i++) {
                loop.callSoon(() -> {});
            }
            assertThat(gauge("asyncio.loop.ready")).isGreaterThanOrEqualTo(10);
            end.countDown();
            await(blocking);
            assertThat(gauge("asyncio.executor.active")).isZero();
        }));
    }

    @Test
    void exceptionsSlowStepsAndLagAreRecordedWithTheirLengths() {
        AsyncioMetrics.bindTo(registry, loop);
        loop.setExceptionHandler((l, what) -> {});
        loop.callExceptionHandler(
                ExceptionContext.of("boom").exception(new IOException("e")).build());
        assertThat(registry.get("asyncio.exceptions").counter().count()).isEqualTo(1);
        loop.events.slow(null, Duration.ofMillis(150).toNanos(), List.of());
        loop.events.slow(null, Duration.ofMillis(250).toNanos(), List.of());
        assertThat(registry.get("asyncio.loop.step").timer().count()).isEqualTo(2);
        assertThat(registry.get("asyncio.loop.step").timer().totalTime(TimeUnit.MILLISECONDS))
                .isEqualTo(400);
        loop.events.lagProbe().look(1);
        loop.stop();
        loop.runForever();
        assertThat(registry.get("asyncio.loop.lag").timer().count()).isEqualTo(1);
        assertThat(registry.get("asyncio.loop.lag").timer().totalTime(TimeUnit.NANOSECONDS))
                .isPositive();
    }

    @Test
    void forgottenCoroutinesAreCounted() throws Exception {
        AsyncioMetrics.bindTo(registry, loop);
        try (LogCapture log = new LogCapture()) {
            loop.runUntilComplete(async(() -> {
                forgettable().hashCode();
            }));
            Collector.collectUntil(
                    () -> registry.get("asyncio.coroutines.forgotten").counter().count() > 0);
        }
        assertThat(registry.get("asyncio.coroutines.forgotten").counter().count())
                .isEqualTo(1);
    }

    private static Mono<Integer> forgettable() {
        return async(() -> 1);
    }

    private static List<Meter> ofLoops(MeterRegistry registry) {
        return registry.getMeters().stream()
                .filter(meter -> meter.getId().getTag("loop") != null)
                .toList();
    }

    @Test
    void theMetersOfAClosedLoopAreRemoved() {
        EventLoop other = EventLoop.newEventLoop();
        AsyncioMetrics.bindTo(registry, loop);
        int each = ofLoops(registry).size();
        AsyncioMetrics.bindTo(registry, other);
        assertThat(ofLoops(registry)).hasSize(2 * each);
        other.close();
        assertThat(ofLoops(registry))
                .hasSize(each)
                .allMatch(meter -> loop.getName().equals(meter.getId().getTag("loop")));
        AsyncioMetrics.bindTo(registry, other); // too late
        assertThat(ofLoops(registry)).hasSize(each);
    }

    @Test
    void aBinderServesSeveralRegistriesUntilItIsClosed() throws Exception {
        MeterRegistry second = new SimpleMeterRegistry();
        AsyncioMetrics metrics = new AsyncioMetrics(loop, List.of(Tag.of("application", "shop")));
        metrics.bindTo(registry);
        metrics.bindTo(second);
        loop.runUntilComplete(Mono.just(1));
        assertThat(ended("result")).isEqualTo(1);
        assertThat(second.get("asyncio.tasks.ended")
                        .tags("application", "shop", "outcome", "result")
                        .counter()
                        .count())
                .isEqualTo(1);
        metrics.close();
        metrics.close();
        assertThat(ofLoops(registry)).isEmpty();
        assertThat(ofLoops(second)).isEmpty();
        assertThat(loop.events.listeners.none()).isTrue();
    }

    static boolean platform() {
        return !BodyThreads.VIRTUAL;
    }

    @Test
    @EnabledIf("platform")
    void threadsOfBodiesAreSeen() throws Exception {
        AsyncioMetrics.bindTo(registry, loop);
        AsyncioMetrics.bindTo(registry, EventLoop.newEventLoop()).close(); // these meters cover all loops
        double before = registry.get("asyncio.bodies.threads").gauge().value();
        double max = registry.get("asyncio.bodies.max").gauge().value();
        assertThat(max).isEqualTo((double) Integer.getInteger("asyncio.bodies.max", 4096));
        double refused =
                registry.get("asyncio.bodies.refused").functionCounter().count();
        loop.runUntilComplete(async(() -> {
            assertThat(registry.get("asyncio.bodies.threads").gauge().value()).isGreaterThan(before);
            List<Task<Void>> tooMany = new ArrayList<>();
            for (int i = 0; i < max; i++) {
                tooMany.add(loop.createTask(async(() -> {
                    await(sleep(Duration.ofHours(1)));
                })));
            }
            Task<Void> last = tooMany.get(tooMany.size() - 1);
            assertThatThrownBy(() -> await(last)).hasMessageContaining("asyncio.bodies.max");
            Future.cancelAll(tooMany, "enough");
            await(gather(tooMany, true));
        }));
        assertThat(registry.get("asyncio.bodies.refused").functionCounter().count())
                .isGreaterThan(refused);
    }

    /** A primitive of the modules above this one. */
    private record Primitive(@Nullable Integer capacity) implements Scannable {
        @Override
        public Stream<? extends Scannable> inners() {
            return Stream.of(Scannable.from(this), Scannable.from(this));
        }

        @Override
        @SuppressWarnings("rawtypes")
        public @Nullable Object scanUnsafe(Attr key) {
            return key == Attr.CAPACITY ? capacity : key == Attr.BUFFERED ? (Object) 7 : null;
        }
    }

    @Test
    void namedPrimitivesTellTheirWaitersAndQueuesTheirSizes() {
        Primitive queue = new Primitive(10);
        Primitive lock = new Primitive(null);
        AsyncioMetrics.bindTo(registry, "orders", queue);
        AsyncioMetrics.bindTo(registry, "lock", lock);
        assertThat(registry.get("asyncio.queue.size")
                        .tag("name", "orders")
                        .gauge()
                        .value())
                .isEqualTo(7);
        assertThat(registry.get("asyncio.waiters").tag("name", "orders").gauge().value())
                .isEqualTo(2);
        assertThat(registry.get("asyncio.waiters").tag("name", "lock").gauge().value())
                .isEqualTo(2);
        assertThat(registry.find("asyncio.queue.size").tag("name", "lock").gauge())
                .isNull();
    }
}
