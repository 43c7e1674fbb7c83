package asyncio.testkit;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.EventLoop;
import asyncio.Task;
import asyncio.queue.Queue;
import asyncio.sync.KeyedLock;
import asyncio.sync.Lock;
import asyncio.sync.ReadWriteLock;
import asyncio.sync.Semaphore;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** A task appears below the task that waits for it, also through objects of other modules in between. */
class TaskDumpTest {
    @AsyncioTest
    void aTaskStandsBelowTheOneThatWaitsForItThroughOtherModules(EventLoop loop, TestClock clock) throws Exception {
        Map<String, Function<Task<Integer>, Mono<?>>> ways = new LinkedHashMap<>();
        ways.put("withLock", task -> new Lock().withLock(task));
        ways.put("withLock of a Flux", task -> new Lock().withLock(task.flux()).collectList());
        ways.put("withPermit", task -> new Semaphore(1).withPermit(task));
        ways.put("keyed", task -> new KeyedLock<String>().withLock("a", task));
        ways.put("read lock", task -> new ReadWriteLock().readLock().withLock(task));
        ways.put("write lock", task -> new ReadWriteLock().writeLock().withLock(task));
        ways.put("putAll", task -> new Queue<Integer>(1).putAll(task));
        ways.put("putAll of a Flux", task -> new Queue<Integer>(1).putAll(Flux.concat(task)));
        for (Map.Entry<String, Function<Task<Integer>, Mono<?>>> way : ways.entrySet()) {
            Task<Integer> inner = createTask(sleep(Duration.ofHours(1), 1), "inner");
            Task<?> outer = createTask(way.getValue().apply(inner), "outer");
            await(clock.settle());
            assertThat(loop.dumpTasks())
                    .as(way.getKey())
                    .containsPattern("(?m)^( *)- outer.*\\R(.* at .*\\R)*\\1  - inner");
            await(outer.cancelAndJoin());
            await(inner.cancelAndJoin());
        }
    }
}
