package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Future;
import asyncio.Task;
import asyncio.VirtualTime;
import asyncio.streams.LeakCheck;
import asyncio.subprocess.CalledProcessException;
import asyncio.subprocess.Command;
import asyncio.subprocess.Launcher;
import asyncio.subprocess.Output;
import asyncio.subprocess.ProcessLookupException;
import asyncio.subprocess.Stdio;
import asyncio.subprocess.Subprocess;
import asyncio.subprocess.SubprocessProtocol;
import asyncio.subprocess.TimeoutExpiredException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ExtendWith(LeakCheck.class)
class FakeProcessesTest {
    private interface Script {
        void run(FakeProcesses fakes) throws Exception;
    }

    private static void withFakes(Script test) throws Exception {
        VirtualTime.run(() -> {
            FakeProcesses fakes =
                    new FakeProcesses(Wire.direct().randomChunks(5, 1).capacity(1000));
            Launcher.CURRENT.set(fakes);
            test.run(fakes);
            await(sleep(Duration.ofMillis(1)));
            EventLoop loop = EventLoop.getRunningLoop();
            assertThat(loop.allTasks()).as(loop.dumpTasks()).hasSize(1);
        });
    }

    private static Duration now() {
        return EventLoop.getRunningLoop().time();
    }

    private static int sort(FakeProcess process) throws Exception {
        List<String> lines = await(process.stdin().lines(UTF_8).sort().collectList());
        for (String line : lines) {
            process.stdout().write(line + "\n");
            await(process.stdout().drain());
        }
        return 0;
    }

    private static int stubborn(FakeProcess process) throws Exception {
        process.onSignal("TERM", () -> process.stdout().write("no\n"));
        await(sleep(Duration.ofDays(1)));
        return 0;
    }

    private static final Command PIPED = Command.of("child").stdin(Stdio.PIPE).stdout(Stdio.PIPE);

    @Test
    void fakesAreStartedByProtocolToo() throws Exception {
        class Collecting implements SubprocessProtocol {
            private final List<String> events = new ArrayList<>();
            private final StringBuilder output = new StringBuilder();
            private final Future<Void> over = EventLoop.getRunningLoop().createFuture();

            @Override
            public void pipeDataReceived(int fd, byte[] data) {
                output.append(new String(data, UTF_8));
            }

            @Override
            public void pipeConnectionLost(int fd, Throwable cause) {
                events.add("end " + fd);
            }

            @Override
            public void processExited() {
                events.add("exit");
            }

            @Override
            public void connectionLost(Throwable cause) {
                events.add("lost");
                over.setResult(null);
            }
        }
        withFakes(fakes -> {
            fakes.program("sort", FakeProcessesTest::sort);
            var opened = await(Subprocess.execProtocol(Collecting::new, Command.of("sort")));
            var stdin = opened.transport().getPipeTransport(0);
            stdin.write("b\nc\na\n".getBytes(UTF_8));
            stdin.close();
            await(opened.protocol().over);
            assertThat(opened.protocol().output).hasToString("a\nb\nc\n");
            assertThat(opened.transport().getReturnCode()).hasValue(0);
            assertThat(opened.protocol().events)
                    .contains("end 0", "end 1", "end 2", "exit")
                    .endsWith("lost");
            var killed = await(Subprocess.execProtocol(Collecting::new, Command.of("sort")));
            killed.transport().close();
            await(killed.protocol().over);
            assertThat(killed.transport().getReturnCode()).hasValue(-9);
        });
    }

