package asyncio;

import static asyncio.Asyncio.async;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The warnings on steps that hold a loop for long. */
@Timeout(60)
class SlowStepTest {
    private static final long ROUND = TimeUnit.MILLISECONDS.toNanos(50);

    private static volatile boolean over;
    private static volatile boolean spinning;
    private static final CountDownLatch INITIALIZING = new CountDownLatch(1);

    private final LoopThread thread = new LoopThread();
    private final LogCapture log = new LogCapture();
    private final AtomicLong used = new AtomicLong();
    private final SlowStep step = thread.loop.slowStep(holder -> used.get());

    @BeforeEach
    void begin() {
        over = false;
        spinning = false;
    }

    @AfterEach
    void end() throws Exception {
        over = true;
        log.close();
        thread.close();
    }

    private static void spin(CountDownLatch begun) {
        begun.countDown();
        while (!over) {
            spinning = true;
            Thread.onSpinWait();
        }
    }

    /**
     * Spins also after the latch: a thread that loses its processor in the call that wakes others looks like one that
     * blocks.
     */
    private void runSpinOnLoop() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        runOnLoop(() -> spin(begun), begun);
        while (!spinning) {
            Thread.onSpinWait();
        }
    }

    private void runOnLoop(Runnable callback, CountDownLatch begun) throws Exception {
        thread.loop.callSoonThreadsafe(callback);
        begun.await();
        Watchdog.unwatch(thread.loop); // this test looks instead
        step.look(ROUND); // the first look sees the steps before
    }

    /** Looks as often as a period takes, in which the thread gets the given CPU time. */
    private void pass(Duration time, Duration cpuTime) {
        long rounds = time.toNanos() / ROUND;
        for (int i = 0; i < rounds; i++) {
            used.addAndGet(cpuTime.toNanos() / rounds);
            step.look(ROUND);
        }
    }

    @Test
    void aThreadThatGetsNoProcessorIsNotBlamed() throws Exception {
        runSpinOnLoop();
        pass(Duration.ofSeconds(15), Duration.ofMillis(500));
        assertThat(log.messages()).isEmpty();
    }

    @Test
    void aThreadThatComputesIs() throws Exception {
        runSpinOnLoop();
        pass(Duration.ofSeconds(15), Duration.ofSeconds(7));
        assertThat(log.messages())
                .singleElement()
                .satisfies(text -> assertThat(text).contains("has been in one step for", "SlowStepTest.spin"));
    }

    @Test
    void aThreadThatBlocksIs() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        runOnLoop(
                () -> {
                    begun.countDown();
                    try {
                        end.await();
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                },
                begun);
        while (thread.loop.driver.holderThread().getState() == Thread.State.RUNNABLE) {
            Thread.onSpinWait();
        }
        pass(Duration.ofMillis(1200), Duration.ZERO);
        end.countDown();
        assertThat(log.messages())
                .singleElement()
                .satisfies(text -> assertThat(text).contains("CountDownLatch.await"));
    }

    @Test
    void theFirstUseOfSomethingBigIsNamedAsSuchAndOnlyAfterLong() throws Exception {
        runOnLoop(() -> Big.use(), INITIALIZING);
        pass(Duration.ofSeconds(5), Duration.ofSeconds(5));
        assertThat(log.messages()).isEmpty();
        pass(Duration.ofSeconds(6), Duration.ofSeconds(6));
        assertThat(log.messages())
                .singleElement()
                .satisfies(text -> assertThat(text).contains("loading or initializing classes"));
    }

    private static final class Big {
        static {
            spin(INITIALIZING);
        }

        static void use() {}
    }

    private static final class SlowSteps implements LoopListener {
        private final List<String> told = new CopyOnWriteArrayList<>();

        @Override
        public void stepSlow(EventLoop loop, @Nullable Task<?> task, Duration duration, List<StackTraceElement> stack) {
            told.add("slow " + (task == null ? "callback" : task.getName()) + " " + duration.toMillis() + " "
                    + in(stack));
        }

        @Override
        public void stuck(EventLoop loop, boolean unclaimed, Duration duration, List<StackTraceElement> stack) {
            told.add((unclaimed ? "unclaimed " : "stuck ") + duration.toMillis() + " " + in(stack));
        }

        private static boolean in(List<StackTraceElement> stack) {
            return stack.stream().anyMatch(frame -> frame.getMethodName().equals("spin"));
        }
    }

    private void endStep() throws Exception {
        CountDownLatch next = new CountDownLatch(1);
        CountDownLatch hold = new CountDownLatch(1);
        thread.loop.callSoonThreadsafe(() -> {
            next.countDown();
            spin(hold);
        });
        over = true;
        next.await();
    }

    @Test
    void listenersHearOfASlowStepWhenItIsOverAndOfOneThatLastsMeanwhile() throws Exception {
        SlowSteps listener = new SlowSteps();
        thread.loop.addListener(listener);
        CountDownLatch begun = new CountDownLatch(1);
        runOnLoop(() -> spin(begun), begun);
        pass(Duration.ofMillis(300), Duration.ofMillis(300));
        assertThat(listener.told).isEmpty();
        endStep();
        step.look(ROUND);
        assertThat(listener.told).containsExactly("slow callback 350 true");
    }

    @Test
    void listenersHearOfALoopThatIsStuckWhileItIs() throws Exception {
        SlowSteps listener = new SlowSteps();
        thread.loop.addListener(listener);
        CountDownLatch begun = new CountDownLatch(1);
        thread.loop.createTask(async(() -> spin(begun)), "spinning");
        runOnLoop(() -> {}, begun);
        pass(Duration.ofSeconds(15), Duration.ofSeconds(15));
        assertThat(listener.told)
                .singleElement()
                .asString()
                .startsWith("stuck ")
                .endsWith(" true");
        endStep();
        step.look(ROUND);
        assertThat(listener.told).hasSize(2).last().isEqualTo("slow spinning 15050 true");
    }

    @Test
    void aStepThatIsNotSlowIsNotTold() throws Exception {
        SlowSteps listener = new SlowSteps();
        thread.loop.addListener(listener);
        thread.loop.setSlowCallbackDuration(Duration.ofMillis(350));
        CountDownLatch begun = new CountDownLatch(1);
        runOnLoop(() -> spin(begun), begun);
        pass(Duration.ofMillis(300), Duration.ofMillis(300));
        endStep();
        step.look(ROUND);
        assertThat(listener.told).isEmpty();
    }

    @Test
    void warningsBeyondTheLimitAreCountedAndToldWithTheNext() {
        RateLimit limit = new RateLimit(2, 100);
        assertThat(limit.pass(5)).isZero();
        assertThat(limit.pass(6)).isZero();
        assertThat(limit.pass(7)).isEqualTo(RateLimit.WITHHELD);
        assertThat(limit.pass(104)).isEqualTo(RateLimit.WITHHELD);
        assertThat(limit.pass(105)).isEqualTo(2);
        assertThat(limit.pass(106)).isZero();
    }
}
