package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.util.context.Context;

class ToThreadTest {
    @Test
    @DisplayName(
            "THR-01 LOOP-34 toThread returns the function's value, computed on another thread, where blocking is allowed")
    void value() throws Exception {
        Asyncio.run(() -> {
            Set<Thread> threads = ConcurrentHashMap.newKeySet();
            int result = await(toThread(() -> {
                threads.add(Thread.currentThread());
                assertThat(Schedulers.isInNonBlockingThread()).isFalse();
                return Mono.just(42).delayElement(Duration.ofMillis(1)).block();
            }));
            assertThat(result).isEqualTo(42);
            assertThat(threads).doesNotContain(Thread.currentThread());
        });
    }

    @Test
    @DisplayName("THR-02 its exception arrives as it was thrown")
    void exception() throws Exception {
        IOException thrown = new IOException("test");
        Asyncio.run(() -> {
            assertThatThrownBy(() -> await(toThread(() -> {
                        throw thrown;
                    })))
                    .isSameAs(thrown);
        });
    }

    @Test
    @DisplayName("THR-03 each call runs once; ten at a time all run")
    void onceAndConcurrently() throws Exception {
        Asyncio.run(() -> {
            AtomicInteger calls = new AtomicInteger();
            List<Task<Integer>> tasks = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                tasks.add(createTask(toThread(calls::incrementAndGet)));
            }
            for (Task<Integer> task : tasks) {
                await(task);
            }
            assertThat(calls).hasValue(10);
        });
    }

    @Test
    @DisplayName("THR-05 THR-06 the caller's context is current in the thread, each call's its own")
    void context() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            List<Task<Object>> tasks = new ArrayList<>();
            for (int precision : new int[] {3, 6}) {
                tasks.add(loop.createTask(
                        async(() -> {
                            Object inThread = await(
                                    toThread(() -> Asyncio.currentContext().get("precision")));
                            await(sleep(Duration.ZERO));
                            assertThat(Asyncio.currentContext().<Object>get("precision"))
                                    .isEqualTo(inThread);
                            return inThread;
                        }),
                        null,
                        Context.of("precision", precision)));
            }
            assertThat(await(tasks.get(0))).isEqualTo(3);
            assertThat(await(tasks.get(1))).isEqualTo(6);
            assertThat(await(toThread(() -> Asyncio.currentContext().isEmpty())))
                    .isTrue();
        });
    }

    @Test
    @DisplayName("THR-07 cancelling who awaits does not stop the thread: the function runs to its end")
    void cancelDoesNotStopTheThread() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        Asyncio.run(() -> {
            Task<Void> task = createTask(async(() -> {
                await(toThread(() -> {
                    started.countDown();
                    release.await();
                    ended.countDown();
                }));
            }));
            await(sleep(Duration.ZERO));
            started.await();
            task.cancel();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            assertThat(ended.getCount()).isEqualTo(1);
            release.countDown();
        });
        assertThat(ended.getCount()).as("run() joins its threads").isZero();
    }

    @Test
    @DisplayName("LOOP-35 a completion that comes after the loop was closed calls nobody back")
    void completionAfterClose() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        EventLoop loop = EventLoop.newEventLoop();
        List<Thread> threads = new ArrayList<>();
        loop.runUntilComplete(async(() -> {
            Task<Void> task = createTask(toThread(() -> {
                threads.add(Thread.currentThread());
                started.countDown();
                release.await();
            }));
            await(sleep(Duration.ZERO));
            started.await();
            task.cancel();
            await(sleep(Duration.ZERO));
        }));
        loop.close();
        try (LogCapture log = new LogCapture()) {
            release.countDown();
            threads.get(0).join();
            assertThat(log.messages()).isEmpty();
        }
    }

    @Test
    void aCallCancelledInTheQueueNeverBegins() throws Exception {
        AtomicInteger begun = new AtomicInteger();
        CountDownLatch release = new CountDownLatch(1);
        Asyncio.run(() -> {
            List<Task<Void>> blockers = new ArrayList<>();
            for (int i = 0; i < Math.min(32, Runtime.getRuntime().availableProcessors() + 4); i++) {
                blockers.add(createTask(toThread((Body) release::await)));
            }
            Task<Integer> queued = createTask(toThread(begun::incrementAndGet));
            await(sleep(Duration.ZERO));
            queued.cancel();
            assertThatThrownBy(() -> await(queued)).isInstanceOf(CancelledException.class);
            release.countDown();
            for (Task<Void> blocker : blockers) {
                await(blocker);
            }
            await(toThread(() -> {}));
        });
        assertThat(begun).hasValue(0);
    }

    @Test
    void holdsVirtualTime() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            CountDownLatch release = new CountDownLatch(1);
            List<String> order = new ArrayList<>();
            loop.callLater(Duration.ofHours(1), () -> order.add("timer"));
            Thread helper = new Thread(release::countDown);
            loop.callSoon(helper::start);
            await(toThread((Body) release::await));
            order.add("thread");
            await(sleep(Duration.ofHours(2)));
            assertThat(order).containsExactly("thread", "timer");
        });
    }

    @Test
    void worksWhereNoLoopRuns() {
        StepVerifier.create(toThread(() -> "x")).expectNext("x").verifyComplete();
        StepVerifier.create(toThread(() -> {})).verifyComplete();
    }
}
