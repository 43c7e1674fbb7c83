package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.FailingLogger;
import asyncio.LogCapture;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.Stream;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.publisher.Mono;

/** A permit that an operator has dropped is found by the garbage collector. */
@Timeout(60)
class DroppedPermitTest {
    private static final String DROPPED = "was dropped without being released";

    /** Drops the permit, like a zip with another part that fails. */
    private static void drop(Mono<Permit> acquire) {
        assertThatThrownBy(() -> Mono.zip(acquire, Mono.error(new IllegalArgumentException("other")))
                        .block())
                .hasMessage("other");
    }

    private static void collectUntil(Supplier<Boolean> found) {
        while (!found.get()) {
            System.gc();
            LockSupport.parkNanos(1_000_000); // without a pause between collections the reference handler gets no time
            assertThat(Thread.interrupted()).as("the test's time is out").isFalse();
        }
    }

    static Stream<PermitSource> sources() {
        return Stream.of(
                new Lock(),
                new Semaphore(1),
                new BoundedSemaphore(1),
                (PermitSource) new KeyedLock<>().lock("key"),
                (PermitSource) new ReadWriteLock().writeLock());
    }

    @ParameterizedTest
    @MethodSource("sources")
    void reported(PermitSource source) {
        try (LogCapture log = new LogCapture()) {
            drop(source.acquireMono(1, null));
            collectUntil(() -> log.messages().stream()
                    .anyMatch(line -> line.contains(DROPPED)
                            && line.contains("acquire(Duration)")
                            && line.contains("Debug mode")));
        }
    }

    @Test
    void recorded(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("recording.jfr");
        Lock lock = new Lock();
        try (Recording recording = new Recording();
                LogCapture log = new LogCapture()) {
            recording.enable("asyncio.PermitDropped");
            recording.start();
            drop(lock.acquireMono(1, null));
            collectUntil(() -> log.messages().stream().anyMatch(line -> line.contains(DROPPED)));
            recording.stop();
            recording.dump(file);
        }
        assertThat(RecordingFile.readAllEvents(file))
                .filteredOn(event -> event.getEventType().getName().equals("asyncio.PermitDropped"))
                .anySatisfy(event -> assertThat(event.getString("message")).contains(DROPPED, "Lock"));
    }

    static Stream<PermitSource> reclaiming() {
        return Stream.of(
                new Lock().reclaimDropped(),
                new Semaphore(1).reclaimDropped(),
                new BoundedSemaphore(1).reclaimDropped(),
                (PermitSource) new KeyedLock<>().reclaimDropped().lock("key"),
                (PermitSource) new ReadWriteLock().reclaimDropped().writeLock());
    }

    @ParameterizedTest
    @MethodSource("reclaiming")
    void reclaimed(PermitSource source) throws Exception {
        drop(source.acquireMono(1, null));
        var next = source.acquireMono(1, null).toFuture();
        collectUntil(next::isDone);
        assertThat(next.get().isReleased()).isFalse();
    }

    /** Not only the first ones, which are watched in any case. */
    @ParameterizedTest
    @MethodSource("reclaiming")
    void reclaimedAfterMany(PermitSource source) throws Exception {
        for (int i = 0; i < 100; i++) {
            source.acquireMono(1, null).doOnNext(Permit::release).block();
        }
        reclaimed(source);
    }

    static Stream<Supplier<? extends Throwable>> failures() {
        return Stream.of(
                () -> new IllegalStateException("of a handler"),
                () -> new AssertionError("of a handler"),
                () -> new OutOfMemoryError("of a handler"));
    }

