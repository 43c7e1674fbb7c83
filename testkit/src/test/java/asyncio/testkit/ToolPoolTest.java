package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.TaskGroup;
import asyncio.queue.Queue;
import asyncio.queue.QueueShutDownException;
import asyncio.subprocess.Command;
import asyncio.subprocess.Launcher;
import asyncio.subprocess.Output;
import asyncio.subprocess.Subprocess;
import asyncio.sync.Lock;
import java.io.IOException;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Timeout;

/** Queue, lock and children together: workers with a tool do their jobs, with real children and with fakes. */
@Timeout(120)
class ToolPoolTest {
    private static final int WORKERS = 3;
    private static final int JOBS = 12;

    private final Queue<String> jobs = new Queue<>(2);
    private final Lock ledger = new Lock();
    private final Map<String, String> results = new TreeMap<>();
    private int retries;

    /** Does jobs until there are no more; a job that takes too long is retried. */
    private void work() throws Exception {
        while (true) {
            String job;
            try {
                job = await(jobs.get());
            } catch (QueueShutDownException e) {
                return;
            }
            String result = null;
            while (result == null) {
                try {
                    result = upperCase(job);
                } catch (TimeoutException e) {
                    retries++;
                }
            }
            try (var permit = await(ledger.acquire())) {
                assertThat(permit.isReleased()).isFalse();
                await(sleep(Duration.ofMillis(10)));
                results.put(job, result);
            }
            jobs.taskDone();
        }
    }

    private static String upperCase(String text) throws Exception {
        Output output = await(
                Subprocess.run(Command.of("tr", "a-z", "A-Z").timeout(Duration.ofSeconds(5)), text.getBytes(UTF_8)));
        if (output.returnCode() != 0) {
            throw new IOException(output.err());
        }
        return output.out();
    }

    private void allJobs(TaskGroup group) throws Exception {
        for (int i = 0; i < WORKERS; i++) {
            group.createTask(async(this::work), "worker " + i);
        }
        for (int i = 0; i < JOBS; i++) {
            await(jobs.put("job " + i));
        }
        await(jobs.join());
        jobs.shutdown();
        assertThat(results)
                .hasSize(JOBS)
                .allSatisfy((job, result) -> assertThat(result).isEqualTo(job.toUpperCase(Locale.ROOT)));
    }

    @AsyncioTest
    void withRealChildren(TaskGroup group, TestClock clock) throws Exception {
        allJobs(group);
        assertThat(retries).isZero();
        assertThat(clock.now()).as("the pauses of the ledger").isLessThan(Duration.ofSeconds(1));
    }

    @Schedules(n = 25)
    void withFakesOfWhichEveryThirdHangs(TaskGroup group, TestClock clock) throws Exception {
        FakeProcesses fakes = new FakeProcesses(Wire.direct().chunks(2));
        fakes.program("tr", process -> {
            if (process.pid() % 3 == 0) {
                await(sleep(Duration.ofHours(1)));
            }
            byte[] input = await(process.stdin().readAll());
            process.stdout().write(new String(input, UTF_8).toUpperCase(Locale.ROOT));
            return 0;
        });
        Launcher.CURRENT.set(fakes);
        allJobs(group);
        assertThat(retries).isPositive();
        assertThat(fakes.started()).hasSize(JOBS + retries);
        assertThat(fakes.started().stream().filter(fake -> fake.signals().contains("KILL")))
                .hasSize(retries);
        assertThat(clock.now()).isBetween(Duration.ofSeconds(5), Duration.ofMinutes(1));
    }
}
