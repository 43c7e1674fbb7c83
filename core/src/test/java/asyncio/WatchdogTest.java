package asyncio;

import static org.assertj.core.api.Assertions.assertThat;

import asyncio.internal.loop.BodyThreads;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;

@Timeout(60)
class WatchdogTest {
    @Test
    void reportsAStepThatKeepsTheLoopWhileItDoes() throws Exception {
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(() -> keepTheLoopUntilReported(log));
            assertThat(log.messages()).hasSize(1);
            assertThat(log.messages().get(0))
                    .contains("has been in one step for")
                    .contains("keepTheLoopUntilReported")
                    .contains("toThread");
        }
    }

    private static void keepTheLoopUntilReported(LogCapture log) {
        while (log.messages().isEmpty()) {
            Thread.onSpinWait();
        }
    }

    /**
     * Whether a thread of a body can be kept from running: platform threads, which otherwise run or carry bodies,
     * cannot.
     */
    static boolean virtual() {
        return BodyThreads.KIND == BodyThreads.Kind.VIRTUAL;
    }

    @Test
    @EnabledIf("virtual")
    void reportsALoopThatWasHandedToAThreadThatDoesNotRun() throws Exception {
        int carriers = Runtime.getRuntime().availableProcessors();
        CountDownLatch spinning = new CountDownLatch(carriers);
        try (LogCapture log = new LogCapture();
                LoopThread thread = new LoopThread()) {
            for (int i = 0; i < carriers; i++) {
                BodyThreads.newVirtual(() -> {
                            spinning.countDown();
                            while (log.messages().isEmpty()) {
                                Thread.onSpinWait(); // computing on a carrier
                            }
                        })
                        .start();
            }
            spinning.await();
            Asyncio.runThreadsafe(Asyncio.async(() -> "needs a carrier"), thread.loop)
                    .get();
            assertThat(log.messages()).hasSize(1);
            assertThat(log.messages().get(0)).contains("was handed to thread").contains("asyncio.bodies.kind=platform");
        }
    }

    @Test
    void saysNothingOfALoopThatSleeps() throws Exception {
        try (LogCapture log = new LogCapture();
                LoopThread thread = new LoopThread()) {
            CountDownLatch ran = new CountDownLatch(1);
            thread.loop.callSoonThreadsafe(ran::countDown);
            ran.await();
            LockSupport.parkNanos(1_500_000_000); // longer than the limit for a step: nothing may happen meanwhile
            assertThat(log.messages()).isEmpty();
        }
    }
}