    @Test
    void aFakeIsSeenAsTheProgramIs() throws Exception {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 2000; i++) {
            text.append((i * 7919) % 10_007 + 10_000).append('\n');
        }
        byte[] input = text.toString().getBytes(UTF_8);
        List<Output> outputs = new ArrayList<>();
        Asyncio.run(() -> outputs.add(await(Subprocess.run(Command.of("sort"), input))));
        withFakes(fakes -> {
            fakes.program("sort", FakeProcessesTest::sort);
            outputs.add(await(Subprocess.run(Command.of("sort"), input)));
            assertThat(fakes.started()).hasSize(1);
        });
        assertThat(outputs.get(1).stdout()).isEqualTo(outputs.get(0).stdout()).hasSameSizeAs(input);
        assertThat(outputs.get(1).returnCode()).isEqualTo(outputs.get(0).returnCode());
    }

    @Test
    void whatIsNotFakedIsNotThere() throws Exception {
        withFakes(fakes -> assertThatThrownBy(() -> await(Subprocess.run(Command.of("sort"))))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("sort"));
    }

    @Test
    void aConversationInVirtualTime() throws Exception {
        withFakes(fakes -> {
            fakes.program("child", process -> {
                for (byte[] line; (line = await(process.stdin().readLine())) != null; ) {
                    await(sleep(Duration.ofMinutes(1)));
                    process.stdout().write("you said " + new String(line, UTF_8));
                }
                return 7;
            });
            Duration start = now();
            int code = await(Subprocess.useBody(PIPED, child -> {
                for (String word : new String[] {"one", "two"}) {
                    child.stdin().write(word + "\n");
                    assertThat(new String(await(child.stdout().readLine()), UTF_8))
                            .isEqualTo("you said " + word + "\n");
                }
                assertThat(child.returnCode()).isEmpty();
                child.stdin().close();
                return await(child.waitFor());
            }));
            assertThat(code).isEqualTo(7);
            assertThat(now().minus(start)).isEqualTo(Duration.ofMinutes(2));
        });
    }

    @Test
    void closingGoesFromTheEndOfStdinToKill() throws Exception {
        withFakes(fakes -> {
            fakes.program("child", FakeProcessesTest::stubborn);
            Duration start = now();
            Subprocess child = await(Subprocess.start(PIPED));
            assertThat(await(child.closeAndWait())).isEqualTo(-9);
            assertThat(now().minus(start)).as("the times of a command").isEqualTo(Duration.ofSeconds(4));
            assertThat(fakes.started().get(0).signals()).containsExactly("TERM", "KILL");
            assertThatThrownBy(child::terminate).isInstanceOf(ProcessLookupException.class);

            fakes.program("child", FakeProcessesTest::sort);
            Duration next = now();
            assertThat(await(await(Subprocess.start(PIPED)).closeAndWait())).isZero();
            assertThat(now()).isEqualTo(next);
            assertThat(fakes.started().get(1).signals()).isEmpty();
        });
    }

    @Test
    void signalsComeToTheScriptOrEndIt() throws Exception {
        withFakes(fakes -> {
            List<String> reloads = new ArrayList<>();
            fakes.program("child", process -> {
                process.onSignal("HUP", () -> reloads.add("reload"));
                await(sleep(Duration.ofDays(1)));
                return 0;
            });
            Subprocess child = await(Subprocess.start(PIPED));
            await(sleep(Duration.ZERO));
            await(child.sendSignal("SIGHUP"));
            assertThat(reloads).containsExactly("reload");
            assertThatThrownBy(() -> await(child.sendSignal("NOPE"))).isInstanceOf(IllegalArgumentException.class);
            await(child.sendSignal("USR1"));
            assertThat(await(child.waitFor())).isEqualTo(-10);
            assertThat(await(child.stdout().readAll())).isEmpty();
            assertThat(fakes.started().get(0).signals()).containsExactly("HUP", "USR1");
            child.close();
        });
    }

    @Test
    void aTimeLimitKillsIt() throws Exception {
        withFakes(fakes -> {
            fakes.program("child", FakeProcessesTest::stubborn);
            Duration start = now();
            assertThatThrownBy(() -> await(Subprocess.run(Command.of("child").timeout(Duration.ofSeconds(10)))))
                    .isInstanceOf(TimeoutException.class);
            assertThat(now().minus(start)).isEqualTo(Duration.ofSeconds(10));
            assertThat(fakes.started().get(0).signals()).containsExactly("KILL");
        });
    }

    private static int writesAndStays(FakeProcess process) throws Exception {
        process.stdout().write("y\n".repeat(400));
        await(process.stdout().drain());
        await(sleep(Duration.ofDays(1)));
        return 0;
    }

    @Test
    void whatItHadWrittenWhenItWasKilledCanBeRead() throws Exception {
        withFakes(fakes -> {
            Wire slow = Wire.direct().latency(Duration.ofMinutes(1));
            for (FakeProcesses wires : List.of(fakes, new FakeProcesses(slow))) {
                Launcher.CURRENT.set(wires);
                wires.program("child", FakeProcessesTest::writesAndStays);
                Subprocess child = await(Subprocess.start(PIPED));
                for (int ticks = 0; ticks < 5; ticks++) {
                    await(sleep(Duration.ZERO));
                }
                await(child.killTree());
                assertThat(new String(await(child.stdout().readAll()), UTF_8)).isEqualTo("y\n".repeat(400));
            }
        });
    }

    @Test
    void aTimeLimitAndACheckTellWhatItHasWritten() throws Exception {
        withFakes(fakes -> {
            fakes.program("child", process -> {
                process.stdout().write("so far\n");
                return stubborn(process);
            });
            assertThatThrownBy(() -> await(Subprocess.run(Command.of("child").timeout(Duration.ofSeconds(10)))))
                    .isInstanceOfSatisfying(
                            TimeoutExpiredException.class,
                            expired -> assertThat(expired.out()).isEqualTo("so far\n"));
            fakes.program("child", process -> {
                process.stderr().write("oops\n");
                return 3;
            });
            assertThatThrownBy(() -> await(Subprocess.run(Command.of("child").check(true))))
                    .isInstanceOf(CalledProcessException.class)
                    .hasMessage("child exited with return code 3: oops");
        });
    }

    @Test
    void aCancelledStartLeavesNoChild() throws Exception {
        withFakes(fakes -> {
            fakes.program("child", FakeProcessesTest::stubborn);
            for (int ticks = 0; ticks < 5; ticks++) {
                Task<Integer> task =
                        createTask(async(() -> await(Subprocess.run(PIPED)).returnCode()));
                for (int i = 0; i < ticks; i++) {
                    await(sleep(Duration.ZERO));
                }
                await(task.cancelAndJoin());
            }
            await(sleep(Duration.ofSeconds(1)));
            assertThat(fakes.started())
                    .isNotEmpty()
                    .allMatch(child -> child.signals().equals(List.of("KILL")));
        });
    }

    @Test
    void whoWritesToAClosedPipeEndsBySigpipe() throws Exception {
        withFakes(fakes -> {
            fakes.program("child", process -> {
                while (true) {
                    process.stdout().write("y\n");
                    await(process.stdout().drain());
                }
            });
            Subprocess child = await(Subprocess.start(PIPED));
            await(child.stdout().readLine());
            fakes.started().get(0).pipe(1).client().close(); // its reader leaves
            assertThat(await(child.waitFor())).isEqualTo(-13);
            child.close();
        });
    }

    @Test
    void aScriptThatFailsIsReported() throws Exception {
        withFakes(fakes -> {
            List<ExceptionContext> reported = new ArrayList<>();
            EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> reported.add(what));
            fakes.program("child", process -> {
                process.stderr().write("oops\n");
                throw new IllegalStateException("planted");
            });
            Output output = await(Subprocess.run(Command.of("child").stderr(Stdio.PIPE)));
            assertThat(output.returnCode()).isEqualTo(1);
            assertThat(reported).singleElement().satisfies(what -> {
                assertThat(what.exception()).hasMessage("planted");
                assertThat(what.message()).contains("child, pid 1");
            });
        });
    }

    @Test
    void aCallerThatForgetsToCloseStdinIsCaught() throws Exception {
        withFakes(fakes -> {
            fakes.program("child", FakeProcessesTest::sort);
            Subprocess child = await(Subprocess.start(PIPED));
            child.stdin().write("b\na\n"); // and no end
            assertThatThrownBy(() -> await(waitFor(child.stdout().readAll(), Duration.ofDays(1))))
                    .isInstanceOf(TimeoutException.class);
            await(child.closeAndWait());
        });
    }
}
