package asyncio.subprocess;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static asyncio.Asyncio.waitFor;
import static asyncio.subprocess.Stdio.PIPE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.ChildJvm;
import asyncio.EventLoop;
import asyncio.Task;
import asyncio.streams.LeakCheck;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** In whichever way a child ends, nothing of it is left: no process, no descriptor. */
@ExtendWith(LeakCheck.class)
class LifetimeTest {
    private static final Command SLEEP =
            Command.of("sleep", "1000").stdin(PIPE).stdout(PIPE).exitGrace(Duration.ZERO);
    /** Prints two pids, its own and that of its child, and waits; both ignore SIGTERM. */
    private static final Command STUBBORN = Command.shell(
                    "trap '' TERM; sh -c 'echo $$; while :; do sleep 0.05; done' & echo $$; while :; do sleep 0.05; done")
            .stdin(PIPE)
            .stdout(PIPE)
            .exitGrace(Duration.ofMillis(20))
            .terminateGrace(Duration.ofMillis(50));

    /** The same, but the first ends with SIGTERM, and SIGKILL would only come after a long time. */
    private static final Command HALF_STUBBORN = Command.shell(
                    "sh -c 'trap \"\" TERM; echo $$; while :; do sleep 0.05; done' & echo $$; while :; do sleep 0.05; done")
            .stdin(PIPE)
            .stdout(PIPE)
            .exitGrace(Duration.ZERO)
            .terminateGrace(Duration.ofMinutes(5));

    private Descriptors descriptors;

    @BeforeEach
    void count() {
        descriptors = Descriptors.now();
    }

    @AfterEach
    void nothingIsLeft() {
        descriptors.assertNoneLeft();
    }

    private static ProcessHandle[] twoPids(Subprocess child) throws Exception {
        ProcessHandle[] handles = new ProcessHandle[2];
        for (int i = 0; i < 2; i++) {
            String pid = new String(await(child.stdout().readLine()), UTF_8).trim();
            handles[i] = ProcessHandle.of(Long.parseLong(pid)).orElseThrow();
        }
        return handles;
    }

    private static void assertGone(ProcessHandle... handles) {
        for (ProcessHandle handle : handles) {
            long deadline = System.nanoTime() + 10_000_000_000L;
            while (ProcessTree.isRunning(handle)) { // grandchildren are reaped by other processes
                assertThat(System.nanoTime()).as(handle + " runs").isLessThan(deadline);
                LockSupport.parkNanos(1_000_000);
            }
        }
    }

    // ---- cancelling the start

    @Test
    @DisplayName("SUB-18: cancelled before the thread has begun, nothing is started")
    void cancelledBeforeItBegins() throws Exception {
        Asyncio.run(() -> {
            Task<Subprocess> start = createTask(Subprocess.start(SLEEP));
            start.cancel();
            assertThatThrownBy(() -> await(start)).isInstanceOf(CancelledException.class);
            assertThat(ProcessHandle.current().children()).isEmpty();
        });
    }

    @Test
    @DisplayName("SUB-18: cancelled while it is starting, the child is gone when the task goes on")
    void cancelledWhileStarting(@TempDir Path directory) throws Exception {
        Path fifo = directory.resolve("fifo"); // opening it, and so the start, waits for a writer
        assumeTrue(Subprocess.run(Command.of("mkfifo", fifo.toString())).block().returnCode() == 0);
        Asyncio.run(() -> {
            Task<Subprocess> start = createTask(async(() -> await(Subprocess.start(SLEEP.stdin(Stdio.from(fifo))))));
            while (Workers.POOL.getActiveCount() == 0) {
                await(sleep(Duration.ofMillis(1)));
            }
            await(sleep(Duration.ofMillis(20)));
            start.cancel();
            await(sleep(Duration.ofMillis(20)));
            assertThat(start.done()).isFalse();
            await(toThread(() -> Files.write(fifo, new byte[0])));
            assertThatThrownBy(() -> await(start)).isInstanceOf(CancelledException.class);
            assertThat(ProcessHandle.current().children()).isEmpty();
        });
    }

