package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.internal.loop.BodyThreads;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import reactor.core.publisher.Mono;

/** Bodies that the thread of their loop carries: {@code asyncio.bodies.kind=carrier}. */
@EnabledIf("carried")
@Timeout(120)
class CarrierTest {
    static boolean carried() {
        return BodyThreads.KIND == BodyThreads.Kind.CARRIER;
    }

    private static Body tick() {
        return () -> await(sleep(Duration.ZERO));
    }

    // ---- where bodies run

    @Test
    void aBodyRunsOnTheThreadThatRunsTheLoop() throws Exception {
        Thread loopThread = Thread.currentThread();
        AtomicReference<Thread> callbackThread = new AtomicReference<>();
        Asyncio.run(() -> {
            EventLoop.getRunningLoop().callSoon(() -> callbackThread.set(Thread.currentThread()));
            for (int i = 0; i < 3; i++) {
                assertThat(BodyThreads.onVirtualThread()).isTrue();
                assertThat(Thread.currentThread().toString()).endsWith("@" + loopThread.getName());
                tick().run();
            }
        });
        assertThat(callbackThread.get()).isSameAs(loopThread);
    }

    @Test
    void aVirtualThreadMayRunALoopWithBodies() throws Exception {
        CompletableFuture<String> result = new CompletableFuture<>();
        BodyThreads.newVirtual(() -> {
                    EventLoop loop = EventLoop.newEventLoop();
                    try {
                        String value = loop.runUntilComplete(async(() -> {
                            tick().run();
                            return "result";
                        }));
                        assertThatThrownBy(() -> loop.runUntilComplete(async(() -> {
                                    throw new IllegalStateException("as it should");
                                })))
                                .hasMessage("as it should");
                        assertThat(EventLoop.runningOrNull()).isNull();
                        result.complete(value);
                    } catch (Throwable e) {
                        result.completeExceptionally(e);
                    } finally {
                        loop.close();
                    }
                })
                .start();
        assertThat(result.get()).isEqualTo("result");
    }

    @Test
    void aLoopIsClosedByABodyOfAnotherOne() throws Exception {
        List<String> seen = new ArrayList<>();
        Asyncio.run(() -> {
            EventLoop other = EventLoop.newEventLoop();
            Thread runs = new Thread(() -> {
                other.createTask(async(() -> {
                    try {
                        await(other.createFuture());
                    } finally {
                        seen.add("unwound");
                    }
                }));
                other.callSoon(() -> other.callSoon(other::stop));
                other.runForever();
            });
            runs.start();
            runs.join();
            try (LogCapture log = new LogCapture()) {
                other.close();
            }
            seen.add("closed");
            tick().run();
        });
        assertThat(seen).containsExactly("unwound", "closed");
    }

    @Test
    void virtualThreadsOfABodyAreTheJdksAndMayOutliveIt() throws Exception {
        CompletableFuture<Void> ended = new CompletableFuture<>();
        CompletableFuture<String> outlived = new CompletableFuture<>();
        Asyncio.run(() -> {
            List<Thread> threads = new ArrayList<>();
            AtomicInteger sum = new AtomicInteger();
            for (int i = 0; i < 10; i++) {
                threads.add(BodyThreads.newVirtual(() -> {
                    for (int k = 0; k < 10; k++) {
                        LockSupport.parkNanos(1000);
                        sum.incrementAndGet();
                    }
                }));
            }
            BodyThreads.newVirtual(() -> BodyThreads.newVirtual(() -> {
                                ended.join();
                                outlived.complete(Thread.currentThread().toString());
                            })
                            .start())
                    .start();
            threads.forEach(Thread::start);
            tick().run();
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(sum).hasValue(100);
        });
        ended.complete(null);
        assertThat(outlived.get()).contains("ForkJoinPool");
    }

