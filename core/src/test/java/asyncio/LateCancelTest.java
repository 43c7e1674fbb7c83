package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;

/** Events between two lines of a cancellation or a start, on another thread or from foreign code. */
@Timeout(60)
class LateCancelTest {
    /**
     * It ends while the cancelling thread examines it, and lets that thread continue only when the task has resumed.
     */
    private static final class EndsWhenLookedAt extends Mono<Integer> {
        private final CountDownLatch resumed;
        volatile @Nullable Thread canceller;

        EndsWhenLookedAt(CountDownLatch resumed) {
            this.resumed = resumed;
        }

        @Override
        public void subscribe(CoreSubscriber<? super Integer> actual) {
            actual.onSubscribe(new Ending(actual));
        }

        private final class Ending implements Subscription, Scannable {
            private final CoreSubscriber<? super Integer> actual;

            Ending(CoreSubscriber<? super Integer> actual) {
                this.actual = actual;
            }

            @Override
            public void request(long n) {}

            @Override
            public void cancel() {}

            @Override
            @SuppressWarnings("rawtypes")
            public @Nullable Object scanUnsafe(Attr key) {
                if (key == Attr.PARENT && Thread.currentThread() == canceller) {
                    canceller = null;
                    actual.onNext(1);
                    actual.onComplete();
                    awaitUninterruptibly(resumed);
                }
                return null;
            }
        }
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aCancellationThatMeetsTheEndOfWhatIsAwaitedIsDeliveredOnce() throws Exception {
        Asyncio.run(() -> {
            CountDownLatch resumed = new CountDownLatch(1);
            AtomicBoolean cancelled = new AtomicBoolean();
            EndsWhenLookedAt source = new EndsWhenLookedAt(resumed);
            List<String> seen = new ArrayList<>();
            Task<Void> task = createTask(async(() -> {
                try {
                    seen.add("value " + await(source));
                } catch (CancelledException e) {
                    seen.add("cancelled");
                }
                resumed.countDown();
                while (!cancelled.get() || seen.size() < 2) {
                    try {
                        await(sleep(Duration.ofMillis(1)));
                    } catch (CancelledException e) {
                        seen.add("cancelled");
                    }
                }
                await(sleep(Duration.ofMillis(1)));
            }));
            await(sleep(Duration.ZERO));
            Thread canceller = new Thread(() -> {
                task.cancel();
                cancelled.set(true);
            });
            source.canceller = canceller;
            canceller.start();
            await(task);
            assertThat(seen).containsExactly("value 1", "cancelled");
        });
    }

    @Test
    void aStartThatFailsWithAnErrorLeavesNoWorkThatIsWaitedFor() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            loop.setTaskFactory(new TaskFactory() {
                @Override
                public <T> Task<T> newTask(EventLoop loop, Mono<? extends T> coroutine, TaskOptions options) {
                    throw new AssertionError("no task");
                }
            });
            assertThatThrownBy(() -> await(gather(Mono.just(1)).map(one -> one)))
                    .isInstanceOf(AssertionError.class)
                    .hasMessage("no task");
            loop.setTaskFactory(null);
            await(sleep(Duration.ofMillis(1)).map(one -> one));
            await(createTask(sleep(Duration.ofMillis(1))));
        });
    }
}
