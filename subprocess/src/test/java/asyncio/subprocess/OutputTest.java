package asyncio.subprocess;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static asyncio.subprocess.Stdio.DEVNULL;
import static asyncio.subprocess.Stdio.PIPE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import asyncio.Asyncio;
import asyncio.Task;
import asyncio.streams.LeakCheck;
import asyncio.streams.internal.PumpPipe;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The output of a child that has ended, in time or not, successfully or not. */
@ExtendWith(LeakCheck.class)
class OutputTest {
    private static final Duration LIMIT = Duration.ofMillis(500);
    /** Enough for a start on a busy machine. */
    private static final Duration LONG_LIMIT = Duration.ofSeconds(2);

    private static final int PIPE_FULL = 60_000;

    @TempDir
    Path directory;

    /** A shell with a child that keeps running with its standard streams, and has its pid written to a file. */
    private Command leaving(String line) {
        return Command.shell(line + "; sleep 1000 & echo $! > " + directory.resolve("pid") + "; exit 7");
    }

    @AfterEach
    void killTheGrandchild() throws Exception {
        if (Files.exists(directory.resolve("pid"))) {
            String pid = Files.readString(directory.resolve("pid")).strip();
            ProcessHandle.of(Long.parseLong(pid)).ifPresent(ProcessHandle::destroyForcibly);
        }
    }

    @Test
    void runGivesTheCodeAndTheOutputOfAChildThatHasExitedThoughAGrandchildHoldsThePipe() throws Exception {
        Asyncio.run(() -> {
            Output output =
                    await(Subprocess.run(leaving("echo hi; echo err >&2").timeout(LIMIT)));
            assertThat(output.returnCode()).isEqualTo(7);
            assertThat(output.out()).isEqualTo("hi\n");
            assertThat(output.err()).isEqualTo("err\n");
        });
    }

    @Test
    void alsoIfTheGrandchildHoldsOneOfThePipesOnly() throws Exception {
        Asyncio.run(() -> {
            Output output =
                    await(Subprocess.run(Command.shell("echo hi; echo err >&2; sleep 1000 > /dev/null & echo $! > "
                                    + directory.resolve("pid") + "; exit 7")
                            .timeout(LIMIT)));
            assertThat(output).hasToString("Output[returnCode=7, stdout=\"hi\\n\", stderr=\"err\\n\"]");
        });
    }

    @Test
    void aTimeLimitOnCommunicateLosesNothing() throws Exception {
        Asyncio.run(() -> {
            Command holdsStderr = Command.shell("echo hi; echo err >&2; sleep 1000 > /dev/null & echo $! > "
                            + directory.resolve("pid") + "; exit 7")
                    .stdout(PIPE)
                    .stderr(PIPE);
            Subprocess child = await(Subprocess.start(holdsStderr));
            boolean ends = child.pipe(1) instanceof PumpPipe; // the JDK closes its end with the exit
            for (int i = 0; i < (ends ? 0 : 2); i++) {
                assertThatThrownBy(() -> await(waitFor(child.communicate(), LIMIT)))
                        .isInstanceOf(TimeoutException.class);
            }
            await(child.waitFor()); // before the close, which would end it
            assertThat(await(child.closeAndWait())).isEqualTo(7);
            Output output = await(child.communicate());
            assertThat(output.out()).isEqualTo("hi\n");
            assertThat(output.err()).isEqualTo("err\n");
        });
    }

    // ---- bytes in the pipe when it is closed

    /** Writes as much as a pipe holds, while the test keeps its loop busy. */
    private Command writingLater(String end) {
        return Command.shell("touch ready; until [ -e go ]; do sleep 0.01; done; head -c " + PIPE_FULL
                        + " /dev/zero; touch written; " + end)
                .cwd(directory);
    }

    private void awaitFile(String name) throws Exception {
        while (!Files.exists(directory.resolve(name))) {
            await(sleep(Duration.ofMillis(1)));
        }
    }

    /** Keeps the loop busy until the child has written, so that nothing of it can be read meanwhile. */
    private void letItWriteToABusyLoop() throws Exception {
        Files.createFile(directory.resolve("go"));
        while (!Files.exists(directory.resolve("written"))) {
            Thread.sleep(1);
        }
    }

    @Test
    void aRunGivesAllThatAnExitedChildHasWrittenThoughItsLimitPassedWhileTheLoopWasBusy() throws Exception {
        Asyncio.run(() -> {
            Task<Output> run = createTask(Subprocess.run(writingLater("exit 3").timeout(LONG_LIMIT)));
            awaitFile("ready");
            letItWriteToABusyLoop();
            while (Workers.EXITS.getActiveCount() > 0) {
                Thread.sleep(1);
            }
            Thread.sleep(LONG_LIMIT.toMillis());
            Output output = await(run);
            assertThat(output.returnCode()).isEqualTo(3);
            assertThat(output.stdout()).hasSize(PIPE_FULL);
        });
    }

    @Test
    void aRunThatTakesTooLongGivesAllThatWasWrittenWhileTheLoopWasBusy() throws Exception {
        Asyncio.run(() -> {
            Task<Output> run =
                    createTask(Subprocess.run(writingLater("exec sleep 1000").timeout(LONG_LIMIT)));
            awaitFile("ready");
            letItWriteToABusyLoop();
            Thread.sleep(LONG_LIMIT.toMillis());
            TimeoutExpiredException expired = catchThrowableOfType(TimeoutExpiredException.class, () -> await(run));
            assertThat(expired.stdout()).hasSize(PIPE_FULL);
        });
    }

