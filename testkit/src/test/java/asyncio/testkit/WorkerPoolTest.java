package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.TaskGroup;
import asyncio.queue.Queue;
import asyncio.queue.QueueShutDownException;
import asyncio.sync.Lock;
import asyncio.sync.Semaphore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Timeout;

/**
 * Queue, lock, semaphore and threads together: workers take jobs, use one of two devices for each, compute some results
 * in a thread, and add them up in a ledger.
 */
@Timeout(120)
class WorkerPoolTest {
    private static final int WORKERS = 4;
    private static final int JOBS = 40;

    private final Queue<Integer> jobs = new Queue<>(3);
    private final Lock ledger = new Lock();
    private final Semaphore devices = new Semaphore(2);
    private final List<Integer> done = new ArrayList<>();
    private int total;
    private int busy;
    private int mostBusy;

    private void work() throws Exception {
        while (true) {
            int job;
            try {
                job = await(jobs.get());
            } catch (QueueShutDownException e) {
                return;
            }
            await(devices.withPermit(async(() -> {
                busy++;
                mostBusy = Math.max(mostBusy, busy);
                await(sleep(Duration.ofSeconds(1 + job % 3)));
                busy--;
            })));
            int result = job % 10 == 0 ? await(toThread(() -> job * 2)) : job * 2;
            try (var permit = await(ledger.acquire())) {
                assertThat(permit.isReleased()).isFalse();
                int before = total;
                await(sleep(Duration.ofMillis(10))); // the reason for the lock
                total = before + result;
                done.add(job);
            }
            jobs.taskDone();
        }
    }

    @Schedules(n = 25)
    void allJobsAreDoneOnceInAnyOrder(TaskGroup group, TestClock clock) throws Exception {
        for (int i = 0; i < WORKERS; i++) {
            group.createTask(async(this::work), "worker " + i);
        }
        for (int job = 1; job <= JOBS; job++) {
            await(jobs.put(job));
        }
        await(jobs.join());
        jobs.shutdown();
        assertThat(new TreeSet<>(done))
                .hasSize(JOBS)
                .isEqualTo(new TreeSet<>(IntStream.rangeClosed(1, JOBS).boxed().toList()));
        assertThat(done).hasSize(JOBS);
        assertThat(total).isEqualTo(JOBS * (JOBS + 1));
        assertThat(mostBusy).isEqualTo(2);
        // 79 seconds of work for two devices, regardless of the order
        assertThat(clock.now()).isBetween(Duration.ofSeconds(39), Duration.ofSeconds(45));
    }
}
