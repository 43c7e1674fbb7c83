package asyncio.queue;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** The contract of {@link AsyncBroadcast}; each implementation has a subclass. */
@Timeout(120)
public abstract class AsyncBroadcastContract {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final int PROBE = -1;

    /** Creates a broadcast without subscribers. */
    protected abstract AsyncBroadcast<Integer> newBroadcast();

    /** A subscriber, which has received the items of the list. */
    private record Subscriber(List<Integer> items, Task<Void> task) {}

    /** Subscribes, and returns when items arrive. */
    private static Subscriber subscribed(AsyncBroadcast<Integer> broadcast, Flux<Integer> flux) throws Exception {
        List<Integer> items = new CopyOnWriteArrayList<>();
        Sinks.Empty<Void> first = Sinks.empty();
        Task<Void> task = createTask(flux.doOnNext(item -> {
                    first.tryEmitEmpty();
                    if (item != PROBE) {
                        items.add(item);
                    }
                })
                .then());
        Task<Void> arrived = createTask(first.asMono());
        while (!arrived.done()) {
            await(broadcast.send(PROBE));
            await(sleep(Duration.ofMillis(1)));
        }
        return new Subscriber(items, task);
    }

    private static void until(Subscriber subscriber, int items) throws Exception {
        while (subscriber.items().size() < items) {
            await(sleep(Duration.ofMillis(1)));
        }
    }

    @Test
    void nothingHappensBeforeSubscription() throws Exception {
        Asyncio.run(() -> {
            AsyncBroadcast<Integer> broadcast = newBroadcast();
            Subscriber subscriber = subscribed(broadcast, broadcast.asFlux(100));
            Mono<?> send = broadcast.send(1);
            broadcast.asFlux(1);
            await(broadcast.send(2));
            await(send);
            await(send);
            until(subscriber, 3);
            assertThat(subscriber.items()).containsExactly(2, 1, 1);
            await(subscriber.task().cancelAndJoin());
            assertThatThrownBy(() -> broadcast.send(null)).isInstanceOf(NullPointerException.class);
            assertThatThrownBy(() -> broadcast.asFlux(0)).isInstanceOf(IllegalArgumentException.class);
        });
    }

    @Test
    void allSubscribersReceiveAllItemsInTheirOrder() throws Exception {
        Asyncio.run(() -> {
            AsyncBroadcast<Integer> broadcast = newBroadcast();
            List<Subscriber> subscribers = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                subscribers.add(subscribed(broadcast, broadcast.asFlux(1000)));
            }
            for (int i = 0; i < 100; i++) {
                await(broadcast.send(i));
            }
            for (Subscriber subscriber : subscribers) {
                until(subscriber, 100);
                assertThat(subscriber.items())
                        .containsExactlyElementsOf(
                                IntStream.range(0, 100).boxed().toList());
                await(subscriber.task().cancelAndJoin());
            }
        });
    }

    @Test
    void aSlowSubscriberFailsAfterItsItemsAndDelaysNoOther() throws Exception {
        Asyncio.run(() -> {
            AsyncBroadcast<Integer> broadcast = newBroadcast();
            Sinks.Empty<Void> gate = Sinks.empty();
            Subscriber slow = subscribed(
                    broadcast,
                    broadcast
                            .asFlux(5)
                            .concatMap(
                                    item -> item == PROBE
                                            ? Mono.just(item)
                                            : gate.asMono().thenReturn(item),
                                    0));
            Subscriber fast = subscribed(broadcast, broadcast.asFlux(1000));
            for (int i = 0; i < 20; i++) {
                await(broadcast.send(i));
            }
            until(fast, 20);
            assertThat(slow.task().done()).isFalse();
            gate.tryEmitEmpty();
            assertThatThrownBy(() -> await(waitFor(slow.task(), LONG))).isInstanceOf(SlowSubscriberException.class);
            assertThat(slow.items()).containsExactly(0, 1, 2, 3, 4, 5); // the one that it had, and as many as it keeps
            await(fast.task().cancelAndJoin());
        });
    }

    @Test
    void oneThatLeavesReceivesNoMore() throws Exception {
        Asyncio.run(() -> {
            AsyncBroadcast<Integer> broadcast = newBroadcast();
            Subscriber stays = subscribed(broadcast, broadcast.asFlux(100));
            Subscriber leaves = subscribed(broadcast, broadcast.asFlux(100));
            await(leaves.task().cancelAndJoin());
            await(broadcast.send(1));
            until(stays, 1);
            assertThat(leaves.items()).isEmpty();
            await(stays.task().cancelAndJoin());
        });
    }
}
