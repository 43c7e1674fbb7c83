package asyncio;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

@Timeout(60)
class LoopSchedulerTest {
    @Test
    void operatorsRunOnTheLoop() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            List<Boolean> onLoop = new ArrayList<>();
            int sum = await(Flux.range(1, 100)
                    .publishOn(loop.scheduler())
                    .doOnNext(x -> onLoop.add(loop.netty().inEventLoop()))
                    .reduce(0, Integer::sum));
            assertThat(sum).isEqualTo(5050);
            assertThat(onLoop).hasSize(100).containsOnly(true);
            assertThat(await(Mono.fromCallable(() -> loop.netty().inEventLoop()).subscribeOn(loop.scheduler())))
                    .isTrue();
        });
    }

    @Test
    void disposedWorkDoesNotRun() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Scheduler scheduler = loop.scheduler();
            AtomicInteger runs = new AtomicInteger();
            scheduler.schedule(runs::incrementAndGet).dispose();
            scheduler.schedule(runs::incrementAndGet, 1, TimeUnit.HOURS).dispose();
            Scheduler.Worker worker = scheduler.createWorker();
            worker.schedule(runs::incrementAndGet);
            worker.schedule(runs::incrementAndGet, 1, TimeUnit.HOURS);
            worker.schedulePeriodically(runs::incrementAndGet, 0, 1, TimeUnit.HOURS);
            worker.dispose();
            assertThat(worker.isDisposed()).isTrue();
            assertThatThrownBy(() -> worker.schedule(runs::incrementAndGet))
                    .isInstanceOf(RejectedExecutionException.class);
            await(sleep(Duration.ofHours(3)));
            assertThat(runs).hasValue(0);
            assertThat(loop.core.timerCount()).isZero();
        });
    }

    @Test
    void periodicWorkKeepsItsRateUntilDisposed() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Duration start = loop.time();
            List<Duration> times = new ArrayList<>();
            Disposable[] periodic = new Disposable[1];
            periodic[0] = loop.scheduler()
                    .schedulePeriodically(
                            () -> {
                                times.add(loop.time().minus(start));
                                if (times.size() == 3) {
                                    periodic[0].dispose();
                                }
                            },
                            1,
                            2,
                            TimeUnit.MINUTES);
            await(sleep(Duration.ofHours(1)));
            assertThat(times).containsExactly(Duration.ofMinutes(1), Duration.ofMinutes(3), Duration.ofMinutes(5));
            assertThat(loop.core.timerCount()).isZero();
        });
    }

    @Test
    void workOfAClosedLoopIsRejected() {
        EventLoop loop = EventLoop.newEventLoop();
        Scheduler scheduler = loop.scheduler();
        assertThat(scheduler.isDisposed()).isFalse();
        scheduler.dispose();
        assertThat(scheduler.isDisposed()).as("the loop has another owner").isFalse();
        loop.close();
        assertThat(scheduler.isDisposed()).isTrue();
        assertThatThrownBy(() -> scheduler.schedule(() -> {})).isInstanceOf(RejectedExecutionException.class);
        assertThatThrownBy(() -> scheduler.schedule(() -> {}, 1, TimeUnit.SECONDS))
                .isInstanceOf(RejectedExecutionException.class);
    }
}
