package asyncio.bridge;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.shield;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static asyncio.bridge.Cancellation.DETACH;
import static asyncio.bridge.Cancellation.PROPAGATE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.LogCapture;
import asyncio.Task;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PipedReader;
import java.io.PipedWriter;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.test.StepVerifier;
import reactor.util.context.Context;

/** Blocking calls and streams as Monos and Fluxes, and plain threads that call Monos. */
@ExtendWith(LeakCheck.class)
class BlockingTest {
    private final Dropped dropped = new Dropped();

    @AfterEach
    void close() {
        dropped.close();
        EventLoop.shutdownShared(Duration.ofSeconds(10));
    }

    @Test
    void aCallRunsOnAThreadAndComesBack() throws Exception {
        Asyncio.run(() -> {
            Thread loop = Thread.currentThread();
            AtomicReference<Thread> thread = new AtomicReference<>();
            String user = await(Blocking.mono(
                            () -> {
                                thread.set(Thread.currentThread());
                                return Asyncio.currentContext().getOrDefault("user", "nobody");
                            },
                            PROPAGATE)
                    .contextWrite(Context.of("user", "ann")));
            assertThat(user).isEqualTo("ann");
            assertThat(thread.get()).isNotSameAs(loop);
            String nothing = await(Blocking.<String>mono(() -> null, DETACH));
            assertThat(nothing).isNull();
            assertThatThrownBy(() -> await(Blocking.mono(
                            () -> {
                                throw new IOException("x");
                            },
                            DETACH)))
                    .isInstanceOf(IOException.class);
        });
    }

    @Test
    void cancellingInterruptsIfAsked() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        CountDownLatch interrupted = new CountDownLatch(1);
        Mono<String> call = Blocking.mono(
                () -> {
                    started.countDown();
                    try {
                        new CountDownLatch(1).await();
                        return "never";
                    } catch (InterruptedException e) {
                        interrupted.countDown();
                        throw e;
                    }
                },
                PROPAGATE);
        Asyncio.run(() -> {
            Task<String> task = createTask(call);
            await(Blocking.mono(() -> started.await(10, TimeUnit.SECONDS), DETACH));
            task.cancel();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
        });
        assertThat(interrupted.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(dropped.errors).as("the interrupt was ours").isEmpty();
    }