    @Test
    void aBodyMayUseSocketsThatBlock() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            inAnotherThread(() -> {
                try (Socket accepted = server.accept()) {
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
                    accepted.getOutputStream().write(42);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            Asyncio.run(() -> {
                try (Socket socket = new Socket(server.getInetAddress(), server.getLocalPort())) {
                    assertThat(socket.getInputStream().read()).isEqualTo(42);
                }
                tick().run();
            });
        }
    }

    // ---- blocking outside of await

    /** Runs a program in which nothing else may happen while code blocks, and other threads work. */
    private static void assertKeepsTheLoop(Body blocking) throws Exception {
        List<String> seen = new ArrayList<>();
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            tick().run();
            Task<Void> other = createTask(async(() -> seen.add("other body")).then());
            loop.callSoon(() -> seen.add("callback"));
            loop.callSoonThreadsafe(() -> seen.add("from outside"));
            for (int i = 0; i < 5; i++) {
                blocking.run();
            }
            seen.add("blocked");
            await(other);
            tick().run();
        });
        assertThat(seen).startsWith("blocked").hasSize(4);
    }

    private static void inAnotherThread(Runnable action) {
        Thread thread = new Thread(() -> {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
            action.run();
        });
        thread.setDaemon(true);
        thread.start();
    }

    @Test
    void aBodyThatSleepsOrYieldsKeepsTheLoop() throws Exception {
        assertKeepsTheLoop(() -> {
            Thread.sleep(2);
            Thread.yield();
            LockSupport.parkNanos(1000);
        });
    }

    @Test
    void aBodyThatWaitsForAnotherThreadKeepsTheLoop() throws Exception {
        assertKeepsTheLoop(() -> {
            CompletableFuture<String> future = new CompletableFuture<>();
            inAnotherThread(() -> future.complete("x"));
            assertThat(future.get()).isEqualTo("x");
            Semaphore semaphore = new Semaphore(0);
            inAnotherThread(semaphore::release);
            semaphore.acquire();
        });
    }

    /** A wait may end while the body is leaving its carrier for it, also if it has just come back from another. */
    @Test
    void aBodyThatBlocksAgainAtOnceIsContinued() throws Exception {
        assertKeepsTheLoop(() -> {
            Thread body = Thread.currentThread();
            AtomicBoolean over = new AtomicBoolean();
            Thread other = new Thread(() -> {
                while (!over.get()) {
                    LockSupport.unpark(body);
                }
            });
            other.setDaemon(true);
            other.start();
            try {
                long begun = System.nanoTime();
                for (int i = 0; i < 20_000 && System.nanoTime() - begun < 1_000_000_000; i++) {
                    LockSupport.park();
                }
            } finally {
                over.set(true);
            }
            other.join();
        });
    }

    @Test
    void aBodyThatWaitsForAMonitorOrALockKeepsTheLoop() throws Exception {
        assertKeepsTheLoop(() -> {
            Object monitor = new Object();
            AtomicBoolean held = new AtomicBoolean();
            Thread holder = new Thread(() -> {
                synchronized (monitor) {
                    held.set(true);
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
                }
            });
            holder.start();
            while (!held.get()) {
                Thread.onSpinWait();
            }
            synchronized (monitor) {
                inAnotherThread(() -> {
                    synchronized (monitor) {
                        held.set(false);
                        monitor.notifyAll();
                    }
                });
                while (held.get()) {
                    monitor.wait();
                }
                monitor.wait(1);
            }
            ReentrantLock lock = new ReentrantLock();
            Thread owner = new Thread(() -> {
                lock.lock();
                held.set(true);
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
                lock.unlock();
            });
            owner.start();
            while (!held.get()) {
                Thread.onSpinWait();
            }
            lock.lock();
            lock.unlock();
        });
    }

    @Test
    void aBodyMayAwaitInsideSynchronized() throws Exception {
        Object monitor = new Object();
        List<Integer> order = new ArrayList<>();
        Asyncio.run(() -> {
            Task<Void> holds = createTask(async(() -> {
                synchronized (monitor) {
                    order.add(1);
                    tick().run();
                    tick().run();
                    order.add(3);
                }
            }));
            tick().run();
            order.add(2);
            await(holds);
            synchronized (monitor) {
                order.add(4);
            }
        });
        assertThat(order).containsExactly(1, 2, 3, 4);
    }

    @Test
    void theWatchdogReportsABodyThatBlocks() throws Exception {
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(() -> {
                while (log.messages().isEmpty()) {
                    Thread.sleep(1);
                }
            });
            assertThat(log.messages()).hasSize(1);
            assertThat(log.messages().get(0))
                    .contains("has been in one step for")
                    .contains("theWatchdogReportsABodyThatBlocks");
        }
    }

    // ---- interrupts and foreign threads

    @Test
    void anInterruptOfTheLoopsThreadIsKeptForIt() throws Exception {
        Thread loopThread = Thread.currentThread();
        Body blocks = () -> {
            inAnotherThread(loopThread::interrupt);
            Thread.sleep(20);
        };
        Body interrupts = loopThread::interrupt;
        for (Body interrupted : List.of(interrupts, blocks)) {
            Asyncio.run(() -> {
                interrupted.run();
                assertThat(Thread.currentThread().isInterrupted()).isFalse();
                tick().run();
                await(sleep(Duration.ofMillis(5)));
                assertThat(Thread.currentThread().isInterrupted()).isFalse();
            });
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    @Test
    void anInterruptOfABodyStaysWithTheBody() throws Exception {
        Asyncio.run(() -> {
            Thread me = Thread.currentThread();
            Future<Void> future = EventLoop.getRunningLoop().createFuture();
            Task<Void> other = createTask(async(() -> {
                me.interrupt();
                LockSupport.unpark(me);
                for (int i = 0; i < 3; i++) {
                    assertThat(Thread.currentThread().isInterrupted()).isFalse();
                    tick().run();
                }
                future.setResult(null);
            }));
            await(future);
            assertThat(Thread.interrupted()).isTrue();
            await(other);
        });
        assertThat(Thread.interrupted()).isFalse();
    }

    @Test
    void whoeverLooksAtBodiesInterruptsOrWakesThemLosesNoWakeUp() throws Exception {
        List<Thread> threads = new ArrayList<>();
        AtomicBoolean over = new AtomicBoolean();
        AtomicInteger frames = new AtomicInteger();
        Runnable stranger = () -> {
            while (!over.get()) {
                List<Thread> now;
                synchronized (threads) {
                    now = List.copyOf(threads);
                }
                for (Thread thread : now) {
                    frames.addAndGet(thread.getStackTrace().length);
                    thread.interrupt();
                    LockSupport.unpark(thread);
                }
            }
        };
        List<Thread> strangers = List.of(new Thread(stranger), new Thread(stranger));
        int[] steps = new int[1];
        Asyncio.run(() -> {
            List<Task<Void>> tasks = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                tasks.add(createTask(async(() -> {
                    synchronized (threads) {
                        threads.add(Thread.currentThread());
                    }
                    for (int k = 0; k < 2000; k++) {
                        tick().run();
                        steps[0]++;
                        if (k % 100 == 0) {
                            LockSupport.parkNanos(1000);
                            Thread.yield();
                        }
                    }
                })));
            }
            strangers.forEach(Thread::start);
            for (Task<Void> task : tasks) {
                await(task);
            }
        });
        over.set(true);
        for (Thread thread : strangers) {
            thread.join();
        }
        assertThat(steps[0]).isEqualTo(20_000);
        assertThat(frames).hasPositiveValue();
    }

    // ---- bodies that cannot be suspended

    private static final class Initialized {
        static Callbacks inside = Callbacks.NONE;

        private Initialized() {}

        interface Callbacks {
            Callbacks NONE = () -> {};

            void run() throws Exception;
        }
    }

    private static final class First {
        static final String RESULT;

        static {
            try {
                Initialized.inside.run();
                RESULT = "fine";
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }

        private First() {}
    }

    private static final class Second {
        static final String RESULT;

        static {
            try {
                Initialized.inside.run();
                RESULT = "fine";
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }

        private Second() {}
    }

    @Test
    void anAwaitInAClassInitializerThatWouldSuspendSaysSoAndTheLoopGoesOn() throws Exception {
        List<Object> seen = new ArrayList<>();
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Future<String> future = loop.createFuture();
            Task<Void> other = createTask(async(() -> {
                tick().run();
                seen.add("other");
            }));
            Initialized.inside = () -> {
                await(Mono.just("there"));
                assertThatThrownBy(() -> await(future))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("class initializer")
                        .hasMessageContaining("asyncio.bodies.kind=virtual");
                assertThatThrownBy(() -> await(sleep(Duration.ofMillis(1))))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("class initializer");
                assertThat(loop.core.inEventLoop()).isTrue();
                assertThat(Asyncio.currentTask()).isNotNull();
            };
            seen.add(First.RESULT);
            future.setResult("later");
            assertThat(await(future)).isEqualTo("later");
            await(other);
        });
        assertThat(seen).containsExactly("fine", "other");
    }

    @Test
    void anEagerTaskOfAClassInitializerBeginsLater() throws Exception {
        List<Object> seen = new ArrayList<>();
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            List<Task<Void>> tasks = new ArrayList<>();
            Initialized.inside = () -> {
                tasks.add(loop.createTask(
                        async(() -> {
                            seen.add("begins");
                            tick().run();
                            seen.add("ends");
                        }),
                        TaskOptions.DEFAULTS.withEager(true)));
                seen.add("made");
            };
            seen.add(Second.RESULT);
            await(tasks.get(0));
        });
        assertThat(seen).containsExactly("made", "fine", "begins", "ends");
    }

    @Test
    void eagerTasksNestFromCallbacksAndBodies() throws Exception {
        List<Integer> order = new ArrayList<>();
        TaskOptions eager = TaskOptions.DEFAULTS.withEager(true);
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Future<Void> over = loop.createFuture();
            loop.callSoon(() -> {
                order.add(1);
                loop.createTask(
                        async(() -> {
                            order.add(2);
                            loop.createTask(
                                    async(() -> {
                                        order.add(3);
                                        tick().run();
                                        order.add(6);
                                        over.setResult(null);
                                    }),
                                    eager);
                            order.add(4);
                            await(over);
                            order.add(7);
                        }),
                        eager);
                order.add(5);
            });
            await(over);
            tick().run();
        });
        assertThat(order).containsExactly(1, 2, 3, 4, 5, 6, 7);
    }

    @Test
    void aBodyThatOverflowsItsStackFailsAndTheLoopGoesOn() throws Exception {
        assertThatThrownBy(() -> Asyncio.run(() -> {
                    tick().run();
                    overflow(0);
                }))
                .isInstanceOf(StackOverflowError.class);
        Asyncio.run(() -> {
            try {
                overflow(0);
            } catch (StackOverflowError e) {
                tick().run();
            }
        });
    }

    private static long overflow(long i) {
        return 1 + overflow(i + 1);
    }
}