    @Test
    void closingLosesNothingThatTheChildHasWrittenBeforeItsEnd() throws Exception {
        Asyncio.run(() -> {
            Command command = writingLater("exit 5").stdout(PIPE);
            Subprocess child = await(Subprocess.start(command));
            Task<Output> before = createTask(child.communicate());
            awaitFile("ready");
            letItWriteToABusyLoop();
            while (child.returnCode().isEmpty()) {
                Thread.sleep(1);
            }
            child.close();
            assertThat(await(before).stdout()).hasSize(PIPE_FULL);
            assertThat(await(child.closeAndWait())).isEqualTo(5);
            assertThat(await(child.communicate()).stdout()).hasSize(PIPE_FULL);
        });
    }

    /** Like a task that is cancelled in the tick in which the output arrives. */
    @Test
    void outputThatWasDroppedOnItsWayIsThereForTheNextCall() throws Exception {
        Asyncio.run(() -> await(Subprocess.useBody(Command.of("echo", "hi").stdout(PIPE), child -> {
            assertThat(Asyncio.<Output>await(child.communicate().filter(output -> false)))
                    .isNull();
            assertThat(await(child.communicate()).out()).isEqualTo("hi\n");
            return 0;
        })));
    }

    @Test
    void scopesDoNotWaitForAGrandchildThatHoldsThePipe() throws Exception {
        Asyncio.run(() -> {
            Command command = leaving("echo hi").stdout(PIPE);
            assertThat(await(Subprocess.use(command, Subprocess::waitFor))).isEqualTo(7);
            killTheGrandchild();
            assertThat(await(Subprocess.useFlux(command, Subprocess::waitFor).next()))
                    .isEqualTo(7);
            killTheGrandchild();
            assertThat(Asyncio.<Integer>await(Subprocess.useBody(command, child -> await(child.waitFor()))))
                    .isEqualTo(7);
        });
    }

    @Test
    void aRunThatTakesTooLongTellsWhatItHadWritten() throws Exception {
        Asyncio.run(() -> {
            Command slow = Command.shell("echo so far; echo 'an error' >&2; sleep 1000")
                    .timeout(LIMIT);
            TimeoutExpiredException expired =
                    catchThrowableOfType(TimeoutExpiredException.class, () -> await(Subprocess.run(slow)));
            assertThat(expired).hasMessageStartingWith(slow.toString()).isInstanceOf(TimeoutException.class);
            assertThat(expired.command()).isSameAs(expired.command()).hasToString(slow.toString());
            assertThat(expired.limit()).isEqualTo(LIMIT);
            assertThat(expired.out()).isEqualTo("so far\n");
            assertThat(expired.err()).isEqualTo("an error\n");
            TimeoutExpiredException without = catchThrowableOfType(
                    TimeoutExpiredException.class,
                    () -> await(Subprocess.run(slow.stdout(DEVNULL).stderr(DEVNULL))));
            assertThat(without.stdout()).isNull();
            assertThat(without.stderr()).isNull();
        });
    }

    @Test
    void aCheckedRunFailsWithTheCodeAndTheEndOfStderr() throws Exception {
        Asyncio.run(() -> {
            Command bad = Command.shell("echo out; echo 'what went wrong' >&2; exit 3");
            assertThat(await(Subprocess.run(bad)).returnCode()).isEqualTo(3);
            CalledProcessException failure =
                    catchThrowableOfType(CalledProcessException.class, () -> await(Subprocess.run(bad.check(true))));
            assertThat(failure).hasMessage(bad + " exited with return code 3: what went wrong");
            assertThat(failure.returnCode()).isEqualTo(3);
            assertThat(failure.output().out()).isEqualTo("out\n");
            assertThatThrownBy(() -> await(Subprocess.run(bad).map(Output::check)))
                    .hasMessage(failure.getMessage());
            assertThatThrownBy(() ->
                            await(Subprocess.run(Command.shell("kill -9 $$").check(true))))
                    .hasMessageEndingWith("was killed by signal 9");
            assertThat(await(Subprocess.run(Command.of("echo", "fine").check(true)))
                            .out())
                    .isEqualTo("fine\n");
            assertThat(await(Subprocess.run(bad.check(true).check(false))).returnCode())
                    .isEqualTo(3);
        });
    }

    @Test
    void theTextOfAnOutputIsShortAndReadable() {
        assertThat(new Output(0, "a \"b\"\n\u0000".getBytes(UTF_8), null))
                .hasToString("Output[returnCode=0, stdout=\"a \\\"b\\\"\\n\\u0000\", stderr=no pipe]");
        byte[] large = ("begin" + "x".repeat(10_000) + "end").getBytes(UTF_8);
        assertThat(new Output(1, large, large).toString())
                .startsWith("Output[returnCode=1, stdout=\"beginxxx")
                .contains("xxx...\" (10008 bytes), stderr=\"...xxx")
                .endsWith("xxxend\" (10008 bytes)]")
                .hasSizeLessThan(300);
        assertThat(new CalledProcessException(new Output(1, null, large)).getMessage())
                .startsWith("The child exited with return code 1: ...xxx")
                .endsWith("xend")
                .hasSizeLessThan(1100);
    }
}
