package asyncio.sync;

import static org.assertj.core.api.Assertions.assertThat;

import asyncio.EventLoop;
import asyncio.LoopThread;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;

/** An acquisition by an operator that is not watched behaves as the first ones, which are. */
@Timeout(60)
class AcquireAttemptTest {
    /** Acquires as often as permits are watched in any case. */
    private static void acquireMany(PermitSource source) {
        for (int i = 0; i < 100; i++) {
            source.acquireMono(1, null).doOnNext(Permit::release).block();
        }
    }

    static Stream<PermitSource> sources() {
        return Stream.of(new Lock(), new Semaphore(1), (PermitSource) new KeyedLock<>().lock("key"), (PermitSource)
                new ReadWriteLock().writeLock());
    }

    private static String textOfAWaiter(PermitSource source) {
        Permit held = source.acquireMono(1, null).block();
        List<String> texts = new ArrayList<>();
        source.acquireMono(1, null).subscribe(new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription subscription) {
                subscription.request(1);
                texts.add(subscription.toString());
                subscription.cancel();
            }

            @Override
            public String toString() {
                return "subscriber";
            }
        });
        held.release();
        return texts.get(0);
    }

    @ParameterizedTest
    @MethodSource("sources")
    void saysTheSame(PermitSource source) {
        String first = textOfAWaiter(source);
        acquireMany(source);
        assertThat(textOfAWaiter(source)).isEqualTo(first).startsWith("<subscriber waiting for ");
    }

    @ParameterizedTest
    @MethodSource("sources")
    void resumesOnTheLoopOfTheSubscription(PermitSource source) throws Exception {
        acquireMany(source);
        Permit held = source.acquireMono(1, null).block();
        try (LoopThread loop = new LoopThread()) {
            CompletableFuture<Boolean> onLoop = new CompletableFuture<>();
            CompletableFuture<Subscription> waiting = new CompletableFuture<>();
            loop.loop.callSoonThreadsafe(() -> source.acquireMono(1, null).subscribe(new BaseSubscriber<>() {
                @Override
                protected void hookOnSubscribe(Subscription subscription) {
                    waiting.complete(subscription);
                }

                @Override
                protected void hookOnNext(Permit permit) {
                    onLoop.complete(EventLoop.runningOrNull() == loop.loop);
                    permit.release();
                }
            }));
            waiting.get().request(1); // on this thread
            held.release();
            assertThat(onLoop.get()).isTrue();
        }
    }

    private static final class Key {
        boolean broken;

        @Override
        public int hashCode() {
            if (broken) {
                throw new IllegalStateException("broken key");
            }
            return 1;
        }

        @Override
        public boolean equals(Object other) {
            return this == other;
        }
    }

    @Test
    void signalsTheExceptionOfAKey() {
        Key key = new Key();
        PermitSource source = (PermitSource) new KeyedLock<>().lock(key);
        acquireMany(source);
        List<Throwable> errors = new ArrayList<>();
        source.acquireMono(1, null).subscribe(new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription subscription) {
                key.broken = true;
                subscription.request(1);
            }

            @Override
            protected void hookOnError(Throwable error) {
                errors.add(error);
            }
        });
        assertThat(errors).singleElement().asString().contains("broken key");
    }
}
