package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.generate;
import static asyncio.Asyncio.iterate;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Schedulers;
import reactor.test.publisher.TestPublisher;
import reactor.util.context.Context;

/** The contract of {@code iterate}. */
@Timeout(60)
class IterateTest {
    private static final Duration SECOND = Duration.ofSeconds(1);

    private static Flux<Integer> counting(List<Object> trail) {
        return generate(emitter -> {
            try {
                for (int i = 0; ; i++) {
                    trail.add("emits " + i);
                    await(emitter.emit(i));
                }
            } finally {
                await(sleep(SECOND));
                trail.add("clean");
            }
        });
    }

    private static <T> List<T> collect(AsyncIterator<T> items) throws Exception {
        List<T> all = new ArrayList<>();
        for (T item; (item = await(items.next())) != null; ) {
            all.add(item);
        }
        return all;
    }

    // ---- items and demand

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 4, 1000})
    void givesTheItemsInOrderAndThenTheEnd(int prefetch) throws Exception {
        VirtualTime.run(() -> {
            List<Flux<Integer>> sources = List.of(
                    Flux.range(0, 100),
                    Flux.range(0, 100)
                            .delayElements(
                                    Duration.ofMillis(1),
                                    EventLoop.getRunningLoop().scheduler()),
                    Flux.range(0, 100).subscribeOn(Schedulers.boundedElastic()).publishOn(Schedulers.parallel()),
                    generate(emitter -> {
                        for (int i = 0; i < 100; i++) {
                            await(emitter.emit(i));
                        }
                    }));
            for (Flux<Integer> source : sources) {
                try (AsyncIterator<Integer> items = iterate(source, prefetch)) {
                    assertThat(collect(items)).hasSize(100).isSorted();
                    assertThat(await(items.next())).as("the end stays").isNull();
                }
            }
        });
    }

    @Test
    @DisplayName(
            "an item is requested when it is asked for, the loop and the generator take turns (CPython: async for)")
    void requestsOneItemForEachNext() throws Exception {
        VirtualTime.run(() -> {
            List<Object> trail = new ArrayList<>();
            AsyncIterator<Integer> items = iterate(counting(trail));
            await(sleep(SECOND));
            assertThat(trail).as("nothing before the first next()").isEmpty();
            Mono<Integer> next = items.next();
            await(sleep(SECOND));
            assertThat(trail).isEmpty();
            for (int i = 0; i < 3; i++) {
                trail.add("has " + await(next));
                await(sleep(SECOND));
            }
            assertThat(trail).containsExactly("emits 0", "has 0", "emits 1", "has 1", "emits 2", "has 2");
            items.close();
            assertThat(trail).endsWith("has 2", "clean");
        });
    }

    @Test
    void prefetchIsWhatItMayBeAhead() throws Exception {
        VirtualTime.run(() -> {
            List<Object> trail = new ArrayList<>();
            try (AsyncIterator<Integer> items = iterate(counting(trail), 4)) {
                assertThat(await(items.next())).isZero();
                await(sleep(SECOND));
                assertThat(trail).endsWith("emits 3").hasSize(4);
                for (int i = 1; i < 4; i++) {
                    await(items.next());
                }
                await(sleep(SECOND));
                assertThat(trail).as("requested in batches").hasSizeBetween(6, 8);
            }
        });
    }

    @Test
    void nextIsAMonoForOperatorsToo() throws Exception {
        List<Integer> seen = Collections.synchronizedList(new ArrayList<>());
        AsyncIterator<Integer> items = iterate(Flux.range(0, 5));
        items.next().doOnNext(seen::add).repeat(6).then(items.aclose()).block();
        assertThat(seen).containsExactly(0, 1, 2, 3, 4);
    }

    @Test
    void severalWhoAskAreServedInOrder() throws Exception {
        VirtualTime.run(() -> {
            TestPublisher<Integer> source = TestPublisher.create();
            AsyncIterator<Integer> items = iterate(source);
            List<Object> seen = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                int who = i;
                createTask(async(() -> {
                    seen.add(who + ": " + await(items.next()));
                }));
            }
            await(sleep(SECOND));
            source.assertMinRequested(4).next(10, 11, 12).complete();
            await(sleep(SECOND));
            assertThat(seen).containsExactly("0: 10", "1: 11", "2: 12", "3: null");
        });
    }

    @Test
    void theSourceSeesTheContextOfTheFirstWhoAsks() throws Exception {
        AsyncIterator<String> items = iterate(Flux.deferContextual(context -> Flux.just(context.<String>get("user"))));
        assertThat(items.next().contextWrite(Context.of("user", "ada")).block()).isEqualTo("ada");
    }

    @Test
    void badArgumentsAreRefused() {
        assertThatThrownBy(() -> iterate(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> iterate(Flux.empty(), -1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("-1");
    }

    // ---- errors

    @Test
    void anErrorComesAtNextAfterTheItemsAndOnce() throws Exception {
        VirtualTime.run(() -> {
            IOException oops = new IOException("oops");
            try (AsyncIterator<Integer> items = iterate(Flux.just(1).concatWith(Mono.error(oops)), 8)) {
                assertThat(await(items.next())).isEqualTo(1);
                assertThat(catchThrowable(() -> await(items.next()))).isSameAs(oops);
                assertThat(await(items.next())).isNull();
            }
        });
    }

    @Test
    void anErrorThatNobodyAskedForIsNotLost() throws Exception {
        VirtualTime.run(() -> {
            List<Throwable> dropped = new ArrayList<>();
            TestPublisher<Integer> source = TestPublisher.create();
            AsyncIterator<Integer> items = iterate(source);
            Context context =
                    Context.of("reactor.onErrorDropped.local", (java.util.function.Consumer<Throwable>) dropped::add);
            Task<Integer> task = createTask(items.next().contextWrite(context));
            await(sleep(SECOND));
            source.next(1);
            assertThat(await(task)).isEqualTo(1);
            IOException oops = new IOException("oops");
            source.error(oops);
            items.close();
            assertThat(dropped).containsExactly(oops);
        });
    }

    // ---- cancelling

    /**
     * An item that comes after its waiter has left goes to the next one. In CPython wait_for(anext(gen)) ends the
     * generator.
     */
    @Test
    void whoIsCancelledLosesNoItem() throws Exception {
        VirtualTime.run(() -> {
            Flux<Integer> slow = generate(emitter -> {
                for (int i = 0; i < 5; i++) {
                    await(sleep(Duration.ofSeconds(10)));
                    await(emitter.emit(i));
                }
            });
            List<Integer> seen = new ArrayList<>();
            AtomicInteger late = new AtomicInteger();
            try (AsyncIterator<Integer> items = iterate(slow)) {
                while (true) {
                    try {
                        Integer item = await(waitFor(items.next(), Duration.ofSeconds(7)));
                        if (item == null) {
                            break;
                        }
                        seen.add(item);
                    } catch (TimeoutException e) {
                        late.incrementAndGet();
                    }
                }
            }
            assertThat(seen).containsExactly(0, 1, 2, 3, 4);
            assertThat(late.get()).isPositive();
        });
    }

    @Test
    void anItemThatWasGrantedToOneWhoIsCancelledIsTheFirstOfTheNext() throws Exception {
        VirtualTime.run(() -> {
            TestPublisher<Integer> source = TestPublisher.create();
            AsyncIterator<Integer> items = iterate(source, 2);
            Task<Integer> first = createTask(async(() -> await(items.next())));
            await(sleep(SECOND));
            source.next(1, 2);
            assertThat(first.cancel()).as("before it resumes").isTrue();
            assertThatThrownBy(() -> await(first)).isInstanceOf(CancelledException.class);
            assertThat(await(items.next())).isEqualTo(1);
            assertThat(await(items.next())).isEqualTo(2);
        });
    }

    // ---- closing

    @Test
    @DisplayName("leaving the loop closes the generator and waits for its finally blocks (CPython: aclosing)")
    void closingWaitsForTheCleanUp() throws Exception {
        VirtualTime.run(() -> {
            List<Object> trail = new ArrayList<>();
            try (AsyncIterator<Integer> items =
                    iterate(counting(trail).map(i -> i).filter(i -> true))) {
                for (Integer i; (i = await(items.next())) != null; ) {
                    if (i == 1) {
                        break;
                    }
                }
            }
            trail.add("after");
            assertThat(trail).containsExactly("emits 0", "emits 1", "clean", "after");
        });
    }

    @Test
    void aTaskThatIsCancelledInTheLoopEndsAfterTheGenerator() throws Exception {
        VirtualTime.run(() -> {
            List<Object> trail = new ArrayList<>();
            Task<Void> task = createTask(async(() -> {
                try (AsyncIterator<Integer> items = iterate(counting(trail))) {
                    await(items.next());
                    await(sleep(Duration.ofHours(1)));
                }
            }));
            await(sleep(SECOND));
            task.cancel();
            await(sleep(Duration.ofMillis(500)));
            task.cancel(); // again, in the middle of the clean-up
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            assertThat(trail).containsExactly("emits 0", "clean");
        });
    }

    @Test
    void whoeverWaitsWhileItIsClosedIsAtTheEnd() throws Exception {
        VirtualTime.run(() -> {
            List<Object> discarded = new ArrayList<>();
            TestPublisher<Integer> source = TestPublisher.create();
            AsyncIterator<Integer> items = iterate(source, 4);
            Context context = Operators.enableOnDiscard(Context.empty(), discarded::add);
            Task<Integer> first = createTask(items.next().contextWrite(context));
            await(sleep(SECOND));
            source.next(1, 2, 3);
            assertThat(await(first)).isEqualTo(1);
            assertThat(await(items.next())).isEqualTo(2);
            assertThat(await(items.next())).isEqualTo(3);
            Task<Integer> waiting = createTask(async(() -> await(items.next())));
            await(sleep(SECOND));
            items.close();
            items.close();
            assertThat(await(waiting)).isNull();
            assertThat(await(items.next())).isNull();
            source.assertCancelled();
            assertThat(discarded).isEmpty();
        });
    }

    @Test
    void itemsThatWereNotTakenAreDiscarded() throws Exception {
        VirtualTime.run(() -> {
            List<Object> discarded = new ArrayList<>();
            AsyncIterator<Integer> items = iterate(Flux.range(0, 100), 4);
            Context context = Operators.enableOnDiscard(Context.empty(), discarded::add);
            assertThat(await(items.next().contextWrite(context))).isZero();
            await(items.aclose());
            assertThat(discarded).containsExactly(1, 2, 3);
        });
    }

    @Test
    void closingWhatHasNotBegunNeverSubscribes() throws Exception {
        VirtualTime.run(() -> {
            TestPublisher<Integer> source = TestPublisher.create();
            AsyncIterator<Integer> items = iterate(source);
            items.close();
            assertThat(await(items.next())).isNull();
            source.assertWasNotSubscribed();
        });
    }

    @RepeatedTest(100) // a body that begins during a request from another thread emits no item too many
    void outsideOfBodiesCloseDoesNotWait() throws Exception {
        List<Object> trail = Collections.synchronizedList(new ArrayList<>());
        AsyncIterator<Integer> items = iterate(generate(emitter -> {
            try {
                await(emitter.emit(1));
            } finally {
                await(sleep(Duration.ofMillis(20)));
                trail.add("clean");
            }
        }));
        assertThat(items.next().block()).isEqualTo(1);
        items.close();
        items.aclose().block();
        assertThat(trail).containsExactly("clean");
    }

    @Test
    void nestedIteratorsCloseFromTheInside() throws Exception {
        VirtualTime.run(() -> {
            List<Object> trail = new ArrayList<>();
            Flux<Integer> outer = generate(emitter -> {
                try (AsyncIterator<Integer> inner = iterate(counting(trail))) {
                    for (Integer i; (i = await(inner.next())) != null; ) {
                        await(emitter.emit(i * 10));
                    }
                } finally {
                    trail.add("outer");
                }
            });
            try (AsyncIterator<Integer> items = iterate(outer)) {
                assertThat(await(items.next())).isZero();
                assertThat(await(items.next())).isEqualTo(10);
            }
            assertThat(trail).containsExactly("emits 0", "emits 1", "clean", "outer");
        });
    }

    @Test
    void textsSayHowItStands() throws Exception {
        VirtualTime.run(() -> {
            AsyncIterator<Integer> items = iterate(Mono.never());
            assertThat(items.toString()).contains("[not begun]");
            Task<Integer> task = createTask(async(() -> await(items.next())));
            await(sleep(SECOND));
            assertThat(items.toString()).contains("[open, waiting: 1]");
            assertThat(task.toString()).contains("wait_for=next() of <AsyncIterator of");
            items.close();
            assertThat(items.toString()).contains("[closed]");
        });
    }
}