    @Test
    void withoutBeingAskedTheCallGoesOnUnheard() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        CountDownLatch finish = new CountDownLatch(1);
        CountDownLatch discarded = new CountDownLatch(1);
        var subscription = Blocking.mono(
                        () -> {
                            started.countDown();
                            finish.await();
                            return "value";
                        },
                        DETACH)
                .contextWrite(Operators.enableOnDiscard(Context.empty(), value -> discarded.countDown()))
                .subscribe();
        started.await();
        subscription.dispose();
        finish.countDown();
        assertThat(discarded.await(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void anInterruptDoesNotReachTheNextCallOfTheThread() throws Exception {
        Asyncio.run(() -> {
            for (int i = 0; i < 200; i++) {
                Task<Integer> task = createTask(Blocking.mono(() -> 1, PROPAGATE));
                await(sleep(Duration.ZERO));
                task.cancel();
                boolean clean =
                        await(Blocking.mono(() -> !Thread.currentThread().isInterrupted(), DETACH));
                assertThat(clean).isTrue();
            }
        });
    }

    // ---- futures with only blocking waits

    @Test
    void aFutureThatCanOnlyBeWaitedForIsAMono() {
        FutureTask<Integer> value = new FutureTask<>(() -> 1);
        StepVerifier.create(Blocking.future(value, DETACH))
                .then(value::run)
                .expectNext(1)
                .verifyComplete();
        FutureTask<Integer> error = new FutureTask<>(() -> {
            throw new IOException("x");
        });
        error.run();
        StepVerifier.create(Blocking.future(error, DETACH))
                .verifyErrorSatisfies(e -> assertThat(e).isInstanceOf(IOException.class));
    }

    @Test
    void cancellingFreesTheThreadAndReachesTheFutureIfAsked() throws Exception {
        FutureTask<Integer> propagated = new FutureTask<>(() -> 1);
        FutureTask<Integer> detached = new FutureTask<>(() -> 2);
        Asyncio.run(() -> {
            for (FutureTask<Integer> future : List.of(propagated, detached)) {
                Task<Integer> task = createTask(Blocking.future(future, future == propagated ? PROPAGATE : DETACH));
                await(sleep(Duration.ofMillis(5)));
                task.cancel();
                assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            }
        }); // the end of the program waits for its threads
        assertThat(propagated).isCancelled();
        assertThat(detached).isNotDone();
        assertThat(dropped.errors).isEmpty();
    }

    // ---- streams

    private static final class Tracked extends ByteArrayInputStream {
        final CountDownLatch closed = new CountDownLatch(1);
        final AtomicInteger reads = new AtomicInteger();

        Tracked(String text) {
            super(text.getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public int read(byte[] bytes) throws IOException {
            reads.incrementAndGet();
            return super.read(bytes);
        }

        @Override
        public void close() {
            closed.countDown();
        }
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    @Test
    void aStreamIsReadAsItIsRequestedAndClosed() throws Exception {
        Tracked stream = new Tracked("abcdefgh");
        StepVerifier.create(Blocking.read(() -> stream, 3, DETACH).map(BlockingTest::text), 1)
                .expectNext("abc")
                .then(() -> assertThat(stream.reads).hasValue(1))
                .thenRequest(9)
                .expectNext("def", "gh")
                .verifyComplete();
        assertThat(stream.closed.getCount()).isZero();
    }

    @Test
    void aStreamThatFailsOrCannotBeOpenedFailsTheFlux() {
        CountDownLatch closed = new CountDownLatch(1);
        InputStream failing = new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("broken");
            }

            @Override
            public void close() {
                closed.countDown();
            }
        };
        StepVerifier.create(Blocking.read(() -> failing, 3, DETACH)).verifyErrorMessage("broken");
        assertThat(closed.getCount()).isZero();
        StepVerifier.create(Blocking.read(
                        () -> {
                            throw new IOException("no such file");
                        },
                        3,
                        DETACH))
                .verifyErrorMessage("no such file");
    }

    /** Like a socket's stream: close ends the read. */
    private static final class Endless extends InputStream {
        final CountDownLatch reading = new CountDownLatch(1);
        final CountDownLatch mayReturn = new CountDownLatch(1);
        final CompletableFuture<Boolean> closedWhileReading = new CompletableFuture<>();
        volatile boolean returned;
        boolean heedsInterrupts = true;

        @Override
        public int read() throws IOException {
            reading.countDown();
            while (mayReturn.getCount() > 0) {
                try {
                    mayReturn.await();
                } catch (InterruptedException e) {
                    if (heedsInterrupts) {
                        throw new IOException(e);
                    }
                }
            }
            returned = true;
            return -1;
        }

        @Override
        public void close() {
            closedWhileReading.complete(!returned);
            mayReturn.countDown();
        }
    }

    @Test
    void cancellingClosesAtOnceOrBehindTheRead() throws Exception {
        Endless atOnce = new Endless();
        var first = Blocking.read(() -> atOnce, 3, PROPAGATE).subscribe();
        atOnce.reading.await();
        first.dispose();
        assertThat(atOnce.closedWhileReading.get(10, TimeUnit.SECONDS)).isTrue();
        Endless behind = new Endless();
        var second = Blocking.read(() -> behind, 3, DETACH).subscribe();
        behind.reading.await();
        second.dispose();
        behind.mayReturn.countDown();
        assertThat(behind.closedWhileReading.get(10, TimeUnit.SECONDS)).isFalse();
    }

    /**
     * Like a BufferedReader around a socket: the read holds a lock, does not heed interrupts, and close waits for it.
     */
    private static final class Locked implements AutoCloseable {
        final CountDownLatch reading = new CountDownLatch(1);
        final CountDownLatch mayReturn = new CountDownLatch(1);
        final CountDownLatch closed = new CountDownLatch(1);
        final CountDownLatch interrupted = new CountDownLatch(1);

        synchronized String read() {
            reading.countDown();
            while (mayReturn.getCount() > 0) {
                try {
                    mayReturn.await();
                } catch (InterruptedException e) {
                    interrupted.countDown();
                }
            }
            return null;
        }

        @Override
        public synchronized void close() {
            closed.countDown();
        }
    }

    private static void awaitInThread(CountDownLatch latch) throws Exception {
        await(Asyncio.toThread(
                () -> assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue()));
    }

    @Test
    void aCloseThatWaitsForTheReadDoesNotHoldTheCancellationUp() throws Exception {
        Locked locked = new Locked();
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(() -> {
                Task<Void> task = createTask(
                        Blocking.pull(() -> locked, Locked::read, PROPAGATE).then());
                awaitInThread(locked.reading);
                await(waitFor(shield(task.cancelAndJoin()), Duration.ofSeconds(20)));
                assertThat(task.cancelled()).isTrue();
                assertThat(locked.closed.getCount()).isEqualTo(1);
                awaitInThread(locked.interrupted);
                locked.mayReturn.countDown();
                awaitInThread(locked.closed);
            });
            assertThat(log.messages())
                    .singleElement()
                    .asString()
                    .contains("Closing a asyncio.bridge.BlockingTest$Locked");
        }
    }

    @Test
    void readsThatKeepAllThreadsBusyCanBeCancelled() throws Exception {
        List<Endless> streams = new CopyOnWriteArrayList<>();
        Asyncio.run(() -> {
            List<Task<Void>> tasks = new ArrayList<>();
            for (int i = 0; i < 50; i++) { // more than there are threads
                tasks.add(createTask(Blocking.read(
                                () -> {
                                    Endless stream = new Endless();
                                    stream.heedsInterrupts = false;
                                    streams.add(stream);
                                    return stream;
                                },
                                3,
                                PROPAGATE)
                        .then()));
            }
            await(sleep(Duration.ofMillis(50)));
            for (Task<Void> task : tasks) {
                await(waitFor(shield(task.cancelAndJoin()), Duration.ofSeconds(20)));
            }
        });
        assertThat(streams)
                .isNotEmpty()
                .allSatisfy(stream -> assertThat(stream.closedWhileReading.get(20, TimeUnit.SECONDS))
                        .isNotNull());
    }

    @Test
    void aReadThatHeedsInterruptsEndsByOne() throws Exception {
        PipedReader pipe = new PipedReader(new PipedWriter());
        BufferedReader reader = new BufferedReader(pipe);
        Asyncio.run(() -> {
            Task<Void> task = createTask(Blocking.pull(() -> reader, BufferedReader::readLine, PROPAGATE)
                    .then());
            await(sleep(Duration.ofMillis(20)));
            await(waitFor(shield(task.cancelAndJoin()), Duration.ofSeconds(20)));
        });
        assertThatThrownBy(reader::read).hasMessage("Stream closed");
        assertThat(dropped.errors).isEmpty();
    }

    @Test
    void anOpeningThatHeedsNoInterruptIsLeftBehindAndClosedInTheEnd() throws Exception {
        Locked locked = new Locked();
        Asyncio.run(() -> {
            Task<Void> task = createTask(Blocking.pull(
                            () -> {
                                locked.read();
                                return locked;
                            },
                            Locked::read,
                            PROPAGATE)
                    .then());
            awaitInThread(locked.reading);
            await(waitFor(shield(task.cancelAndJoin()), Duration.ofSeconds(20)));
            awaitInThread(locked.interrupted);
            assertThat(locked.closed.getCount()).isEqualTo(1);
            locked.mayReturn.countDown();
            awaitInThread(locked.closed);
        });
    }

    /** Like that of a library with only synchronized methods. */
    private static final class LockedFuture extends FutureTask<Integer> {
        final CountDownLatch waiting = new CountDownLatch(1);

        LockedFuture() {
            super(() -> 1);
        }

        @Override
        public synchronized Integer get() throws InterruptedException, ExecutionException {
            waiting.countDown();
            return super.get();
        }

        @Override
        public synchronized boolean cancel(boolean mayInterruptIfRunning) {
            return super.cancel(mayInterruptIfRunning);
        }
    }

    @Test
    void aFutureWhoseCancelWaitsForItsGetIsCancelled() throws Exception {
        LockedFuture future = new LockedFuture();
        Asyncio.run(() -> {
            Task<Integer> task = createTask(Blocking.future(future, PROPAGATE));
            awaitInThread(future.waiting);
            await(waitFor(shield(task.cancelAndJoin()), Duration.ofSeconds(20)));
        });
        assertThat(future).isCancelled();
    }

    @Test
    void aCallThatReturnsAPublisherFails() throws Exception {
        for (Mono<?> call : List.<Mono<?>>of(
                Blocking.mono(() -> Mono.just(1), DETACH),
                Blocking.pull(() -> new StringReader(""), reader -> Flux.just(1), DETACH)
                        .next())) {
            StepVerifier.create(call)
                    .verifyErrorSatisfies(e -> assertThat(e)
                            .isInstanceOf(IllegalStateException.class)
                            .hasMessageContaining("did you forget await"));
        }
        try (BlockingPortal portal = BlockingPortal.start()) {
            assertThatThrownBy(() -> portal.call(() -> Flux.just(1))).hasMessageContaining("did you forget await");
        }
    }

    @Test
    void linesArePulledAsTheyAreRequestedAndTheReaderClosed() throws Exception {
        AtomicInteger closed = new AtomicInteger();
        Callable<BufferedReader> open = () -> new BufferedReader(new StringReader("one\ntwo\n\nfour")) {
            @Override
            public void close() throws IOException {
                closed.incrementAndGet();
                super.close();
            }
        };
        for (Cancellation cancellation : Cancellation.values()) {
            Flux<String> lines = Blocking.pull(open, BufferedReader::readLine, cancellation);
            StepVerifier.create(lines).expectNext("one", "two", "", "four").verifyComplete();
            Asyncio.run(() -> {
                assertThat(await(lines.take(2).collectList())).containsExactly("one", "two");
                assertThat(await(lines.map(Integer::parseInt)
                                .onErrorResume(e -> Mono.empty())
                                .then()))
                        .isNull();
            });
        }
        assertThat(closed).hasValue(6);
        StepVerifier.create(Blocking.pull(() -> new StringReader(""), reader -> null, DETACH))
                .verifyComplete();
    }

    @Test
    void aSourceIsWrittenAndTheStreamClosedBeforeItCompletes() throws Exception {
        AtomicInteger closed = new AtomicInteger();
        ByteArrayOutputStream stream = new ByteArrayOutputStream() {
            @Override
            public void close() {
                closed.incrementAndGet();
            }
        };
        Asyncio.run(() -> await(
                Blocking.write(Flux.just("ab", "c").map(text -> text.getBytes(StandardCharsets.UTF_8)), () -> stream)));
        assertThat(stream.toString(StandardCharsets.UTF_8)).isEqualTo("abc");
        assertThat(closed).hasValue(1);
        StepVerifier.create(Blocking.write(Flux.error(new IOException("x")), () -> stream))
                .verifyErrorMessage("x");
        assertThat(closed).hasValue(2);
        StepVerifier.create(Blocking.write(Flux.just(new byte[1]), () -> new OutputStream() {
                    @Override
                    public void write(int b) throws IOException {
                        throw new IOException("full");
                    }
                }))
                .verifyErrorMessage("full");
    }

    // ---- the portal

    @Test
    void aThreadCallsAMonoAndABody() throws Exception {
        try (BlockingPortal portal = BlockingPortal.start()) {
            assertThat(portal.call(sleep(Duration.ofMillis(1), 1))).isEqualTo(1);
            assertThat(portal.<Integer>call(() -> await(sleep(Duration.ofMillis(1), 2))))
                    .isEqualTo(2);
            assertThatThrownBy(() -> portal.call(Mono.error(new IOException("x"))))
                    .isInstanceOf(IOException.class);
            CompletableFuture<Integer> later = portal.submit(sleep(Duration.ofMillis(1), 3));
            assertThat(later.get()).isEqualTo(3);
            assertThat(portal.<Integer>submit(() -> await(sleep(Duration.ofMillis(1), 4)))
                            .get())
                    .isEqualTo(4);
        }
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(thread -> thread.getName().startsWith("asyncio-portal"));
    }

    @Test
    void cancellingTheResultReachesTheTask() throws Exception {
        CompletableFuture<String> cleanedUp = new CompletableFuture<>();
        CountDownLatch started = new CountDownLatch(1);
        try (BlockingPortal portal = BlockingPortal.start()) {
            CompletableFuture<Integer> result = portal.submit(async(() -> {
                try {
                    started.countDown();
                    return await(sleep(Duration.ofHours(1), 1));
                } finally {
                    await(sleep(Duration.ofMillis(5)));
                    cleanedUp.complete("yes");
                }
            }));
            started.await();
            result.cancel(true);
        }
        assertThat(cleanedUp).as("close waits").isCompletedWithValue("yes");
    }

    @Test
    void anInterruptCancelsTheTaskAndWaitsForIt() throws Exception {
        AtomicReference<Boolean> cleanedUp = new AtomicReference<>(false);
        try (BlockingPortal portal = BlockingPortal.start()) {
            Thread caller = Thread.currentThread();
            assertThatThrownBy(() -> portal.call(async(() -> {
                        try {
                            caller.interrupt();
                            await(sleep(Duration.ofHours(1)));
                        } finally {
                            await(sleep(Duration.ofMillis(5)));
                            cleanedUp.set(true);
                        }
                    })))
                    .isInstanceOf(InterruptedException.class);
            assertThat(cleanedUp).hasValue(true);
            assertThat(Thread.interrupted()).isFalse();
        }
    }

    @Test
    void aPortalThatIsClosedRefuses() {
        BlockingPortal portal = BlockingPortal.start();
        portal.close();
        portal.close();
        assertThatThrownBy(() -> portal.call(Mono.just(1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is closed");
        assertThatThrownBy(() -> portal.submit(Mono.just(1))).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void allThatIsLeftCanBeCancelled() {
        BlockingPortal portal = BlockingPortal.start();
        CompletableFuture<Integer> forever = portal.submit(sleep(Duration.ofHours(1), 1));
        portal.cancel();
        portal.close();
        assertThat(forever).isCancelled();
    }

    @Test
    void aPortalToARunningLoopServesItsThreads() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            BlockingPortal portal = BlockingPortal.to(loop);
            assertThatThrownBy(() -> portal.call(Mono.just(1)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("await the Mono there");
            Future<String> given = new Future<>();
            Task<String> thread = createTask(Asyncio.toThread(() -> portal.<String>call(() -> {
                assertThat(EventLoop.getRunningLoop()).isSameAs(loop);
                return await(given);
            })));
            await(sleep(Duration.ofMillis(1)));
            given.setResult("from the loop");
            assertThat(await(thread)).isEqualTo("from the loop");
            await(Asyncio.toThread(portal::close));
        });
    }

    @Test
    void anOutcomeSurvivesTheEndOfItsLoop() throws Exception {
        Future<BlockingPortal> made = new Future<>();
        AtomicReference<CompletableFuture<Integer>> result = new AtomicReference<>();
        Asyncio.run(() -> {
            BlockingPortal portal = BlockingPortal.to(EventLoop.getRunningLoop());
            made.setResult(portal);
            result.set(portal.submit(sleep(Duration.ofHours(1), 1)));
        });
        assertThatThrownBy(() -> result.get().get(10, TimeUnit.SECONDS))
                .isInstanceOfAny(CancellationException.class, ExecutionException.class);
        made.result().close();
    }

    @Test
    void theEndOfAPortalAsksEachTaskOfAChainOnce() throws Exception {
        List<Task<?>> chain = new ArrayList<>();
        try (BlockingPortal portal = BlockingPortal.start()) {
            portal.call(() -> {
                Mono<?> last = sleep(Duration.ofHours(1));
                for (int i = 0; i < 2000; i++) {
                    Task<?> task = createTask(last);
                    chain.add(task);
                    last = task;
                }
                return await(sleep(Duration.ofMillis(1)));
            });
            for (Task<?> task : chain) {
                portal.submit(task); // one chain of twice as many, in the portal's order
            }
            portal.cancel();
        }
        assertThat(chain)
                .allMatch(Task::cancelled)
                .as("they end while others are asked")
                .allMatch(task -> task.cancelling() <= 1);
    }
}