    @RepeatedTest(20)
    @DisplayName("SUB-18: cancelled at some moment")
    void cancelledAtSomeMoment() throws Exception {
        Asyncio.run(() -> {
            Task<Subprocess> start = createTask(async(() -> await(Subprocess.start(SLEEP))));
            await(sleep(Duration.ofNanos((long) (Math.random() * 4_000_000))));
            if (start.cancel()) {
                assertThatThrownBy(() -> await(start)).isInstanceOf(CancelledException.class);
            } else {
                await(await(start).killTree());
            }
        });
    }

    @RepeatedTest(20)
    @DisplayName("SUB-18: disposed of while it is starting, by another thread, in Reactor's style")
    void disposedOfWhileStarting() {
        AtomicReference<Subprocess> child = new AtomicReference<>();
        Disposable start = Subprocess.start(SLEEP).subscribe(child::set);
        LockSupport.parkNanos((long) (Math.random() * 4_000_000));
        start.dispose();
        descriptors.assertGoneUnless(() -> {
            Subprocess started = child.get();
            if (started != null) {
                started.killTree().block();
            }
        });
    }

    @Test
    void everySubscriptionStartsOne() throws Exception {
        Asyncio.run(() -> {
            Mono<Output> echo = Subprocess.run(Command.of("echo", "again"));
            assertThat(await(echo).out()).isEqualTo("again\n");
            assertThat(await(echo).out()).isEqualTo("again\n");
        });
    }

    // ---- scopes

    @Test
    void aScopeEndsItsChildWithItsDescendants() throws Exception {
        Asyncio.run(() -> {
            ProcessHandle[] handles = await(Subprocess.useBody(STUBBORN, LifetimeTest::twoPids));
            assertGone(handles);
        });
    }

    @Test
    void aScopeThatFailsEndsItsChild() throws Exception {
        Asyncio.run(() -> {
            assertThatThrownBy(() -> await(Subprocess.use(SLEEP, child -> Mono.error(new IOException("mine")))))
                    .isInstanceOf(IOException.class)
                    .hasMessage("mine");
            assertThat(ProcessHandle.current().children()).isEmpty();
            assertThatThrownBy(() -> await(Subprocess.useBody(SLEEP, child -> {
                        throw new IOException("mine");
                    })))
                    .isInstanceOf(IOException.class)
                    .hasMessage("mine");
            assertThat(ProcessHandle.current().children()).isEmpty();
            assertThatThrownBy(() -> await(Subprocess.use(SLEEP, child -> {
                        throw new IllegalStateException("mine");
                    })))
                    .hasMessage("mine");
            assertThat(ProcessHandle.current().children()).isEmpty();
        });
    }

    @Test
    void aCancelledScopeIsOverWhenItsChildIs() throws Exception {
        Asyncio.run(() -> {
            List<Mono<?>> scopes = List.of(
                    Subprocess.use(SLEEP, Subprocess::waitFor),
                    Subprocess.useFlux(SLEEP, child -> child.stdout().lines()).then(),
                    Subprocess.useBody(SLEEP, child -> await(child.waitFor())),
                    Subprocess.run(SLEEP));
            for (Mono<?> scope : scopes) {
                Task<?> task = createTask(async(() -> await(scope)));
                while (ProcessHandle.current().children().findAny().isEmpty()) {
                    await(sleep(Duration.ofMillis(1)));
                }
                await(sleep(Duration.ofMillis(5)));
                assertThat(task.cancel()).isTrue();
                assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
                assertThat(ProcessHandle.current().children()).isEmpty();
            }
        });
    }

    @Test
    void aFluxThatIsCancelledEndsItsChild() {
        Flux<String> lines = Subprocess.useFlux(
                Command.of("yes").stdout(PIPE).exitGrace(Duration.ZERO),
                yes -> yes.stdout().lines(UTF_8));
        assertThat(lines.take(3).collectList().block()).containsExactly("y", "y", "y");
    }

