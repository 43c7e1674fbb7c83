package asyncio.queue;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.queue.Runs.onLoop;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.EventLoop;
import asyncio.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The programs of docs/queue.md. */
class DocsTest {
    private static List<Integer> range(int n) {
        return IntStream.range(0, n).boxed().toList();
    }

    @Test
    void workDistribution() throws Exception {
        onLoop(() -> {
            Queue<Integer> pages = new Queue<>(10);
            List<Integer> fetched = new ArrayList<>();
            List<Task<Void>> workers = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                workers.add(createTask(async(() -> {
                    for (Integer page; (page = await(pages.next())) != null; pages.taskDone()) {
                        await(sleep(Duration.ofMillis(1)));
                        fetched.add(page);
                    }
                })));
            }
            await(pages.putAll(Flux.range(0, 100)));
            await(pages.join());
            assertThat(fetched).containsExactlyInAnyOrderElementsOf(range(100));
            pages.shutdown();
            for (Task<Void> worker : workers) {
                await(worker);
            }
        });
    }

    @Test
    void connectionPool() throws Exception {
        onLoop(() -> {
            List<String> closed = new ArrayList<>();
            Queue<String> idle = new Queue<>(2, closed::add);
            idle.putNowait("one");
            idle.putNowait("two");
            Mono<String> query = Mono.usingWhen(
                    idle.get(Duration.ofSeconds(1)),
                    connection -> sleep(Duration.ofMillis(700), connection),
                    connection -> idle.put(connection)
                            .onErrorResume(
                                    QueueShutDownException.class,
                                    shutDown -> Mono.fromRunnable(() -> closed.add(connection))));
            Task<String> first = createTask(query);
            Task<String> second = createTask(query);
            await(sleep(Duration.ofMillis(10)));
            assertThatThrownBy(() -> await(Mono.usingWhen(
                            idle.get(Duration.ofMillis(100)), connection -> Mono.just("never"), idle::put)))
                    .isInstanceOf(TimeoutException.class);
            assertThat(await(query)).isEqualTo("one");
            assertThat(List.of(await(first), await(second))).containsExactly("one", "two");
            Task<String> last = createTask(query);
            await(sleep(Duration.ofMillis(10)));
            idle.shutdown(true);
            assertThat(closed).as("what is idle").containsExactly("one");
            assertThat(await(last)).isEqualTo("two");
            assertThat(closed).as("what comes back later").containsExactly("one", "two");
        });
    }

    @Test
    void publishAndSubscribe() throws Exception {
        onLoop(() -> {
            Set<Queue<Integer>> subscribers = ConcurrentHashMap.newKeySet();
            Flux<Integer> quotes = Flux.using(
                    () -> {
                        Queue<Integer> mine = new Queue<>(2);
                        subscribers.add(mine);
                        return mine;
                    },
                    Queue::asFlux,
                    mine -> {
                        subscribers.remove(mine);
                        mine.shutdown(true);
                    });
            Task<List<Integer>> slow = createTask(quotes.concatMap(quote -> sleep(Duration.ofSeconds(1), quote), 1)
                    .take(50)
                    .collectList());
            Task<List<Integer>> fast = createTask(quotes.take(50).collectList());
            await(sleep(Duration.ZERO));
            Task<List<Integer>> leaver = createTask(quotes.concatMap(quote -> sleep(Duration.ofHours(1), quote), 1)
                    .collectList());
            EventLoop.getRunningLoop().callLater(Duration.ofSeconds(10), leaver::cancel);
            await(sleep(Duration.ZERO));
            for (int i = 0; i < 50; i++) {
                int quote = i; // the fourth waits for the subscriber that leaves
                await(Flux.fromIterable(subscribers)
                        .flatMap(
                                queue -> queue.put(quote).onErrorComplete(QueueShutDownException.class),
                                Integer.MAX_VALUE)
                        .then());
            }
            assertThat(await(slow)).isEqualTo(range(50));
            assertThat(await(fast)).isEqualTo(range(50));
            assertThat(subscribers).isEmpty();
        });
    }

    @Test
    void aProducerWithCallbacks() throws Exception {
        Queue<Integer> inbox = new Queue<>(4);
        AtomicBoolean paused = new AtomicBoolean();
        Thread driver = new Thread(() -> {
            for (int i = 0; i < 1000; i++) {
                while (paused.get()) {
                    Thread.onSpinWait();
                }
                int message = i;
                if (!inbox.tryPut(message)) {
                    paused.set(true);
                    inbox.put(message).subscribe(nothing -> {}, error -> inbox.shutdown(true), () -> paused.set(false));
                }
            }
        });
        driver.start();
        List<Integer> handled = inbox.asFlux()
                .concatMap(message -> sleep(Duration.ZERO, message), 1)
                .take(1000)
                .collectList()
                .block();
        driver.join();
        assertThat(handled).isEqualTo(range(1000));
    }
}