    @ParameterizedTest
    @MethodSource("failures")
    void reclaimedAlsoIfTheLoggerFails(Supplier<? extends Throwable> failure) throws Exception {
        Lock lock = new Lock().reclaimDropped();
        try (FailingLogger logger = new FailingLogger(failure)) {
            for (int i = 0; i < 3; i++) {
                drop(lock.acquireMono(1, null));
                var next = lock.acquireMono(1, null).toFuture();
                collectUntil(next::isDone);
                next.get().release();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("failures")
    void theThreadThatLooksOutlivesALogger(Supplier<? extends Throwable> failure) {
        Semaphore forgotten = new Semaphore(4);
        try (FailingLogger logger = new FailingLogger(failure)) {
            for (int i = 1; i <= 3; i++) {
                int calls = i;
                drop(forgotten.acquireMono(1, null));
                collectUntil(() -> logger.calls() >= calls);
            }
        }
        try (LogCapture log = new LogCapture()) {
            drop(forgotten.acquireMono(1, null));
            collectUntil(() -> log.messages().stream().anyMatch(line -> line.contains(DROPPED)));
        }
    }

    @Test
    void releaseByHandIsRefusedWhereDroppedPermitsAreReclaimed() {
        Lock lock = new Lock().reclaimDropped();
        Permit permit = lock.acquire().block();
        assertThatThrownBy(lock::release)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("release the Permit");
        assertThat(lock.locked()).isTrue();
        permit.release();
        assertThat(lock.locked()).isFalse();
    }

    @Test
    void notReportedIfReleasedInTheEnd() {
        Semaphore witness = new Semaphore(1);
        Lock lock = new Lock();
        Lock byHand = new Lock();
        try (LogCapture log = new LogCapture()) {
            lock.acquire().doOnNext(Permit::release).block();
            byHand.acquire().then(Mono.fromRunnable(byHand::release)).block();
            byHand.acquire().then().block();
            drop(witness.acquire());
            collectUntil(() -> log.messages().stream().anyMatch(line -> line.contains(DROPPED)));
            assertThat(log.messages())
                    .filteredOn(line -> line.contains(DROPPED))
                    .singleElement()
                    .asString()
                    .contains("Semaphore");
        }
    }

    /** The watch is a weak reference for each, a third of what an uncontended lock costs. */
    @Test
    void ofManyPermitsASampleIsWatched() {
        Semaphore watched = new Semaphore(Integer.MAX_VALUE);
        List<Permit> held =
                Stream.generate(() -> watched.acquire().block()).limit(1_000).toList();
        assertThat(watched.watches()).isEqualTo(64 + (1_000 - 64 + 15) / 16);
        held.forEach(Permit::release);
        assertThat(watched.watches()).isZero();
    }

    @Test
    void inDebugModeAllPermitsAreWatched() throws Exception {
        Semaphore watched = new Semaphore(Integer.MAX_VALUE);
        Asyncio.run(
                watched.acquire()
                        .repeat(999)
                        .then(Mono.fromRunnable(
                                () -> assertThat(watched.watches()).isEqualTo(1_000))),
                true);
    }

    @Test
    void whereDroppedPermitsAreReclaimedAllAreWatched() {
        Semaphore watched = new Semaphore(Integer.MAX_VALUE).reclaimDropped();
        List<Permit> held =
                Stream.generate(() -> watched.acquire().block()).limit(1_000).toList();
        assertThat(watched.watches()).isEqualTo(1_000);
        held.forEach(Permit::release);
    }

    @Test
    void debugModeTellsWhereItWasAcquired() throws Exception {
        Lock lock = new Lock();
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(
                    () -> {
                        try {
                            await(Mono.zip(lock.acquire(), Mono.error(new IllegalArgumentException("other"))));
                        } catch (IllegalArgumentException e) {
                            // the permit is dropped
                        }
                        collectUntil(() -> log.messages().stream().anyMatch(line -> line.contains(DROPPED)));
                    },
                    true);
            assertThat(log.records())
                    .filteredOn(record -> record.getMessage().contains(DROPPED))
                    .singleElement()
                    .extracting(record ->
                            List.of(record.getThrown().getStackTrace()).toString())
                    .asString()
                    .contains("DroppedPermitTest");
        }
    }

    @Test
    void permitsOfBodiesAndScopesAreNotWatched() throws Exception {
        Lock lock = new Lock();
        Asyncio.run(() -> {
            await(lock.acquire());
            var waiting = Asyncio.createTask(async(() -> await(lock.withLock(Mono.just(1)))));
            await(Asyncio.sleep(Duration.ZERO));
            System.gc();
            assertThat(lock.locked()).isTrue();
            lock.release();
            assertThat(await(waiting)).isEqualTo(1);
        });
    }
}
