package asyncio.subprocess;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.subprocess.Stdio.DEVNULL;
import static asyncio.subprocess.Stdio.PIPE;
import static asyncio.subprocess.Stdio.STDOUT;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.Body;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Task;
import asyncio.streams.BrokenPipeException;
import asyncio.streams.ConnectionResetException;
import asyncio.streams.LeakCheck;
import asyncio.streams.LimitOverrunException;
import asyncio.streams.internal.PipeEnd;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;

/** The rows of the behaviour catalogue. */
@ExtendWith(LeakCheck.class)
class RowsTest {
    private static final Command CAT = Command.of("cat").stdin(PIPE).stdout(PIPE);

    private static Command sh(String line) {
        return Command.shell(line);
    }

    private static void run(Body body) throws Exception {
        Asyncio.run(body);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, UTF_8);
    }

    @Test
    @DisplayName("SUB-01, SUB-33: after the exit the code is known, and signals are refused")
    void signalsAfterTheExitAreRefused() throws Exception {
        run(() -> {
            Subprocess child = await(Subprocess.start(sh("exit 6")));
            assertThat(await(child.waitFor())).isEqualTo(6);
            assertThat(child.returnCode()).isEqualTo(OptionalInt.of(6));
            assertThatThrownBy(child::terminate)
                    .isInstanceOf(ProcessLookupException.class)
                    .hasMessageContaining("TERM")
                    .hasMessageContaining("pid " + child.pid());
            assertThatThrownBy(child::kill).isInstanceOf(ProcessLookupException.class);
            for (String signal : List.of("HUP", "TERM", "KILL")) {
                assertThatThrownBy(() -> await(child.sendSignal(signal))).isInstanceOf(ProcessLookupException.class);
            }
            assertThatThrownBy(child::stdout).isInstanceOf(IllegalStateException.class);
            child.close();
            assertThat(await(child.closeAndWait())).isEqualTo(6);
        });
    }

    @Test
    @DisplayName("SUB-02: what is written to stdin comes back from stdout")
    void bytesGoThroughCat() throws Exception {
        run(() -> {
            Subprocess cat = await(Subprocess.start(CAT));
            cat.stdin().write("some data");
            await(cat.stdin().drain());
            cat.stdin().close();
            assertThat(text(await(cat.stdout().readAll()))).isEqualTo("some data");
            assertThat(await(cat.waitFor())).isZero();
            await(cat.stdin().waitClosed());
        });
    }

    @Test
    @DisplayName("SUB-03: communicate writes, reads and waits")
    void communicate() throws Exception {
        run(() -> {
            Subprocess cat = await(Subprocess.start(CAT));
            Output output = await(cat.communicate("some data".getBytes(UTF_8)));
            assertThat(output.out()).isEqualTo("some data");
            assertThat(output.returnCode()).isZero();
            assertThat(output.stderr()).isNull();
            assertThat(output.err()).isEmpty();
        });
    }

    @Test
    @DisplayName("SUB-05: a line for the shell")
    void shell() throws Exception {
        run(() -> assertThat(await(await(Subprocess.shell("exit 7")).waitFor())).isEqualTo(7));
    }

    @Test
    @DisplayName("SUB-06, SUB-08: kill gives -9, terminate -15")
    void killAndTerminate() throws Exception {
        run(() -> {
            Subprocess killed = await(Subprocess.exec("sleep", "30"));
            assertThat(killed.returnCode()).isEmpty();
            killed.kill();
            assertThat(await(killed.waitFor())).isEqualTo(-9);
            Subprocess terminated = await(Subprocess.exec("sleep", "30"));
            terminated.terminate();
            assertThat(await(terminated.waitFor())).isEqualTo(-15);
        });
    }

    @Test
    @DisplayName("SUB-07: the exit of a killed shell does not wait for what it has started")
    void killedShell() throws Exception {
        run(() -> {
            Subprocess shell =
                    await(Subprocess.start(sh("echo ready; sleep 30; sleep 30").stdout(PIPE)));
            await(shell.stdout().readLine());
            List<ProcessHandle> sleeps = await(shell.descendants());
            shell.kill();
            assertThat(await(shell.waitFor())).isEqualTo(-9);
            sleeps.forEach(ProcessHandle::destroyForcibly);
            shell.close();
        });
    }

    @Test
    @DisplayName("SUB-09: any signal by name")
    void sendSignal() throws Exception {
        run(() -> {
            for (String name : List.of("USR2", "SIGUSR2", "usr2")) { // nohup and cron may ignore HUP and INT
                Subprocess child =
                        await(Subprocess.start(sh("echo ready; exec sleep 30").stdout(PIPE)));
                assertThat(text(await(child.stdout().readLine()))).isEqualTo("ready\n");
                await(child.sendSignal(name));
                assertThat(await(child.waitFor())).isEqualTo(-12);
            }
            Subprocess child =
                    await(Subprocess.start(sh("trap 'echo got; exit 5' USR1; echo ready; while :; do sleep 0.01; done")
                            .stdout(PIPE)));
            await(child.stdout().readLine());
            await(child.sendSignal("USR1"));
            assertThat(text(await(child.stdout().readLine()))).isEqualTo("got\n");
            assertThat(await(child.waitFor())).isEqualTo(5);
        });
    }

    @Test
    void unknownSignalsAreRefused() throws Exception {
        run(() -> {
            Subprocess child = await(Subprocess.exec("sleep", "30"));
            assertThatThrownBy(() -> child.sendSignal("-9")).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> child.sendSignal("HUP; rm")).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> await(child.sendSignal("NOSUCH")))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("NOSUCH");
            assertThatThrownBy(() -> child.sendSignalToGroup("HUP"))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("newSession");
            await(child.killTree());
        });
    }

    @Test
    @DisplayName("SUB-10: a child that does not read its input breaks the pipe")
    void brokenPipe() throws Exception {
        run(() -> {
            Subprocess child = await(Subprocess.start(Command.of("sleep", "0").stdin(PIPE)));
            assertThatThrownBy(() -> {
                        for (; ; ) {
                            child.stdin().write(new byte[100_000]);
                            await(child.stdin().drain());
                        }
                    })
                    .isInstanceOfAny(BrokenPipeException.class, ConnectionResetException.class)
                    .hasMessageContaining("stdin of sleep, pid " + child.pid());
            await(child.waitFor());
        });
    }

    @Test
    @DisplayName("SUB-11: communicate does not mind a child that does not read its input")
    void communicateIgnoresBrokenPipes() throws Exception {
        run(() -> {
            Subprocess child =
                    await(Subprocess.start(Command.of("true").stdin(PIPE).stdout(PIPE)));
            Output output = await(child.communicate(new byte[1 << 20]));
            assertThat(output.returnCode()).isZero();
            assertThat(output.stdout()).isEmpty();
        });
    }

    @Test
    @DisplayName("SUB-12: a reader at its limit pauses the pipe, and communicate still gets all")
    void pausesReading() throws Exception {
        run(() -> {
            Subprocess child = await(Subprocess.start(
                    sh("printf 012345678901234567890").stdout(PIPE).limit(10)));
            await(child.waitFor());
            PipeEnd pipe = child.pipe(1);
            while (pipe.config().isAutoRead()) {
                await(sleep(Duration.ofMillis(1)));
            }
            Output output = await(child.communicate());
            assertThat(output.out()).isEqualTo("012345678901234567890");
            assertThat(pipe.isOpen()).isFalse(); // it was resumed, or its end would not have been seen
        });
    }

    @Test
    @DisplayName("SUB-13, SUB-14, SUB-15: stdin ends for the child when it is closed, empty or none")
    void endOfStdin() throws Exception {
        run(() -> {
            Command count = Command.of("wc", "-c").stdin(PIPE).stdout(PIPE);
            assertThat(await(Subprocess.run(count, "abc".getBytes(UTF_8))).out().trim())
                    .isEqualTo("3");
            assertThat(await(Subprocess.run(count, new byte[0])).out().trim()).isEqualTo("0");
            Subprocess child = await(Subprocess.start(count));
            assertThat(await(child.communicate()).out().trim()).isEqualTo("0");
            Subprocess nothing = await(Subprocess.start(count.stdin(DEVNULL)));
            assertThat(await(nothing.communicate()).out().trim()).isEqualTo("0");
            Subprocess ignores = await(Subprocess.start(count.stdin(DEVNULL)));
            assertThat(await(ignores.communicate(new byte[1])).out().trim()).isEqualTo("0");
        });
    }

    @Test
    void noInputIsNotNull() throws Exception {
        run(() -> {
            Subprocess child = await(Subprocess.start(CAT));
            assertThatThrownBy(() -> child.communicate(null)).hasMessage("input is null: communicate() sends nothing");
            assertThatThrownBy(() -> Subprocess.run(CAT, null)).hasMessage("input is null: run(command) sends nothing");
            await(child.killTree());
        });
    }

    @Test
    void theMessageOfAnOverLongLineNamesTheCommandsLimit() throws Exception {
        run(() -> await(Subprocess.useBody(
                sh("printf 0123456789012345").stdout(PIPE).limit(10), child -> {
                    assertThatThrownBy(() -> await(child.stdout().readLine()))
                            .isInstanceOf(LimitOverrunException.class)
                            .hasMessageContaining("10 bytes: raise Command.limit");
                    return null;
                })));
    }

    @Test
    @DisplayName("SUB-16: output to DEVNULL is null")
    void devNull() throws Exception {
        run(() -> {
            Command both = sh("echo out; echo err >&2");
            Output noOut = await(Subprocess.run(both.stdout(DEVNULL)));
            assertThat(noOut.stdout()).isNull();
            assertThat(noOut.err()).isEqualTo("err\n");
            Output noErr = await(Subprocess.run(both.stderr(DEVNULL)));
            assertThat(noErr.stderr()).isNull();
            assertThat(noErr.out()).isEqualTo("out\n");
        });
    }

    @Test
    @DisplayName("SUB-17: a cancelled wait takes nothing from the next")
    void cancelledWait() throws Exception {
        run(() -> {
            Subprocess child = await(Subprocess.exec("sleep", "30"));
            Task<Integer> waiting = createTask(async(() -> await(child.waitFor())));
            Task<Integer> direct = createTask(child.waitFor());
            await(sleep(Duration.ofMillis(1)));
            waiting.cancel();
            direct.cancel();
            assertThatThrownBy(() -> await(waiting)).isInstanceOf(CancelledException.class);
            assertThatThrownBy(() -> await(direct)).isInstanceOf(CancelledException.class);
            assertThat(waiting.cancel()).isFalse();
            child.kill();
            assertThat(await(child.waitFor())).isEqualTo(-9);
        });
    }

    @Test
    @DisplayName("SUB-19, SUB-30: close ends a running child")
    void closeEndsARunningChild() throws Exception {
        run(() -> {
            Subprocess child = await(Subprocess.start(Command.of("sleep", "30").exitGrace(Duration.ZERO)));
            assertThat(child.returnCode()).isEmpty();
            child.close();
            assertThat(await(child.waitFor())).isEqualTo(-15);
        });
    }

    @Test
    @DisplayName("SUB-20: close sends no signal to a child that has ended")
    void closeSparesAFinishedChild() throws Exception {
        run(() -> {
            AtomicReference<Integer> code = new AtomicReference<>();
            Subprocess child = await(Subprocess.start(sh("exit 3")));
            child.handle().onExit().join(); // the loop has no chance to notice it
            code.set(await(child.closeAndWait()));
            assertThat(code).hasValue(3);
        });
    }

    @Test
    @DisplayName("SUB-21: a start that fails leaves nothing")
    void failedStart() throws Exception {
        Descriptors descriptors = Descriptors.now();
        run(() -> {
            for (int i = 0; i < 20; i++) {
                assertThatThrownBy(() -> await(Subprocess.start(Command.of("/no/such/program")
                                .stdin(PIPE)
                                .stdout(PIPE)
                                .stderr(PIPE))))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("/no/such/program")
                        .hasMessageContaining("No such file");
            }
        });
        descriptors.assertNoneLeft();
    }

    @Test
    @DisplayName("SUB-22: a slow reader gets all that was written before the exit")
    void slowReaderAfterTheExit() throws Exception {
        run(() -> {
            Subprocess child = await(Subprocess.start(
                    sh("head -c 262144 /dev/zero; exit 1").stdout(PIPE).limit(1000)));
            int total = 0;
            for (byte[] chunk; (chunk = await(child.stdout().read(20_000))) != null; ) {
                total += chunk.length;
                await(sleep(Duration.ofMillis(5)));
            }
            assertThat(total).isEqualTo(262_144);
            assertThat(await(child.waitFor())).isEqualTo(1);
        });
    }

    @Test
    @DisplayName("SUB-25: any number may wait")
    void concurrentWaits() throws Exception {
        run(() -> {
            Subprocess child = await(Subprocess.start(sh("read line; exit 4").stdin(PIPE)));
            List<Mono<Integer>> waits = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                waits.add(child.waitFor());
            }
            Task<List<Integer>> all = createTask(gather(waits));
            child.stdin().write("\n");
            assertThat(await(all)).hasSize(10).containsOnly(4);
        });
    }

    @Test
    @DisplayName("SUB-26, SUB-32, SUB-34: stdout and stderr come apart, each to its end")
    void bothOutputs() throws Exception {
        run(() -> {
            Subprocess child = await(Subprocess.start(
                    sh("cat; echo err >&2").stdin(PIPE).stdout(PIPE).stderr(PIPE)));
            child.stdin().write("out\n");
            child.stdin().writeEof();
            assertThat(text(await(child.stdout().readAll()))).isEqualTo("out\n");
            assertThat(text(await(child.stderr().readAll()))).isEqualTo("err\n");
            assertThat(await(child.waitFor())).isZero();
        });
    }

    @Test
    @DisplayName("SUB-27: ten at a time, each with its own output")
    void manyCommunicate() throws Exception {
        run(() -> {
            List<Mono<String>> all = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                all.add(Subprocess.run(Command.of("echo", "number " + i)).map(Output::out));
            }
            List<String> outputs = await(gather(all));
            for (int i = 0; i < 10; i++) {
                assertThat(outputs.get(i)).isEqualTo("number " + i + "\n");
            }
        });
    }

    @Test
    @DisplayName("SUB-28: a signal around the exit is sent or refused, and takes no exit code")
    void signalAroundTheExit() throws Exception {
        run(() -> {
            for (int i = 0; i < 30; i++) {
                Subprocess child = await(Subprocess.exec("true"));
                try {
                    await(child.sendSignal("USR1"));
                } catch (ProcessLookupException e) {
                    assertThat(child.returnCode()).isPresent();
                }
                assertThat(await(child.waitFor())).isIn(0, -10);
            }
        });
    }

    @Test
    @DisplayName("SUB-29: on a loop of another thread, and without one")
    void elsewhere() throws Exception {
        assertThat(Subprocess.run(Command.of("echo", "hello")).block().out()).isEqualTo("hello\n");
        EventLoop loop = EventLoop.shared().next();
        assertThat(Asyncio.runThreadsafe(Subprocess.run(Command.of("echo", "hello")), loop)
                        .get()
                        .out())
                .isEqualTo("hello\n");
    }

    @Test
    @DisplayName("SUB-31: each line is answered before the next")
    void interactive() throws Exception {
        run(() -> {
            String done = await(Subprocess.useBody(CAT, cat -> {
                for (int i = 0; i < 5; i++) {
                    cat.stdin().write("line " + i + "\n");
                    assertThat(text(await(cat.stdout().readLine()))).isEqualTo("line " + i + "\n");
                }
                return "done";
            }));
            assertThat(done).isEqualTo("done");
        });
    }

    @Test
    @DisplayName("SUB-35: stderr goes where stdout goes")
    void stderrToStdout() throws Exception {
        run(() -> {
            Output output = await(Subprocess.run(sh("echo out; echo err >&2").stderr(STDOUT)));
            assertThat(output.out()).isEqualTo("out\nerr\n");
            assertThat(output.stderr()).isNull();
        });
    }

    @Test
    @DisplayName("SUB-39: the exit does not wait for a grandchild that holds stdout")
    void grandchildHoldsStdout() throws Exception {
        run(() -> {
            Subprocess child =
                    await(Subprocess.start(sh("sleep 30 & echo $!; exit 3").stdout(PIPE)));
            String pid = text(await(child.stdout().readLine())).trim();
            assertThat(await(child.waitFor())).isEqualTo(3);
            ProcessHandle grandchild = ProcessHandle.of(Long.parseLong(pid)).orElseThrow();
            assertThat(grandchild.isAlive()).isTrue();
            grandchild.destroyForcibly();
            assertThat(await(child.stdout().readAll())).isEmpty();
        });
    }

    @Test
    @DisplayName("SUB-40: what comes before anybody reads is kept")
    void earlyEvents() throws Exception {
        run(() -> {
            Subprocess child =
                    await(Subprocess.start(Command.of("echo", "early").stdout(PIPE)));
            await(child.waitFor());
            await(sleep(Duration.ofMillis(20)));
            assertThat(text(await(child.stdout().readLine()))).isEqualTo("early\n");
        });
    }
}
