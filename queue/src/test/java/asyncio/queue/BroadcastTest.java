package asyncio.queue;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.queue.Runs.onLoop;
import static asyncio.queue.Runs.tick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.EventLoop;
import asyncio.LoopThread;
import asyncio.Task;
import asyncio.TimedOutException;
import asyncio.queue.Broadcast.Overflow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Subscription;
import reactor.core.Disposable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/** Each item goes to every subscriber, each of which chooses the action when it is slow. */
@Timeout(60)
class BroadcastTest {
    private final Broadcast<Integer> broadcast = new Broadcast<>();

    private static <T> Mono<T> styled(boolean body, Mono<T> mono) {
        return body ? async(() -> await(mono)) : mono;
    }

    private static void ticks() throws Exception {
        for (int i = 0; i < 4; i++) {
            tick();
        }
    }

    private static List<Integer> drain(BroadcastSubscription<Integer> subscription) {
        List<Integer> all = new ArrayList<>();
        while (subscription.size() > 0) {
            all.add(subscription.tryGet());
        }
        return all;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("every subscriber gets every item, in order, from its subscription on")
    void all(boolean body) throws Exception {
        onLoop(() -> {
            await(styled(body, broadcast.send(0)));
            BroadcastSubscription<Integer> early = broadcast.subscribe(9);
            await(styled(body, broadcast.send(1)));
            BroadcastSubscription<Integer> late = broadcast.subscribe(9);
            await(styled(body, broadcast.send(2)));
            assertThat(broadcast.subscribers()).isEqualTo(2);
            broadcast.close();
            assertThat(await(styled(body, early.get()))).isEqualTo(1);
            assertThat(await(styled(body, early.next()))).isEqualTo(2);
            assertThat(await(styled(body, early.next()))).isNull();
            assertThat(await(late.asFlux().collectList())).containsExactly(2);
            assertThatThrownBy(() -> await(styled(body, early.get()))).isInstanceOf(QueueShutDownException.class);
            assertThatThrownBy(early::tryGet).isInstanceOf(QueueShutDownException.class);
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("SUSPEND: the sender waits for the slowest, and the others have nothing before that one has")
    void suspend(boolean body) throws Exception {
        onLoop(() -> {
            BroadcastSubscription<Integer> slow = broadcast.subscribe(1);
            BroadcastSubscription<Integer> fast = broadcast.subscribe(10);
            await(broadcast.send(1));
            Task<Void> second = createTask(styled(body, broadcast.send(2)));
            Task<Void> third = createTask(styled(body, broadcast.send(3)));
            ticks();
            assertThat(second.done()).isFalse();
            assertThat(broadcast.trySend(9)).as("others wait").isFalse();
            assertThat(fast.size()).isEqualTo(1);
            assertThat(broadcast).hasToString("<Broadcast subscribers[2] senders[2]>");
            assertThat(slow.tryGet()).isEqualTo(1);
            await(second);
            ticks();
            assertThat(third.done()).isFalse();
            assertThat(await(slow.get())).isEqualTo(2);
            await(third);
            assertThat(drain(fast)).containsExactly(1, 2, 3);
            assertThat(drain(slow)).containsExactly(3);
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("trio #987: a send that is cancelled, or out of time, has reached nobody")
    void cancelledSend(boolean body) throws Exception {
        onLoop(() -> {
            BroadcastSubscription<Integer> slow = broadcast.subscribe(1);
            BroadcastSubscription<Integer> fast = broadcast.subscribe(10);
            await(broadcast.send(1));
            Task<Void> cancelled = createTask(styled(body, broadcast.send(2)));
            Task<Void> late = createTask(styled(body, broadcast.send(3, Duration.ofSeconds(1))));
            Task<Void> granted = createTask(styled(body, broadcast.send(4)));
            Task<Void> last = createTask(styled(body, broadcast.send(5)));
            ticks();
            cancelled.cancel();
            assertThatThrownBy(() -> await(late))
                    .isInstanceOf(TimedOutException.class)
                    .hasMessageContaining("room in the buffers of <Broadcast");
            assertThat(slow.tryGet()).isEqualTo(1); // room is granted
            granted.cancel(); // and given back
            await(last);
            assertThat(cancelled.cancelled() && granted.cancelled()).isTrue();
            assertThat(drain(fast)).containsExactly(1, 5);
            assertThat(drain(slow)).containsExactly(5);
        });
    }

    @Test
    @DisplayName("tractor #204: one that loses the oldest keeps nobody waiting, and is told how many")
    void dropOldest() throws Exception {
        onLoop(() -> {
            BroadcastSubscription<Integer> mine = broadcast.subscribe(2, Overflow.DROP_OLDEST);
            for (int i = 1; i <= 5; i++) {
                assertThat(broadcast.trySend(i)).isTrue();
            }
            assertThat(mine).hasToString("<BroadcastSubscription capacity=2 size=2 DROP_OLDEST missed=3>");
            assertThat(mine.missed()).isEqualTo(3);
            assertThat(drain(mine)).containsExactly(4, 5);
            assertThat(mine.missed()).isEqualTo(3);
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("DISCONNECT: what is there can be got, then it is told why; the others go on")
    void disconnect(boolean body) throws Exception {
        onLoop(() -> {
            BroadcastSubscription<Integer> slow = broadcast.subscribe(2, Overflow.DISCONNECT);
            BroadcastSubscription<Integer> other = broadcast.subscribe(9);
            for (int i = 1; i <= 4; i++) {
                await(broadcast.send(i));
            }
            assertThat(broadcast.subscribers()).isEqualTo(1);
            assertThat(await(styled(body, slow.get()))).isEqualTo(1);
            assertThat(await(styled(body, slow.next()))).isEqualTo(2);
            for (Mono<Integer> get : List.of(slow.get(), slow.next())) {
                assertThatThrownBy(() -> await(styled(body, get)))
                        .isInstanceOf(SlowSubscriberException.class)
                        .hasMessageContaining("capacity=2");
            }
            assertThatThrownBy(slow::tryGet).isInstanceOf(SlowSubscriberException.class);
            assertThat(drain(other)).containsExactly(1, 2, 3, 4);
            slow.close();
            assertThat(await(slow.next())).isNull();
        });
        Broadcast<Integer> another = new Broadcast<>();
        StepVerifier.create(another.asFlux(2, Overflow.DISCONNECT), 0)
                .then(() -> IntStream.range(0, 4).forEach(another::trySend))
                .thenRequest(2) // no more than it gets
                .expectNext(0, 1)
                .verifyError(SlowSubscriberException.class);
    }

    @Test
    @DisplayName("a Flux without demand learns that the broadcast is closed, after its last item")
    void closedWithoutDemand() throws Exception {
        for (Overflow overflow : Overflow.values()) {
            Broadcast<Integer> idle = new Broadcast<>();
            StepVerifier.create(idle.asFlux(2, overflow), 0)
                    .then(idle::close)
                    .expectComplete()
                    .verify(Duration.ofSeconds(10));
            Broadcast<Integer> served = new Broadcast<>();
            StepVerifier.create(served.asFlux(2, overflow), 1)
                    .then(() -> served.trySend(1))
                    .expectNext(1)
                    .then(served::close)
                    .expectComplete()
                    .verify(Duration.ofSeconds(10));
            Broadcast<Integer> full = new Broadcast<>();
            StepVerifier.create(full.asFlux(2, overflow), 1)
                    .then(() -> IntStream.range(0, 3).forEach(full::trySend))
                    .expectNext(0)
                    .then(full::close)
                    .thenRequest(2)
                    .expectNext(1, 2)
                    .expectComplete()
                    .verify(Duration.ofSeconds(10));
        }
        onLoop(() -> {
            BroadcastSubscription<Integer> mine = broadcast.subscribe(1);
            Task<Long> counted = createTask(mine.asFlux().count());
            ticks();
            mine.close();
            assertThat(await(counted)).isZero();
        });
    }

    @Test
    @DisplayName("a new subscriber gets the last items first, as many as its buffer holds")
    void replay() throws Exception {
        Broadcast<Integer> replaying = new Broadcast<>(3);
        onLoop(() -> {
            for (int i = 1; i <= 5; i++) {
                await(replaying.send(i));
            }
            for (Overflow overflow : Overflow.values()) {
                assertThat(drain(replaying.subscribe(9, overflow))).containsExactly(3, 4, 5);
                BroadcastSubscription<Integer> small = replaying.subscribe(2, overflow);
                assertThat(small.missed()).isZero();
                assertThat(drain(small)).containsExactly(4, 5);
                small.close();
            }
            replaying.close();
            assertThat(await(replaying.asFlux(9, Overflow.SUSPEND).collectList()))
                    .containsExactly(3, 4, 5);
        });
        assertThatThrownBy(() -> new Broadcast<>(-1)).hasMessageContaining("-1");
        assertThatThrownBy(() -> broadcast.subscribe(0)).hasMessageContaining("not 0");
        assertThatThrownBy(() -> broadcast.asFlux(0, Overflow.SUSPEND)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> broadcast.send(null)).hasMessage("item");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("(13c) an item granted to a getter that is cancelled before it resumes is there for the next one")
    void cancelledGet(boolean body) throws Exception {
        onLoop(() -> {
            BroadcastSubscription<Integer> mine = broadcast.subscribe(1);
            Task<Integer> cancelled = createTask(styled(body, mine.get()));
            ticks();
            assertThat(broadcast.trySend(1)).isTrue();
            assertThat(broadcast.trySend(2)).isTrue();
            assertThat(broadcast.trySend(3)).isFalse();
            cancelled.cancel();
            ticks();
            assertThat(cancelled.cancelled()).isTrue();
            assertThat(mine.size()).isEqualTo(2);
            assertThat(broadcast.trySend(3)).isFalse();
            assertThat(await(styled(body, mine.get()))).isEqualTo(1);
            assertThat(broadcast.trySend(3))
                    .as("one more than fits is still there")
                    .isFalse();
            assertThat(await(styled(body, mine.get(Duration.ofSeconds(1))))).isEqualTo(2);
            assertThatThrownBy(() -> await(mine.get(Duration.ofSeconds(1)))).isInstanceOf(TimedOutException.class);
        });
    }

    @Test
    @DisplayName("a subscriber that closes, or whose Flux is cancelled, sets waiting senders free")
    void leaves() throws Exception {
        onLoop(() -> {
            BroadcastSubscription<Integer> closing = broadcast.subscribe(1);
            Stalled disposed = broadcast.asFlux(1, Overflow.SUSPEND).subscribeWith(new Stalled());
            await(broadcast.send(1));
            Task<Void> second = createTask(broadcast.send(2));
            ticks();
            closing.close();
            closing.close();
            ticks();
            assertThat(second.done()).isFalse();
            disposed.dispose();
            await(second);
            assertThat(broadcast.subscribers()).isZero();
            assertThat(await(closing.next())).isNull();
        });
    }

    /** Requests nothing. */
    private static final class Stalled extends BaseSubscriber<Integer> {
        @Override
        protected void hookOnSubscribe(Subscription subscription) {}
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("close ends those who wait: senders fail, next ends empty")
    void close(boolean body) throws Exception {
        onLoop(() -> {
            BroadcastSubscription<Integer> full = broadcast.subscribe(1);
            BroadcastSubscription<Integer> empty = broadcast.subscribe(1);
            await(broadcast.send(1));
            assertThat(empty.tryGet()).isEqualTo(1);
            Task<Void> sender = createTask(styled(body, broadcast.send(2)));
            Task<Integer> next = createTask(styled(body, empty.next()));
            Task<Integer> get = createTask(styled(body, empty.get()));
            ticks();
            broadcast.close();
            broadcast.close();
            assertThatThrownBy(() -> await(sender))
                    .isInstanceOf(QueueShutDownException.class)
                    .hasMessageContaining("closed");
            assertThatThrownBy(() -> await(get)).isInstanceOf(QueueShutDownException.class);
            assertThat(await(next)).isNull();
            assertThat(drain(full)).containsExactly(1);
            assertThatThrownBy(() -> broadcast.trySend(3)).isInstanceOf(QueueShutDownException.class);
            assertThatThrownBy(() -> await(styled(body, broadcast.send(3)))).isInstanceOf(QueueShutDownException.class);
            assertThat(broadcast.isClosed()).isTrue();
        });
    }

    @ParameterizedTest
    @EnumSource(Overflow.class)
    @DisplayName("aiostream #55: a Flux for each, with its own demand")
    void flux(Overflow overflow) {
        Flux<Integer> flux = broadcast.asFlux(4, overflow);
        assertThat(broadcast.subscribers()).isZero();
        StepVerifier.create(flux, 1)
                .then(() -> assertThat(broadcast.subscribers()).isEqualTo(1))
                .then(() -> IntStream.range(0, 3).forEach(broadcast::trySend))
                .expectNext(0)
                .thenRequest(2)
                .expectNext(1, 2)
                .then(broadcast::close)
                .thenRequest(1)
                .verifyComplete();
    }

    @Test
    @DisplayName("a Flux that is cancelled at an item gives back those that it has taken with it, in order")
    void cancelledFlux() {
        BroadcastSubscription<Integer> mine = broadcast.subscribe(8);
        IntStream.range(0, 5).forEach(broadcast::trySend);
        assertThat(mine.asFlux().next().block()).isZero();
        assertThat(mine.size()).isEqualTo(4);
        broadcast.trySend(5);
        broadcast.close();
        assertThat(mine.asFlux().collectList().block()).containsExactly(1, 2, 3, 4, 5);
    }

    @Test
    @DisplayName(
            "DROP_OLDEST keeps to the capacity again after items were given back to a buffer that was filled meanwhile")
    void capacityAfterGivingBack() {
        BroadcastSubscription<Integer> mine = broadcast.subscribe(2, Overflow.DROP_OLDEST);
        broadcast.trySend(1);
        broadcast.trySend(2);
        mine.asFlux().subscribe(new BaseSubscriber<>() {
            @Override
            protected void hookOnNext(Integer item) {
                broadcast.trySend(3);
                broadcast.trySend(4);
                cancel();
            }
        });
        broadcast.trySend(5);
        assertThat(mine.missed()).isEqualTo(2);
        assertThat(drain(mine)).containsExactly(4, 5);
    }

    @Test
    @DisplayName("a subscriber's loop that is closed takes nothing from the others")
    void loopClosed() throws Exception {
        List<Integer> got = new ArrayList<>();
        EventLoop loop = EventLoop.newEventLoop();
        loop.callSoon(() -> broadcast.asFlux(1, Overflow.SUSPEND).subscribe(got::add));
        loop.runUntilComplete(sleep(Duration.ZERO));
        BroadcastSubscription<Integer> other = broadcast.subscribe(9);
        loop.close();
        for (int i = 0; i < 5; i++) {
            broadcast.send(i).block(Duration.ofSeconds(10));
        }
        assertThat(drain(other)).containsExactly(0, 1, 2, 3, 4);
        assertThat(got).containsExactly(0, 1, 2, 3, 4);
    }

    @Test
    @DisplayName("a million items through a Flux need no stack")
    void manyItems() {
        AtomicInteger got = new AtomicInteger();
        broadcast.asFlux(1, Overflow.SUSPEND).subscribe(item -> got.incrementAndGet());
        for (int i = 0; i < 1_000_000; i++) {
            assertThat(broadcast.trySend(i)).isTrue();
        }
        assertThat(got).hasValue(1_000_000);
    }

    @Test
    @DisplayName(
            "under threads and cancellations: who suspends misses nothing, all see one order, others see parts of it")
    void underThreads() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        System.out.printf("replay with -Dasyncio.test.seed=%d%n", seed);
        int senders = 4;
        int each = 5_000;
        List<LoopThread> loops = List.of(new LoopThread(), new LoopThread());
        List<List<Integer>> seen = new ArrayList<>();
        List<CompletableFuture<?>> ends = new ArrayList<>();
        AtomicInteger cancelled = new AtomicInteger();
        try {
            for (int party = 0; party < 6; party++) {
                List<Integer> mine = new ArrayList<>();
                seen.add(mine);
                Random random = new Random(seed + party);
                Overflow overflow = party < 4 ? Overflow.SUSPEND : Overflow.DROP_OLDEST;
                BroadcastSubscription<Integer> subscription = broadcast.subscribe(1 + random.nextInt(4), overflow);
                Mono<Boolean> one = Mono.defer(() -> {
                    Mono<Integer> next = subscription.next().doOnNext(mine::add);
                    if (random.nextInt(8) > 0) {
                        return next.hasElement();
                    }
                    return Mono.fromCallable(
                            () -> { // only on this thread, for the order
                                Disposable getting = next.subscribe();
                                for (int spin = random.nextInt(300); spin > 0; spin--) {
                                    Thread.onSpinWait();
                                }
                                getting.dispose();
                                cancelled.incrementAndGet();
                                return true;
                            });
                });
                Mono<?> all = one.repeat().takeUntil(more -> !more).then();
                ends.add((party % 3 == 2
                                ? all.subscribeOn(Schedulers.boundedElastic())
                                : loops.get(party % 3).loop.createTask(all))
                        .toFuture());
            }
            List<CompletableFuture<Void>> sending = IntStream.range(0, senders)
                    .mapToObj(k -> Flux.range(0, each)
                            .concatMap(i -> broadcast.send(i * senders + k), 1)
                            .then()
                            .subscribeOn(Schedulers.boundedElastic())
                            .toFuture())
                    .toList();
            for (CompletableFuture<Void> sender : sending) {
                sender.get(50, TimeUnit.SECONDS);
            }
            broadcast.close();
            for (CompletableFuture<?> end : ends) {
                end.get(10, TimeUnit.SECONDS);
            }
        } finally {
            for (LoopThread loop : loops) {
                loop.close();
            }
        }
        List<Integer> order = seen.get(2); // received on one thread, so in order
        assertThat(order).as("seed %d", seed).hasSize(senders * each).doesNotHaveDuplicates();
        for (int party = 0; party < 4; party++) {
            assertThat(seen.get(party)).as("seed %d", seed).hasSameSizeAs(order).containsAll(List.of(0, 1, 2, 3));
        }
        for (int k = 0; k < senders; k++) {
            int remainder = k;
            assertThat(order.stream().filter(item -> item % senders == remainder))
                    .as("seed %d: each sender's own order", seed)
                    .isSorted();
        }
        assertThat(seen.get(4).size()).isPositive();
        assertThat(cancelled.get()).isPositive();
    }
}
