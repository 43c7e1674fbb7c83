package asyncio.testkit;

import static asyncio.Asyncio.asCompletedTasks;
import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import asyncio.sync.Barrier;
import asyncio.sync.BoundedSemaphore;
import asyncio.sync.Condition;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import reactor.core.publisher.Mono;

/** Rows of docs/differences.md; the behaviour of CPython 3.13 was observed with the same programs. */
class DifferencesTest {
    private static void ticks(int n) throws Exception {
        for (int i = 0; i < n; i++) {
            await(sleep(Duration.ZERO));
        }
    }

    @AsyncioTest
    void aBodyWhoseSleepIsOverResumesAsInCPython(EventLoop loop) throws Exception {
        List<String> log = new ArrayList<>();
        Task<Void> sleeper = createTask(async(() -> {
            await(sleep(Duration.ofMillis(10)));
            log.add("sleep");
        }));
        ticks(1);
        loop.callLater(Duration.ofMillis(10), () -> {
            log.add("timer");
            loop.callSoon(() -> log.add("soon"));
        });
        await(sleep(Duration.ofMillis(50)));
        await(sleeper);
        assertThat(log).containsExactly("timer", "sleep", "soon");
    }

    @AsyncioTest
    void waitForWithoutTimeDoesNotSuspend(EventLoop loop) throws Exception {
        List<String> log = new ArrayList<>();
        loop.callSoon(() -> log.add("tick"));
        assertThatThrownBy(() -> await(waitFor(async(() -> log.add("began")), Duration.ZERO)))
                .isInstanceOf(TimeoutException.class);
        assertThat(log).isEmpty();
        ticks(1);
    }

    @AsyncioTest
    void asCompletedOfWhatIsDoneDoesNotSuspend(EventLoop loop) throws Exception {
        List<String> log = new ArrayList<>();
        Future<Integer> done = loop.createFuture();
        done.setResult(1);
        loop.callSoon(() -> log.add("tick"));
        await(asCompletedTasks(List.of(done)).collectList());
        assertThat(log).isEmpty();
        ticks(1);
    }

    @AsyncioTest
    void aResultThatCameInTheTickOfItsLimitIsTheResult(EventLoop loop, TestClock clock) throws Exception {
        Future<String> result = loop.createFuture();
        loop.callLater(Duration.ofMillis(20), () -> result.setResult("result"));
        assertThat(await(waitFor(result, Duration.ofMillis(20)))).isEqualTo("result");
    }

    private static Task<Void> waiter(Condition condition, String name, List<String> log) {
        return createTask(async(() -> {
            try (var permit = await(condition.acquire())) {
                await(condition.await());
                log.add(name + " resumed");
            } catch (CancelledException e) {
                log.add(name + " cancelled");
                throw e;
            }
        }));
    }

    @AsyncioTest
    void aCancelledWaiterOfAConditionWakesNobody() throws Exception {
        Condition condition = new Condition();
        List<String> log = new ArrayList<>();
        Task<Void> a = waiter(condition, "a", log);
        Task<Void> b = waiter(condition, "b", log);
        ticks(3);
        a.cancel();
        ticks(5);
        assertThat(log).containsExactly("a cancelled");
        await(b.cancelAndJoin());
    }

    @AsyncioTest
    void aCancelledWaiterOfAConditionJoinsTheLineOfTheLockAtOnce() throws Exception {
        Condition condition = new Condition();
        List<String> log = new ArrayList<>();
        Task<Void> a = waiter(condition, "a", log);
        ticks(3);
        var permit = await(condition.acquire());
        Task<Void> late = createTask(async(() -> {
            try (var own = await(condition.acquire())) {
                log.add("late");
            }
        }));
        a.cancel();
        ticks(3);
        permit.release();
        await(late);
        assertThat(log).containsExactly("a cancelled", "late");
    }

    @AsyncioTest
    void aCancelledPartyOfABarrierLeavesAtOnce() throws Exception {
        Barrier barrier = new Barrier(2);
        Task<Integer> party = createTask(barrier.await());
        ticks(2);
        assertThat(barrier.nWaiting()).isEqualTo(1);
        party.cancel();
        assertThat(barrier.nWaiting()).isZero();
        await(party.cancelAndJoin());
    }

    @AsyncioTest
    void cancelOfAFailedTaskDoesNotRetrieveItsException(EventLoop loop) throws Exception {
        List<String> reports = new ArrayList<>();
        loop.setExceptionHandler((l, context) -> reports.add(context.message()));
        failAndCancel();
        for (int i = 0; i < 200 && reports.isEmpty(); i++) {
            System.gc();
            await(asyncio.Asyncio.toThread(() -> {
                Thread.sleep(50);
                return 1;
            }));
        }
        assertThat(reports).singleElement().asString().contains("never retrieved");
    }

    private static void failAndCancel() throws Exception {
        Task<Object> failed = createTask(Mono.error(new IllegalStateException("failed")));
        ticks(2);
        assertThat(failed.cancel()).isFalse();
    }

    @AsyncioTest
    void everyAwaitOfACancelledTaskHasTheMessage() throws Exception {
        Task<Void> task = createTask(sleep(Duration.ofHours(1)));
        ticks(1);
        task.cancel("why");
        for (int i = 0; i < 3; i++) {
            assertThat(catchThrowable(() -> await(task)))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("why");
        }
    }

    @AsyncioTest
    void aBoundedSemaphoreOfNothingRefusesWhoWouldWaitForEver() {
        BoundedSemaphore none = new BoundedSemaphore(0);
        assertThat(none.locked()).isTrue();
        assertThatThrownBy(none::acquire).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(none::release).isInstanceOf(IllegalStateException.class);
    }
}
