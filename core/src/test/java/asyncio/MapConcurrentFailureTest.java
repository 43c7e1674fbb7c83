package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import asyncio.internal.loop.Memory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.test.publisher.TestPublisher;
import reactor.util.context.Context;

/** {@code mapConcurrent} and its tasks when other code fails in the middle of its work. */
@Timeout(120)
class MapConcurrentFailureTest {
    private static final Duration LONG = Duration.ofHours(1);

    @AfterEach
    void giveBack() {
        Memory.setFault(null);
    }

    /** An operator that throws out of {@code onNext}, which the specification forbids. */
    private static <T> Function<? super Publisher<T>, ? extends Publisher<T>> throwing(Runnable thrower) {
        return Operators.<T, T>lift((scannable, actual) -> new CoreSubscriber<T>() {
            @Override
            public void onSubscribe(Subscription subscription) {
                actual.onSubscribe(subscription);
            }

            @Override
            public void onNext(T value) {
                thrower.run();
            }

            @Override
            public void onError(Throwable error) {
                actual.onError(error);
            }

            @Override
            public void onComplete() {
                actual.onComplete();
            }

            @Override
            public Context currentContext() {
                return actual.currentContext();
            }
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aSubscriberThatThrowsEndsTheSourceAndWhatRuns(boolean ordered) throws Exception {
        VirtualTime.run(() -> {
            IllegalStateException oops = new IllegalStateException("oops");
            List<Object> seen = new ArrayList<>();
            List<Object> discarded = new ArrayList<>();
            TestPublisher<Integer> source = TestPublisher.create();
            Flux<Integer> results = FluxMapConcurrent.of(
                    source,
                    10,
                    i -> i < 3
                            ? sleep(Duration.ofSeconds(1), i)
                            : async(() -> {
                                try {
                                    return await(sleep(LONG, i));
                                } finally {
                                    await(sleep(Duration.ofSeconds(5)));
                                    seen.add("clean " + i);
                                }
                            }),
                    ordered);
            Task<Void> task = createTask(results.transform(MapConcurrentFailureTest.<Integer>throwing(() -> {
                        seen.add("throws");
                        throw oops;
                    }))
                    .then()
                    .contextWrite(Operators.enableOnDiscard(Context.empty(), discarded::add)));
            await(sleep(Duration.ofMillis(1)));
            source.next(0, 1, 2, 3, 4);
            assertThat(catchThrowable(() -> await(task))).isSameAs(oops);
            assertThat(seen).containsExactly("throws", "clean 3", "clean 4");
            assertThat(discarded).as("the results that it did not hear of").containsExactlyInAnyOrder(1, 2);
            source.assertCancelled();
            assertThat(EventLoop.getRunningLoop().time()).isLessThan(Duration.ofMinutes(1));
        });
    }

    @Test
    void anItemThatTheSourceBringsMeanwhileIsCancelledToo() throws Exception {
        VirtualTime.run(() -> {
            List<String> seen = new ArrayList<>();
            TestPublisher<Integer> source =
                    TestPublisher.createNoncompliant(TestPublisher.Violation.CLEANUP_ON_TERMINATE);
            Flux<Integer> results = FluxMapConcurrent.of(
                    source,
                    10,
                    i -> i == 0 ? Mono.just(i) : sleep(LONG, i).doOnSuccess(one -> seen.add("runs on")),
                    true);
            Task<Void> task = createTask(results.transform(MapConcurrentFailureTest.<Integer>throwing(() -> {
                        source.next(1);
                        source.next(2);
                        throw new IllegalStateException("oops");
                    }))
                    .then());
            await(sleep(Duration.ofMillis(1)));
            source.next(0);
            assertThat(catchThrowable(() -> await(task))).hasMessage("oops");
            await(sleep(LONG.multipliedBy(2)));
            assertThat(seen).isEmpty();
        });
    }

    @Test
    void aFatalErrorOfTheSubscriberEndsTheSourceAndWhatRunsToo() throws Exception {
        List<String> seen = new ArrayList<>();
        TestPublisher<Integer> source = TestPublisher.create();
        StackOverflowError fatal = new StackOverflowError("as if");
        AtomicReference<@Nullable Throwable> told = new AtomicReference<>();
        Throwable thrown = catchThrowable(() -> VirtualTime.run(() -> {
            FluxMapConcurrent.of(
                            source,
                            10,
                            i -> i == 0
                                    ? sleep(Duration.ofSeconds(1), i)
                                    : sleep(LONG, i).doOnCancel(() -> seen.add("ended")),
                            true)
                    .transform(MapConcurrentFailureTest.<Integer>throwing(() -> {
                        throw fatal;
                    }))
                    .subscribe(one -> {}, told::set);
            source.next(0, 1);
            await(sleep(LONG));
        }));
        assertThat(thrown).isSameAs(fatal);
        assertThat(told).hasValue(fatal);
        assertThat(seen).containsExactly("ended");
        source.assertCancelled();
    }

    /** Memory runs out at each place where it is needed, in turn: all started work ends, and the subscriber is told. */
    @ParameterizedTest
    @ValueSource(strings = {"in order", "out of order"})
    void nothingIsLostWhereMemoryIsOut(String how) throws Exception {
        try (LogCapture log = new LogCapture()) {
            int places = runWithoutMemoryAt(Integer.MAX_VALUE, how);
            assertThat(places).isPositive();
            for (int n = 0; n < places; n++) {
                runWithoutMemoryAt(n, how);
            }
        }
    }

    private static int runWithoutMemoryAt(int n, String how) throws Exception {
        AtomicInteger started = new AtomicInteger();
        AtomicInteger ended = new AtomicInteger();
        AtomicInteger places = new AtomicInteger();
        AtomicBoolean armed = new AtomicBoolean();
        List<Object> outcome = new CopyOnWriteArrayList<>();
        Memory.setFault(() -> {
            if (armed.get() && places.getAndIncrement() == n) {
                throw new OutOfMemoryError("place " + n);
            }
        });
        Function<Integer, Mono<Integer>> work = i -> Mono.defer(() -> {
            started.incrementAndGet();
            return (i % 2 == 0 ? Mono.just(i) : sleep(Duration.ofMillis(i), i))
                    .doFinally(signal -> ended.incrementAndGet());
        });
        Flux<?> results = FluxMapConcurrent.of(Flux.range(0, 6), 3, work, how.equals("in order"));
        CountDownLatch told = new CountDownLatch(1);
        EventLoop loop = EventLoop.newEventLoop();
        Thread thread = new Thread(() -> {
            Task<Void> task = loop.createTask(Mono.fromRunnable(() -> armed.set(true))
                    .then(results.doOnTerminate(told::countDown).then()));
            try {
                outcome.add(String.valueOf(loop.runUntilComplete(task)));
            } catch (Throwable e) {
                outcome.add(e);
            }
            armed.set(false);
            try {
                while (told.getCount() > 0 && !Thread.interrupted()) { // the error may have ended the first run
                    loop.runUntilComplete(sleep(Duration.ofMillis(1)));
                }
            } catch (Throwable e) {
                outcome.add(e);
            }
        });
        thread.setDaemon(true);
        thread.start();
        boolean wasTold = told.await(20, TimeUnit.SECONDS);
        thread.interrupt();
        assertThat(wasTold).as("told, without memory at %s", n).isTrue();
        thread.join();
        assertThat(ended).as("ended, without memory at %s: %s", n, outcome).hasValue(started.get());
        loop.close();
        return places.get();
    }
}
