package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Task;
import asyncio.subprocess.Command;
import asyncio.subprocess.Launcher;
import asyncio.subprocess.Output;
import asyncio.subprocess.Stdio;
import asyncio.subprocess.Subprocess;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Real children hold virtual time as long as they live or work is done for them; fakes do not. */
@Timeout(120)
class ChildrenTest {
    @AsyncioTest
    void timeStandsStillWhileAChildLives(TestClock clock) throws Exception {
        Task<Void> timer = createTask(sleep(Duration.ofMillis(1)));
        Output output =
                await(waitFor(Subprocess.run(Command.of("cat"), "hello".getBytes(UTF_8)), Duration.ofMillis(2)));
        assertThat(output.out()).isEqualTo("hello");
        assertThat(clock.now()).isZero();
        await(timer);
    }

    /** Between the exit of a child and the end of its output and of its clean-up, nothing else holds the time. */
    @AsyncioTest
    void andWhileItIsRead(TestClock clock) throws Exception {
        for (int i = 0; i < 10; i++) {
            Subprocess child = await(Subprocess.start(Command.shell("head -c 50000 /dev/zero; echo error >&2")
                    .stdout(Stdio.PIPE)
                    .stderr(Stdio.PIPE)));
            byte[] all = await(waitFor(child.stdout().readAll(), Duration.ofNanos(1)));
            assertThat(all).hasSize(50_000);
            assertThat(await(waitFor(child.stderr().readLine(), Duration.ofNanos(1))))
                    .asString()
                    .isEqualTo("error\n");
            assertThat(await(waitFor(child.waitFor(), Duration.ofNanos(1)))).isZero();
            await(waitFor(child.closeAndWait(), Duration.ofNanos(1)));
        }
        assertThat(clock.now()).isZero();
    }

    @AsyncioTest
    void andWhileItIsEnded(TestClock clock) throws Exception {
        for (int i = 0; i < 5; i++) {
            Subprocess child =
                    await(Subprocess.start(Command.of("cat").stdin(Stdio.PIPE).stdout(Stdio.PIPE)));
            child.stdin().write("x\n");
            assertThat(await(child.stdout().readLine())).hasSize(2);
            assertThat(await(waitFor(child.closeAndWait(), Duration.ofNanos(1))))
                    .isZero();
        }
        assertThat(clock.now()).isZero();
    }

    @AsyncioTest
    void fakesLetItPass(TestClock clock) throws Exception {
        FakeProcesses fakes = new FakeProcesses().program("sleep", process -> {
            await(sleep(Duration.ofHours(1)));
            return 0;
        });
        Launcher.CURRENT.set(fakes);
        assertThat(await(Subprocess.run(Command.of("sleep"))).returnCode()).isZero();
        assertThat(clock.now()).isEqualTo(Duration.ofHours(1));
    }

    static class Held {
        @AsyncioTest
        @TimeLimit(real = "1s")
        void byAChild() throws Exception {
            await(Subprocess.use(Command.of("sleep", "1000"), child -> sleep(Duration.ofSeconds(1))));
        }

        @AsyncioTest
        @TimeLimit(real = "1s")
        void byHand(TestClock clock) throws Exception {
            clock.hold();
            await(sleep(Duration.ofSeconds(1)));
        }

        @AsyncioTest
        void notClosed() throws Exception {
            Subprocess child = await(Subprocess.start(Command.of("cat").stdin(Stdio.PIPE)));
            createTask(async(() -> await(child.waitFor())), "waiter");
            await(sleep(Duration.ZERO));
        }

        @AsyncioTest
        void closedWithoutWaiting() throws Exception {
            await(Subprocess.start(Command.of("cat").stdin(Stdio.PIPE))).close();
        }
    }

    @Test
    void whoHoldsTheTimeIsNamedByTheRealLimit() {
        assertThat(Jupiter.failureOf(Held.class, "byAChild()"))
                .isInstanceOf(TimeLimitError.class)
                .hasMessageContaining("Virtual time stands still as long as these live or work:\n- sleep, pid ")
                .hasMessageContaining(" created at ChildrenTest.java:");
        assertThat(Jupiter.failureOf(Held.class, "byHand(asyncio.testkit.TestClock)"))
                .isInstanceOf(TimeLimitError.class)
                .hasMessageContaining("- a caller of holdTime() created at ChildrenTest.java:");
    }

    @Test
    void aChildThatIsLeftRunningIsALeakAlsoIfATaskWaitsForIt() {
        assertThat(Jupiter.failureOf(Held.class, "notClosed()"))
                .isInstanceOf(LeakError.class)
                .hasMessageContaining("<Subprocess cat, pid ")
                .hasMessageContaining("- waiter waits for ")
                .hasMessageContaining("ChildrenTest.java:");
    }

    @Test
    void oneThatIsBeingClosedIsWaitedFor() {
        Jupiter.run(Held.class, "closedWithoutWaiting()")
                .testEvents()
                .assertStatistics(tests -> tests.succeeded(1).failed(0));
    }
}
