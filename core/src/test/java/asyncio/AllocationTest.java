package asyncio;

import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/** The most that common operations allocate: a guard against growth, not a figure to quote. */
@Timeout(60)
class AllocationTest {
    private static final int N = 50_000;
    private static final Integer VALUE = 42;

    @Test
    void aTick() throws Exception {
        double bytes = Allocation.bytesPerOperation(N, () -> {
            Asyncio.run(sleep(Duration.ZERO).repeat(N - 1).then());
            return null;
        });
        assertThat(bytes).isLessThan(64);
    }

    @Test
    void aTaskOfAGather() throws Exception {
        double bytes = Allocation.bytesPerOperation(N, () -> {
            List<Mono<Integer>> monos = new ArrayList<>(N);
            for (int i = 0; i < N; i++) {
                monos.add(Mono.fromCallable(() -> VALUE));
            }
            return Asyncio.run(gather(monos)).size();
        });
        assertThat(bytes).isLessThan(260);
    }

    /** The record of a task that the flight recorder wants to hear of takes the place of its name. */
    @Test
    void aTaskIsNoBiggerForWhatARecordingWants() throws Exception {
        EventLoop loop = EventLoop.newEventLoop();
        Mono<Integer> mono = Mono.just(VALUE);
        Object[] kept = new Object[N];
        double bytes = Allocation.bytesPerOperation(N, () -> {
            for (int i = 0; i < N; i++) {
                kept[i] = new MonoTask<>(loop, mono, null, Context.empty());
            }
            return kept;
        });
        loop.close();
        assertThat(bytes).isLessThan(73);
    }

    @Test
    void aTimeLimitAroundWhatIsThere() throws Exception {
        double bytes = Allocation.bytesPerOperation(N, () -> {
            Asyncio.run(waitFor(Mono.fromCallable(() -> VALUE), Duration.ofSeconds(1))
                    .repeat(N - 1)
                    .then());
            return null;
        });
        assertThat(bytes).isLessThan(370); // 353 when it is run alone
    }

    @Test
    void aRaceOfTwoThatAreThere() throws Exception {
        Mono<Integer> race = Asyncio.race(List.of(Mono.fromCallable(() -> VALUE), Mono.fromCallable(() -> VALUE)));
        double bytes = Allocation.bytesPerOperation(N, () -> {
            Asyncio.run(race.repeat(N - 1).then());
            return null;
        });
        assertThat(bytes).isLessThan(900); // 704 to 761
    }

    /** Without stacks, of tasks that await each other in a chain, and of tasks that await one Future. */
    @Test
    void theCallGraphOfAThousandTasks() throws Exception {
        int tasks = 1_000;
        EventLoop loop = EventLoop.newEventLoop();
        Future<Integer> chain = loop.createFuture();
        Future<Integer> crowd = loop.createFuture();
        Mono<Integer> last = chain;
        for (int i = 0; i < tasks; i++) {
            last = loop.createTask(last);
            loop.createTask(crowd.map(value -> value));
        }
        loop.stop();
        loop.runForever(); // a tick
        assertThat(Asyncio.captureCallGraph(crowd, 0).awaitedBy()).hasSize(tasks);
        double chained = Allocation.bytesPerOperation(tasks, () -> Asyncio.captureCallGraph(chain, 0));
        double crowded = Allocation.bytesPerOperation(tasks, () -> Asyncio.captureCallGraph(crowd, 0));
        chain.setResult(VALUE);
        crowd.setResult(VALUE);
        while (!loop.allTasks().isEmpty()) {
            loop.stop();
            loop.runForever();
        }
        loop.close();
        assertThat(chained).as("in a chain").isLessThan(1_200);
        assertThat(crowded).as("of one Future").isLessThan(1_200);
    }
}
