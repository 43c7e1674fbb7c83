package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.internal.loop.LoopCore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Mono;

/** Sources that fail when a waiter leaves them. */
@Timeout(30)
class SuspensionTest {
    private final List<Throwable> dropped = new ArrayList<>();

    @BeforeEach
    void watch() {
        Hooks.onErrorDropped(dropped::add);
    }

    @AfterEach
    void unwatch() {
        Hooks.resetOnErrorDropped();
    }

    /** Never grants, and throws when it is left. */
    private static final class Source extends ColdMono<Integer> {
        private final @Nullable Duration limit;

        Source(@Nullable Duration limit) {
            super(Source.class);
            this.limit = limit;
        }

        @Override
        protected void start(CoreSubscriber<? super Integer> actual) {
            actual.onSubscribe(suspend(actual));
        }

        @Override
        protected Suspension<Integer> suspend(CoreSubscriber<? super Integer> actual) {
            return new Suspension<>(actual, limit) {
                @Override
                protected boolean begin() {
                    return false;
                }

                @Override
                protected void leave() {
                    throw new IllegalStateException("cannot be left");
                }

                @Override
                public void giveBack(@Nullable Integer value) {
                    throw new AssertionError(value);
                }

                @Override
                protected String target() {
                    return "nothing";
                }
            };
        }
    }

    private void isCancelledOnce(Mono<Integer> awaiting) throws Exception {
        Asyncio.run(() -> {
            Task<Integer> task = createTask(awaiting);
            await(sleep(Duration.ofMillis(1)));
            task.cancel("why");
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
        });
        assertThat(dropped).singleElement().asString().contains("cannot be left");
    }

    @Test
    void aBodyThatAwaitsOneIsCancelled() throws Exception {
        isCancelledOnce(async(() -> await(new Source(null))));
    }

    @Test
    void aTaskThatAwaitsOneIsCancelled() throws Exception {
        isCancelledOnce(new Source(null));
    }

    @Test
    void aBodyThatWasCancelledIsNotCancelledOnceMore() throws Exception {
        isCancelledOnce(async(() -> {
            try {
                return await(new Source(null));
            } finally {
                await(sleep(Duration.ZERO)); // would throw a second cancellation
            }
        }));
    }

    @Test
    void aLimitEndsTheWaitOfABody() throws Exception {
        Asyncio.run(() -> {
            EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> dropped.add(what.exception()));
            assertThatThrownBy(() -> await(new Source(Duration.ofMillis(1)))).isInstanceOf(TimedOutException.class);
        });
        assertThat(dropped).singleElement().asString().contains("cannot be left");
    }

    @Test
    @SuppressWarnings({"unchecked", "rawtypes"})
    void anOperatorThatHasEndedHasYetToTellItsTask() throws Exception {
        Asyncio.run(() -> {
            LoopCore loop = EventLoop.getRunningLoop().core;
            Future<Integer> future = new Future<>();
            List<Boolean> foreign = new ArrayList<>();
            FutureSubscription<Integer>[] subscription = new FutureSubscription[1];
            subscription[0] = new FutureSubscription<>(future, new BaseSubscriber<>() {
                @Override
                protected void hookOnNext(Integer value) {
                    foreign.add(ForeignWork.is(subscription[0], loop));
                }
            });
            subscription[0].request(1);
            foreign.add(ForeignWork.is(subscription[0], loop));
            future.setResult(1);
            await(sleep(Duration.ZERO));
            assertThat(foreign).containsExactly(false, true);
        });
    }
}