    @Test
    void closingStdinIsEnoughForAChildThatHeedsIt() throws Exception {
        Asyncio.run(() -> {
            Subprocess cat =
                    await(Subprocess.start(Command.of("cat").stdin(PIPE).exitGrace(Duration.ofSeconds(20))));
            assertThat(await(cat.closeAndWait())).isZero();
            cat.close();
            assertThat(await(cat.closeAndWait())).isZero();
            Subprocess sleep = await(Subprocess.start(SLEEP.terminateGrace(Duration.ofSeconds(20))));
            assertThat(await(sleep.closeAndWait())).isEqualTo(-15);
            Subprocess stubborn = await(Subprocess.start(STUBBORN));
            ProcessHandle[] handles = twoPids(stubborn);
            assertThat(await(stubborn.closeAndWait())).isEqualTo(-9);
            assertGone(handles);
        });
    }

    @Test
    void whatTheChildLeavesWhenItsStdinClosesIsEnded() throws Exception {
        Asyncio.run(() -> {
            Command leaves = Command.shell("sleep 1000 & echo $$; echo $!; read line")
                    .stdin(PIPE)
                    .stdout(PIPE)
                    .exitGrace(Duration.ofSeconds(20));
            Subprocess child = await(Subprocess.start(leaves));
            ProcessHandle[] handles = twoPids(child);
            await(child.closeAndWait());
            assertGone(handles);
        });
    }

    @Test
    void aCancelledCloseGoesOn() throws Exception {
        Asyncio.run(() -> {
            Subprocess child = await(Subprocess.start(SLEEP));
            Task<Integer> closing = createTask(child.closeAndWait());
            await(sleep(Duration.ZERO));
            closing.cancel();
            assertThat(await(child.waitFor())).isEqualTo(-15);
        });
    }

    @Test
    void killAndCloseAndExitAtOnce() throws Exception {
        Asyncio.run(() -> {
            for (int i = 0; i < 20; i++) {
                Subprocess child = await(Subprocess.start(
                        Command.of("sleep", "0.00" + i % 10).stdin(PIPE).stdout(PIPE)));
                Task<Integer> closing = createTask(child.closeAndWait());
                Task<Integer> killing = createTask(child.killTree());
                try {
                    child.kill();
                } catch (ProcessLookupException e) {
                    assertThat(child.handle().isAlive()).isFalse();
                }
                int code = await(child.waitFor());
                assertThat(code).isIn(0, -9, -15);
                assertThat(await(closing)).isEqualTo(code);
                assertThat(await(killing)).isEqualTo(code);
            }
        });
    }

    // ---- sessions

