package asyncio.subprocess;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.currentContext;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static asyncio.subprocess.Stdio.DEVNULL;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Future;
import asyncio.Task;
import asyncio.streams.BaseProtocol;
import asyncio.streams.LeakCheck;
import asyncio.streams.Opened;
import asyncio.streams.Transport;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Children with a protocol. */
@ExtendWith(LeakCheck.class)
class SubprocessProtocolTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    /** Records its events; adjacent pieces of data of one pipe are one event. */
    static class Recorder implements SubprocessProtocol {
        final List<String> events = new ArrayList<>();
        final StringBuilder[] data = {new StringBuilder(), new StringBuilder(), new StringBuilder()};
        final @Nullable Throwable[] causes = new Throwable[3];
        SubprocessTransport transport;
        private @Nullable Future<Void> heard;

        void note(String event) {
            if (events.isEmpty() || !events.get(events.size() - 1).equals(event)) {
                events.add(event);
            }
            Future<Void> heard = this.heard;
            if (heard != null) {
                this.heard = null;
                heard.trySetResult(null);
            }
        }

        void until(BooleanSupplier condition) throws Exception {
            while (!condition.getAsBoolean()) {
                Future<Void> heard = new Future<>();
                this.heard = heard;
                await(waitFor(heard, LIMIT));
            }
        }

        void until(String event) throws Exception {
            until(() -> events.contains(event));
        }

        @Override
        public void connectionMade(SubprocessTransport transport) {
            this.transport = transport;
            note("made");
        }

        @Override
        public void pipeDataReceived(int fd, byte[] bytes) {
            data[fd].append(new String(bytes, UTF_8));
            note("data " + fd);
        }

        @Override
        public void pipeConnectionLost(int fd, @Nullable Throwable cause) {
            causes[fd] = cause;
            note("end " + fd);
        }

        @Override
        public void processExited() {
            note("exit");
        }

        @Override
        public void pauseWriting() {
            note("pause");
        }

        @Override
        public void resumeWriting() {
            note("resume");
        }

        @Override
        public void connectionLost(@Nullable Throwable cause) {
            assertThat(cause).isNull();
            note("lost");
        }
    }

    private static Opened<SubprocessTransport, Recorder> exec(Command command) throws Exception {
        return await(Subprocess.execProtocol(Recorder::new, command));
    }

    @Test
    @DisplayName("SUB-26: data of each pipe before its end, the exit, and the loss at last")
    void events() throws Exception {
        Asyncio.run(() -> {
            var opened = exec(Command.shell("echo out; echo err >&2"));
            Recorder recorder = opened.protocol();
            assertThat(recorder.events).startsWith("made");
            assertThat(recorder.transport).isSameAs(opened.transport());
            recorder.until("lost");
            assertThat(recorder.events)
                    .containsSubsequence("made", "data 1", "end 1", "lost")
                    .containsSubsequence("made", "data 2", "end 2", "lost")
                    .containsSubsequence("made", "exit", "lost")
                    .containsSubsequence("made", "end 0", "lost")
                    .hasSize(8);
            assertThat(recorder.data[1]).hasToString("out\n");
            assertThat(recorder.data[2]).hasToString("err\n");
            assertThat(recorder.causes).containsOnlyNulls();
        });
    }

    @Test
    @DisplayName("SUB-30: what is written to pipe 0 comes back from pipe 1; close kills")
    void writeAndClose() throws Exception {
        Asyncio.run(() -> {
            Recorder recorder = exec(Command.of("cat")).protocol();
            SubprocessTransport transport = recorder.transport;
            assertThat(transport.getReturnCode()).isEmpty();
            assertThat(ProcessHandle.of(transport.getPid())).isPresent();
            assertThat(transport.getExtraInfo("subprocess")).isInstanceOf(Subprocess.class);
            assertThat(transport.getExtraInfo("nothing", 5)).isEqualTo(5);
            Transport stdin = transport.getPipeTransport(0);
            stdin.write("Python ".getBytes(UTF_8));
            recorder.until(() -> recorder.data[1].length() == 7);
            stdin.write("The Winner".getBytes(UTF_8));
            recorder.until(() -> recorder.data[1].length() == 17);
            assertThat(recorder.data[1]).hasToString("Python The Winner");
            transport.close();
            transport.close();
            assertThat(transport.isClosing()).isTrue();
            recorder.until("lost");
            assertThat(transport.getReturnCode()).isEqualTo(OptionalInt.of(-9));
            assertThat(recorder.events).containsOnlyOnce("lost", "exit", "end 0", "end 1", "end 2");
            assertThat(recorder.events).endsWith("lost");
            transport.close();
        });
    }

    @Test
    @DisplayName("SUB-32: a shell command whose stdin is closed completes with code 0, and all pipes end")
    void shell() throws Exception {
        Asyncio.run(() -> {
            Recorder recorder = await(Subprocess.shellProtocol(Recorder::new, "cat; echo Python"))
                    .protocol();
            recorder.transport.getPipeTransport(0).close();
            recorder.until("lost");
            assertThat(recorder.transport.getReturnCode()).isEqualTo(OptionalInt.of(0));
            assertThat(recorder.events).contains("end 0", "end 1", "end 2");
            assertThat(recorder.data[1]).hasToString("Python\n");
            assertThat(recorder.data[2]).isEmpty();
        });
    }

    @Test
    @DisplayName("SUB-33: without pipes there are no transports of them, and close after the end does nothing")
    void withoutPipes() throws Exception {
        Asyncio.run(() -> {
            Recorder recorder = exec(Command.shell("exit 7")
                            .stdin(DEVNULL)
                            .stdout(DEVNULL)
                            .stderr(DEVNULL))
                    .protocol();
            SubprocessTransport transport = recorder.transport;
            for (int fd = 0; fd < 3; fd++) {
                assertThat(transport.getPipeTransport(fd)).isNull();
            }
            assertThatThrownBy(() -> transport.getPipeTransport(3)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> transport.getPipeTransport(-1)).isInstanceOf(IllegalArgumentException.class);
            recorder.until("lost");
            assertThat(transport.getReturnCode()).isEqualTo(OptionalInt.of(7));
            transport.close();
            assertThat(transport.isClosing()).isTrue();
            assertThat(recorder.events).containsExactly("made", "exit", "lost");
            assertThatThrownBy(transport::terminate).isInstanceOf(ProcessLookupException.class);
            assertThatThrownBy(transport::kill).isInstanceOf(ProcessLookupException.class);
            assertThatThrownBy(() -> await(transport.sendSignal("USR1"))).isInstanceOf(ProcessLookupException.class);
        });
    }

    @Test
    @DisplayName("SUB-36: a child whose stdout nobody reads any more has a broken pipe, and says so on its stderr")
    void closeTheReadersEnd() throws Exception {
        Asyncio.run(() -> {
            Recorder recorder = exec(Command.shell(
                            "trap '' PIPE; read go; echo data; echo \"code $?\" >&2; exec sleep 1000"))
                    .protocol();
            Object pipe = recorder.transport.getPipeTransport(1).getExtraInfo("pipe");
            assertThat(pipe).isInstanceOfAny(Integer.class, InputStream.class);
            assumeTrue(pipe instanceof Integer); // a descriptor in epoll; a reading thread would keep it
            recorder.transport.getPipeTransport(1).close();
            recorder.until("end 1");
            recorder.transport.getPipeTransport(0).write("go\n".getBytes(UTF_8));
            recorder.until(() -> recorder.data[2].toString().contains("code"));
            assertThat(recorder.data[2].toString()).doesNotContain("code 0");
            assertThat(recorder.data[1]).isEmpty();
            recorder.transport.close();
            recorder.until("lost");
            assertThat(recorder.transport.getReturnCode()).isEqualTo(OptionalInt.of(-9));
        });
    }

    @Test
    void signalsReachTheChild() throws Exception {
        Asyncio.run(() -> {
            Recorder recorder = exec(Command.shell(
                            "trap 'echo usr; exit 3' USR1; echo ready; while :; do sleep 0.02; done"))
                    .protocol();
            recorder.until("data 1");
            await(recorder.transport.sendSignal("USR1"));
            recorder.until("lost");
            assertThat(recorder.data[1]).hasToString("ready\nusr\n");
            assertThat(recorder.transport.getReturnCode()).isEqualTo(OptionalInt.of(3));
            Recorder other = exec(Command.of("sleep", "1000")).protocol();
            other.transport.terminate();
            other.until("lost");
            assertThat(other.transport.getReturnCode()).isEqualTo(OptionalInt.of(-15));
        });
    }

    @Test
    void aChildThatDoesNotReadPausesTheWriter() throws Exception {
        Asyncio.run(() -> {
            Recorder recorder = exec(Command.shell("read go; exec cat")).protocol();
            Transport stdin = recorder.transport.getPipeTransport(0);
            stdin.write("x".repeat(3_000_000).getBytes(UTF_8));
            recorder.until("pause");
            stdin.write("\ngo on".getBytes(UTF_8));
            stdin.close();
            recorder.until("lost");
            assertThat(recorder.events).containsSubsequence("pause", "resume", "end 0");
            assertThat(recorder.data[1]).hasToString("go on");
        });
    }

    @Test
    void aPausedPipeKeepsTheChildWaiting() throws Exception {
        Asyncio.run(() -> {
            Recorder recorder = exec(Command.shell("head -c 5000000 /dev/zero")).protocol();
            Transport stdout = recorder.transport.getPipeTransport(1);
            stdout.pauseReading();
            for (int i = 0; i < 50; i++) {
                await(sleep(Duration.ZERO));
            }
            int length = recorder.data[1].length();
            assertThat(recorder.transport.getReturnCode()).isEmpty();
            for (int i = 0; i < 50; i++) {
                await(sleep(Duration.ZERO));
            }
            assertThat(recorder.data[1]).hasSize(length);
            stdout.resumeReading();
            recorder.until("lost");
            assertThat(recorder.data[1]).hasSize(5_000_000);
        });
    }

    @Test
    void anErrorOfTheProtocolKillsTheChild() throws Exception {
        List<ExceptionContext> reported = new ArrayList<>();
        class Broken extends Recorder {
            @Override
            public void pipeDataReceived(int fd, byte[] bytes) {
                throw new ArithmeticException("broken");
            }
        }
        Asyncio.run(() -> {
            EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> reported.add(what));
            Broken broken = await(Subprocess.execProtocol(Broken::new, Command.shell("echo x; exec sleep 1000")))
                    .protocol();
            broken.until("lost");
            assertThat(broken.transport.getReturnCode()).isEqualTo(OptionalInt.of(-9));
            assertThat(reported).hasSize(1);
            assertThat(reported.get(0).message()).isEqualTo("Fatal error: protocol.pipeDataReceived() call failed.");
            assertThat(reported.get(0).exception()).isInstanceOf(ArithmeticException.class);
            assertThat(reported.get(0).protocol()).isSameAs(broken);
            assertThat(reported.get(0).transport()).isSameAs(broken.transport);
        });
    }

    @Test
    void anotherProtocolHearsTheRestInTheSameContext() throws Exception {
        List<Object> seen = new ArrayList<>();
        Recorder second = new Recorder() {
            @Override
            public void processExited() {
                seen.add(currentContext().get("who"));
                super.processExited();
            }
        };
        Asyncio.run(() -> {
            Recorder first = await(Subprocess.execProtocol(Recorder::new, Command.of("cat"))
                            .contextWrite(context -> context.put("who", "subscriber")))
                    .protocol();
            SubprocessTransport transport = first.transport;
            assertThat(transport.getProtocol()).isSameAs(first);
            transport.setProtocol(second);
            assertThat(transport.getProtocol()).isSameAs(second);
            transport.getPipeTransport(0).write("x".getBytes(UTF_8));
            transport.getPipeTransport(0).close();
            second.until("lost");
            assertThat(second.data[1]).hasToString("x");
            assertThat(first.events).containsExactly("made");
            assertThat(seen).containsExactly("subscriber");
            assertThatThrownBy(() -> transport.setProtocol(new BaseProtocol<Transport>() {}))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("SubprocessProtocol");
        });
    }

    @Test
    void aStartThatFailsOrIsCancelledLeavesNothing() throws Exception {
        Descriptors before = Descriptors.now();
        Asyncio.run(() -> {
            assertThatThrownBy(() -> exec(Command.of("/no/such/program"))).isInstanceOf(IOException.class);
            assertThatThrownBy(() -> await(Subprocess.execProtocol(
                            () -> {
                                throw new ArithmeticException("no protocol");
                            },
                            Command.of("cat"))))
                    .isInstanceOf(ArithmeticException.class);
            assertThatThrownBy(() -> await(Subprocess.execProtocol(() -> null, Command.of("cat"))))
                    .isInstanceOf(NullPointerException.class);
            for (int ticks = 0; ticks < 6; ticks++) {
                Task<Opened<SubprocessTransport, Recorder>> starting =
                        createTask(Subprocess.execProtocol(Recorder::new, Command.of("cat")));
                for (int i = 0; i < ticks; i++) {
                    await(sleep(Duration.ZERO));
                }
                starting.cancel();
                try {
                    await(starting).close();
                    assertThat(ticks).isPositive(); // it had started
                } catch (CancelledException e) {
                    assertThat(starting.cancelled()).isTrue();
                }
            }
        });
        before.assertNoneLeft();
    }
}
