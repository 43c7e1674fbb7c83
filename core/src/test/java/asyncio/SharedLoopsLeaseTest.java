package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tenants of the shared loops that come and go. {@code -Dasyncio.test.seed} replays. */
@Timeout(60)
class SharedLoopsLeaseTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final int THREADS = 6;
    private static final int ROUNDS = 60;

    @BeforeEach
    @AfterEach
    void shutdown() {
        EventLoop.shutdownShared(LIMIT);
    }

    @Test
    void theLastReleaseClosesAndAUseAfterThatStartsAfresh() {
        SharedLoops.Lease parent = SharedLoops.lease();
        SharedLoops.Lease child = SharedLoops.lease();
        SharedLoops loops = parent.loops();
        assertThat(child.loops()).isSameAs(loops).isSameAs(EventLoop.shared());
        assertThat(child.release(LIMIT)).isTrue();
        assertThat(EventLoop.shared()).isSameAs(loops).allMatch(EventLoop::isRunning);
        parent.close();
        assertThat(loops).allMatch(EventLoop::isClosed);
        assertThat(async(() -> 1).block()).isEqualTo(1);
        assertThat(SharedLoops.lease().loops())
                .as("one who leases late joins those who did not lease")
                .isSameAs(EventLoop.shared())
                .isNotSameAs(loops);
    }

    @Test
    void aReleaseLeavesTheTasksOfTheOthers() throws Exception {
        SharedLoops.Lease mine = SharedLoops.lease();
        SharedLoops.Lease yours = SharedLoops.lease();
        CompletableFuture<String> go = new CompletableFuture<>();
        CompletableFuture<String> task =
                async(() -> await(Asyncio.wrapFuture(go))).toFuture();
        assertThat(yours.release(LIMIT)).isTrue();
        go.complete("undisturbed");
        assertThat(task.get()).isEqualTo("undisturbed");
        mine.close();
    }

    @Test
    void theLastReleaseCancelsWhatIsLeft() throws Exception {
        SharedLoops.Lease lease = SharedLoops.lease();
        CountDownLatch waiting = new CountDownLatch(1);
        CompletableFuture<String> cleaned = new CompletableFuture<>();
        lease.loops().next().createTask(async(() -> {
            try {
                waiting.countDown();
                await(sleep(Duration.ofHours(1)));
            } finally {
                await(sleep(Duration.ofMillis(5)));
                cleaned.complete("cleaned up");
            }
        }));
        waiting.await();
        assertThat(lease.release(LIMIT)).isTrue();
        assertThat(cleaned).isCompletedWithValue("cleaned up");
    }

    @Test
    void aSecondReleaseOfOneLeaseCountsForNothing() {
        SharedLoops.Lease once = SharedLoops.lease();
        SharedLoops.Lease other = SharedLoops.lease();
        assertThat(once.release(LIMIT)).isTrue();
        assertThat(once.release(LIMIT)).isTrue();
        assertThat(other.loops()).allMatch(EventLoop::isRunning);
        assertThat(once).hasToString("<Lease of " + once.loops().size() + " shared loops released>");
        other.close();
    }

    @Test
    void shutdownSharedVoidsLeases() {
        SharedLoops.Lease before = SharedLoops.lease();
        assertThat(EventLoop.shutdownShared(LIMIT)).isTrue();
        assertThat(before.loops()).allMatch(EventLoop::isClosed);
        SharedLoops.Lease after = SharedLoops.lease();
        before.close();
        assertThat(after.loops()).as("are not those that before had").allMatch(EventLoop::isRunning);
        after.close();
    }

    @Test
    void misuseChangesNothing() throws Exception {
        SharedLoops.Lease lease = SharedLoops.lease();
        assertThatThrownBy(() -> lease.release(Duration.ofMillis(-1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("PT-0.001S");
        Asyncio.run(() -> {
            assertThatThrownBy(lease::close)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("release blocks");
        });
        assertThat(lease.loops()).allMatch(EventLoop::isRunning);
        lease.close();
        assertThat(lease.loops()).allMatch(EventLoop::isClosed);
    }

    @Test
    void tenantsWhoComeAndGoAtRandomFindTheirLoopsRunning() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        Set<SharedLoops> seen = ConcurrentHashMap.newKeySet();
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        try {
            List<Callable<Void>> tenants = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                Random random = new Random(seed + i);
                tenants.add(() -> {
                    for (int round = 0; round < ROUNDS; round++) {
                        seen.add(live(random));
                    }
                    return null;
                });
            }
            for (java.util.concurrent.Future<Void> tenant : threads.invokeAll(tenants)) {
                tenant.get();
            }
        } catch (Exception | AssertionError e) {
            throw new AssertionError("seed " + seed + " (replay with -Dasyncio.test.seed=" + seed + ")", e);
        } finally {
            threads.shutdownNow();
        }
        assertThat(seen)
                .as("seed %d", seed)
                .allSatisfy(loops -> assertThat(loops).allMatch(EventLoop::isClosed));
        assertThat(EventLoop.all())
                .as("seed %d", seed)
                .noneMatch(loop -> seen.stream().anyMatch(loops -> new HashSet<>(loopsOf(loops)).contains(loop)));
    }

    private static List<EventLoop> loopsOf(SharedLoops loops) {
        List<EventLoop> all = new ArrayList<>();
        loops.forEach(all::add);
        return all;
    }

    /** Runs one tenancy, in which each use finds the tenant's own loops, and they run. */
    private static SharedLoops live(Random random) throws Exception {
        SharedLoops.Lease lease = SharedLoops.lease();
        SharedLoops loops = lease.loops();
        int uses = random.nextInt(4);
        for (int use = 0; use < uses; use++) {
            if (random.nextBoolean()) {
                EventLoop loop = async(() -> {
                            await(sleep(Duration.ZERO));
                            return EventLoop.getRunningLoop();
                        })
                        .block(LIMIT);
                assertThat(loopsOf(loops)).contains(loop);
            } else {
                CompletableFuture<Boolean> called = new CompletableFuture<>();
                EventLoop loop = loops.next();
                loop.callSoonThreadsafe(() -> called.complete(loop.isRunning()));
                assertThat(called.get()).isTrue();
            }
            assertThat(EventLoop.shared()).isSameAs(loops);
        }
        assertThat(lease.release(LIMIT)).isTrue();
        if (random.nextInt(8) == 0) {
            lease.close();
        }
        return loops;
    }
}
