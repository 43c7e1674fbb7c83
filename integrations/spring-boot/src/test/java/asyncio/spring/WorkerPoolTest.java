package asyncio.spring;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.springframework.boot.WebApplicationType.NONE;
import static org.springframework.boot.WebApplicationType.REACTIVE;

import asyncio.SharedLoops;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Queues and workers that start and stop. {@code -Dasyncio.test.seed} replays. */
@Timeout(60)
class WorkerPoolTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @Test
    void allThatWasSubmittedIsDoneBeforeItStops() {
        Set<Integer> done = ConcurrentHashMap.newKeySet();
        try (SharedLoops.Lease lease = SharedLoops.lease()) {
            WorkerPool<Integer> pool = WorkerPool.builder(
                            "squares",
                            (Integer item) -> async(() -> {
                                await(sleep(Duration.ofMillis(item % 3)));
                                done.add(item);
                            }))
                    .workers(3)
                    .capacity(5)
                    .build();
            pool.start();
            Flux.range(0, 100).concatMap(pool::submit).blockLast(LIMIT);
            pool.stop();
            assertThat(done).hasSize(100);
            assertThat(pool.isRunning()).isFalse();
            assertThat(lease.loops()).allMatch(loop -> loop.allTasks().isEmpty());
        }
    }

    @Test
    void itIsRestartable() {
        List<String> done = new ArrayList<>();
        WorkerPool<String> pool = WorkerPool.builder("words", (String item) -> Mono.fromRunnable(() -> done.add(item)))
                .build();
        for (String item : List.of("one", "two")) {
            pool.start();
            assertThat(pool.trySubmit(item)).isTrue();
            pool.stop();
            assertThatThrownBy(() -> pool.trySubmit("late"))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("Worker pool words accepts no items");
            assertThatThrownBy(() -> pool.submit("late").block()).isInstanceOf(IllegalStateException.class);
        }
        assertThat(done).containsExactly("one", "two");
    }

    @Test
    void whatFailsIsToldAndTheNextItemIsTaken() {
        ConcurrentLinkedQueue<String> failed = new ConcurrentLinkedQueue<>();
        ConcurrentLinkedQueue<String> done = new ConcurrentLinkedQueue<>();
        WorkerPool<String> pool = WorkerPool.builder("some fail", (String item) -> {
                    if (item.equals("throws")) {
                        throw new IllegalArgumentException(item);
                    }
                    return item.equals("fails")
                            ? Mono.error(new IllegalArgumentException(item))
                            : Flux.just(1, 2).doOnComplete(() -> done.add(item));
                })
                .onError((item, error) -> failed.add(item + " " + error.getMessage()))
                .build();
        pool.start();
        List.of("throws", "fails", "works").forEach(pool::trySubmit);
        pool.stop();
        assertThat(failed).containsExactly("throws throws", "fails fails");
        assertThat(done).as("a Flux is worked on to its end").containsExactly("works");
    }

    @Test
    void anErrorIsToldAsWell() {
        ConcurrentLinkedQueue<Object> failed = new ConcurrentLinkedQueue<>();
        AssertionError oops = new AssertionError("oops");
        WorkerPool<String> pool = WorkerPool.builder("errors", (String item) -> Mono.error(oops))
                .onError((item, error) -> failed.add(error))
                .build();
        pool.start();
        List.of("one", "two").forEach(pool::trySubmit);
        pool.stop();
        assertThat(failed).containsExactly(oops, oops);
    }

    @Test
    void aPoolWhoseWorkersWereCancelledCanBeStartedAgain() throws Exception {
        CountDownLatch working = new CountDownLatch(1);
        CompletableFuture<String> undelivered = new CompletableFuture<>();
        CompletableFuture<String> done = new CompletableFuture<>();
        try (SharedLoops.Lease lease = SharedLoops.lease()) {
            WorkerPool<String> pool = WorkerPool.builder("cancelled", (String item) -> {
                        working.countDown();
                        return item.equals("stuck") ? Mono.never() : Mono.fromRunnable(() -> done.complete(item));
                    })
                    .onUndelivered(undelivered::complete)
                    .build();
            pool.start();
            pool.trySubmit("stuck");
            working.await();
            lease.loops()
                    .forEach(loop -> loop.callSoonThreadsafe(
                            () -> loop.allTasks().forEach(task -> task.cancel("by somebody else"))));
            assertThat(undelivered.get(20, TimeUnit.SECONDS)).isEqualTo("stuck");
            while (pool.isRunning()) {
                Thread.onSpinWait();
            }
            pool.start();
            assertThat(pool.trySubmit("works")).isTrue();
            assertThat(done.get(20, TimeUnit.SECONDS)).isEqualTo("works");
            pool.stop();
        }
    }

    @Test
    void whatIsNotDoneInTimeIsCancelledAndHandedBack() throws Exception {
        ConcurrentLinkedQueue<String> undelivered = new ConcurrentLinkedQueue<>();
        CountDownLatch working = new CountDownLatch(1);
        CompletableFuture<String> cleaned = new CompletableFuture<>();
        WorkerPool<String> pool = WorkerPool.builder(
                        "slow",
                        (String item) -> async(() -> {
                            try {
                                working.countDown();
                                await(sleep(Duration.ofHours(1)));
                            } finally {
                                await(sleep(Duration.ofMillis(1)));
                                cleaned.complete("cleaned up");
                            }
                        }))
                .drainTimeout(Duration.ofMillis(20))
                .onUndelivered(undelivered::add)
                .build();
        pool.start();
        List.of("first", "second", "third").forEach(pool::trySubmit);
        working.await();
        assertThat(pool.queued()).isEqualTo(2);
        pool.stop();
        assertThat(cleaned).as("stop waits for the clean-up").isCompletedWithValue("cleaned up");
        assertThat(undelivered).containsExactly("first", "second", "third");
    }

    @Test
    void aWaitingSubmitFailsWhenThePoolStops() throws Exception {
        CountDownLatch working = new CountDownLatch(1);
        CompletableFuture<String> go = new CompletableFuture<>();
        WorkerPool<String> pool = WorkerPool.builder("full", (String item) -> {
                    working.countDown();
                    return Mono.fromFuture(go);
                })
                .capacity(1)
                .build();
        pool.start();
        pool.submit("first").block(LIMIT);
        working.await();
        pool.submit("second").block(LIMIT);
        CompletableFuture<Void> third = pool.submit("third").toFuture();
        CompletableFuture<Void> stopped = new CompletableFuture<>();
        pool.stop(() -> stopped.complete(null));
        assertThat(third).failsWithin(LIMIT).withThrowableThat().withCauseInstanceOf(IllegalStateException.class);
        assertThat(stopped).isNotDone();
        go.complete("go");
        assertThat(stopped).succeedsWithin(LIMIT);
    }

    @Test
    void noItemIsLostOrDoubledWhoeverSubmitsWhileItStartsAndStops() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        ConcurrentLinkedQueue<Integer> done = new ConcurrentLinkedQueue<>();
        ConcurrentLinkedQueue<Integer> undelivered = new ConcurrentLinkedQueue<>();
        ConcurrentLinkedQueue<Integer> accepted = new ConcurrentLinkedQueue<>();
        WorkerPool<Integer> pool = WorkerPool.builder(
                        "restless",
                        (Integer item) -> async(() -> {
                            await(sleep(Duration.ofMillis(item % 2)));
                            done.add(item);
                        }))
                .workers(3)
                .capacity(4)
                .drainTimeout(Duration.ofMillis(1))
                .onUndelivered(undelivered::add)
                .build();
        try (SharedLoops.Lease lease = SharedLoops.lease()) {
            List<Thread> submitters = IntStream.range(0, 3)
                    .mapToObj(n -> new Thread(() -> {
                        Random random = new Random(seed + n);
                        for (int i = 0; i < 300; i++) {
                            int item = n * 1000 + i;
                            try {
                                if (random.nextBoolean()) {
                                    pool.submit(item).block();
                                    accepted.add(item);
                                } else if (pool.trySubmit(item)) {
                                    accepted.add(item);
                                }
                            } catch (IllegalStateException e) {
                                Thread.yield(); // just stopped: the item is not in the queue
                            }
                        }
                    }))
                    .toList();
            submitters.forEach(Thread::start);
            for (int i = 0; i < 30; i++) {
                pool.start();
                pool.stop();
            }
            pool.start();
            for (Thread submitter : submitters) {
                submitter.join();
            }
            pool.stop();
            assertThat(lease.loops()).allMatch(loop -> loop.allTasks().isEmpty());
        }
        List<Integer> over = new ArrayList<>(done);
        over.addAll(undelivered);
        assertThat(over).as("seed %d", seed).containsExactlyInAnyOrderElementsOf(accepted);
    }

    // ---- in an application

    static class Shop {
        final ConcurrentLinkedQueue<String> sent = new ConcurrentLinkedQueue<>();

        @AsyncioWorker(name = "mails", workers = 2, drainTimeout = "${drain:5s}")
        Mono<Void> send(String mail) {
            return async(() -> {
                await(sleep(Duration.ofMillis(1)));
                sent.add(mail);
            });
        }
    }

    @RestController
    static class Orders {
        final CompletableFuture<String> working = new CompletableFuture<>();
        private final WorkerPool<String> mails;

        Orders(WorkerPools pools, Shop shop) {
            mails = pools.get("mails", String.class);
        }

        @GetMapping("/order")
        Mono<String> order() {
            return async(() -> {
                working.complete("working");
                await(sleep(Duration.ofMillis(300)));
                await(mails.submit("mail of the last request"));
                return "ordered";
            });
        }
    }

    @Test
    void aRequestThatTheServerStillAnswersFindsThePoolRunning() {
        assertThat(WorkerPool.PHASE).isLessThan(WebServerApplicationContext.START_STOP_LIFECYCLE_PHASE);
        ConfigurableApplicationContext context = Contexts.run(REACTIVE, List.of(Shop.class, Orders.class));
        Shop shop = context.getBean(Shop.class);
        CompletableFuture<String> answer = WebClient.create("http://localhost:" + Contexts.port(context))
                .get()
                .uri("/order")
                .retrieve()
                .bodyToMono(String.class)
                .toFuture();
        context.getBean(Orders.class).working.join();
        context.close();
        assertThat(answer).succeedsWithin(LIMIT).isEqualTo("ordered");
        assertThat(shop.sent).containsExactly("mail of the last request");
    }

    static class Wrong {
        @AsyncioWorker
        void send(String mail) {}
    }

    @Test
    void aMethodThatIsNoWorkersIsRefused() {
        assertThatThrownBy(() -> Contexts.run(NONE, Wrong.class))
                .rootCause()
                .hasMessageContaining("one parameter, the item, and returns a Publisher")
                .hasMessageContaining("Wrong.send");
    }

    @Test
    void poolsAreFoundByNameAndType() {
        try (ConfigurableApplicationContext context = Contexts.run(NONE, Shop.class)) {
            WorkerPools pools = context.getBean(WorkerPools.class);
            assertThat(pools.get("mails", String.class)).hasToString("<WorkerPool mails workers=2 queued=0>");
            assertThatThrownBy(() -> pools.get("male", String.class)).hasMessageContaining("[mails]");
            assertThatThrownBy(() -> pools.get("mails", Integer.class))
                    .hasMessageContaining("java.lang.String, not java.lang.Integer");
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class OwnPool {
        final ConcurrentLinkedQueue<String> done = new ConcurrentLinkedQueue<>();

        @Bean
        WorkerPool<String> words() {
            return WorkerPool.builder("words", (String word) -> Mono.fromRunnable(() -> done.add(word)))
                    .build();
        }
    }

    @Test
    void aPoolMayBeABean() {
        ConfigurableApplicationContext context = Contexts.run(NONE, OwnPool.class);
        @SuppressWarnings("unchecked")
        WorkerPool<String> words = context.getBean(WorkerPool.class);
        OwnPool beans = context.getBean(OwnPool.class);
        words.trySubmit("one");
        context.close();
        assertThat(beans.done).containsExactly("one");
        assertThat(words.isRunning()).isFalse();
    }
}