    @Test
    void aSessionIsEndedWithThoseWhoseParentsAreGone() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/setsid")) || Files.isExecutable(Path.of("/bin/setsid")));
        Asyncio.run(() -> {
            Command orphans = Command.shell("(sleep 1000 & echo $!); echo $$; read line")
                    .stdin(PIPE)
                    .stdout(PIPE)
                    .newSession();
            Subprocess child = await(Subprocess.start(orphans));
            ProcessHandle[] handles = twoPids(child);
            assertThat(handles[1].pid()).isEqualTo(child.pid());
            assertThat(await(child.descendants())).contains(handles[0]);
            child.stdin().write("\n");
            assertThat(await(child.waitFor())).isZero();
            assertThat(handles[0].isAlive()).isTrue();
            assertThat(await(child.closeAndWait())).isZero();
            assertGone(handles);

            Subprocess group = await(Subprocess.start(orphans));
            ProcessHandle[] members = twoPids(group);
            await(group.sendSignalToGroup("USR2"));
            assertThat(await(group.waitFor())).isEqualTo(-12);
            await(group.closeAndWait());
            assertGone(members);
        });
    }

    // ---- time limits

    @Test
    void aRunThatTakesTooLongIsKilledWithItsDescendants() throws Exception {
        Asyncio.run(() -> {
            Path pids = Files.createTempFile("pids", "");
            Command slow = Command.shell("sleep 1000 & echo $! > " + pids + "; sleep 1000")
                    .timeout(Duration.ofMillis(300));
            assertThatThrownBy(() -> await(Subprocess.run(slow)))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessageContaining("sleep 1000")
                    .hasMessageContaining("PT0.3S");
            assertThat(ProcessHandle.current().children()).isEmpty();
            String pid = Files.readString(pids).trim();
            Files.delete(pids);
            ProcessHandle.of(Long.parseLong(pid)).ifPresent(LifetimeTest::assertGone);
        });
    }

    @Test
    void waitForWithALimitOnAScope() throws Exception {
        Asyncio.run(() -> {
            assertThatThrownBy(() -> await(waitFor(Subprocess.use(SLEEP, Subprocess::waitFor), Duration.ofMillis(30))))
                    .isInstanceOf(TimeoutException.class);
            assertThat(ProcessHandle.current().children()).isEmpty();
        });
    }

    @Test
    void unreadOutputThatNobodyHoldsIsClosedWhenTheChildHasEnded() {
        for (int i = 0; i < 10; i++) {
            Command unread =
                    Command.shell("head -c 60000 /dev/zero").stdout(PIPE).limit(10);
            assertThat(Subprocess.start(unread).flatMap(Subprocess::waitFor).block())
                    .isZero();
        }
        descriptors.assertGoneUnless(System::gc);
    }

    // ---- the ends of loops and JVMs

    @Test
    void aLoopThatIsClosedKillsItsChildren() throws Exception {
        ProcessHandle[] handles = Asyncio.run(() -> twoPids(await(Subprocess.start(STUBBORN))));
        assertGone(handles);
    }

    @Test
    void aStartOnALoopThatIsClosedMeanwhile() throws Exception {
        for (int i = 0; i < 10; i++) {
            EventLoop loop = EventLoop.newEventLoop();
            loop.callSoon(() -> Subprocess.start(SLEEP).subscribe(child -> {}, error -> {}));
            loop.callLater(Duration.ofNanos(i * 400_000L), loop::stop);
            loop.runForever();
            loop.close();
        }
    }

    /** The program of the JVM below. */
    static final class Program {
        public static void main(String[] arguments) throws Exception {
            Asyncio.run(() -> {
                boolean closes = arguments[0].equals("close");
                Subprocess child = await(Subprocess.start(closes ? HALF_STUBBORN : STUBBORN));
                for (ProcessHandle handle : twoPids(child)) {
                    System.out.println(handle.pid());
                }
                if (closes) {
                    System.in.read();
                    child.close();
                    await(child.waitFor()); // the processes it has started keep running
                    Runtime.getRuntime().exit(3);
                }
                if (arguments[0].equals("exit")) {
                    System.in.read(); // until the test has seen the children
                    Runtime.getRuntime().exit(3);
                }
                await(child.waitFor());
            });
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"exit", "close", "TERM", "INT"})
    void aJvmThatEndsKillsItsChildren(String how) throws Exception {
        assumeFalse(
                how.equals("INT") && ChildJvm.startedIgnoringInterrupts(),
                "this process was started in the background");
        Asyncio.run(() -> {
            Command jvm = Programs.java(Program.class, how).stdin(PIPE).stdout(PIPE);
            ProcessHandle[] handles = await(Subprocess.useBody(jvm, program -> {
                ProcessHandle[] pids = twoPids(program);
                if (how.equals("exit") || how.equals("close")) {
                    program.stdin().write("\n");
                } else {
                    await(program.sendSignal(how));
                }
                assertThat(await(program.waitFor())).isNotZero();
                return pids;
            }));
            assertGone(handles);
        });
    }
}
