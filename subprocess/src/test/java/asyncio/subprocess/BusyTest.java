package asyncio.subprocess;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static asyncio.subprocess.Stdio.PIPE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.EventLoop;
import asyncio.streams.LeakCheck;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.Disposable;

/** A child is not affected by blocked threads of others, nor by leftovers of earlier children. */
@ExtendWith(LeakCheck.class)
class BusyTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    @Test
    void exitsAreHeardOfWhileTheCommonPoolIsBusy() throws Throwable {
        whileTheCommonPoolIsBusy(() -> assertThat(
                        Subprocess.run(Command.of("echo", "text")).block(LIMIT).out())
                .isEqualTo("text\n"));
    }

    /** The JDK knows of an exit before the exit is told: closing must not be over between the two. */
    @Test
    void closedChildrenHaveBeenCounted() throws Throwable {
        EventLoop loop = EventLoop.newEventLoop();
        try {
            whileTheCommonPoolIsBusy(() -> loop.runUntilComplete(async(() -> {
                Subprocess cat = await(Subprocess.start(Command.of("cat").stdin(PIPE)));
                await(cat.closeAndWait());
                assertThat(loop.statistics().children()).isZero();

                Subprocess exited = await(Subprocess.start(Command.of("true")));
                while (exited.returnCode().isEmpty()) {
                    await(sleep(Duration.ofMillis(1)));
                }
                await(exited.closeAndWait());
                assertThat(loop.statistics().children()).isZero();
            })));
        } finally {
            loop.close();
        }
    }

    private static void whileTheCommonPoolIsBusy(ThrowingCallable action) throws Throwable {
        CountDownLatch done = new CountDownLatch(1);
        for (int i = 0; i <= ForkJoinPool.getCommonPoolParallelism(); i++) {
            ForkJoinPool.commonPool().execute(() -> {
                try {
                    done.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
        }
        try {
            action.call();
        } finally {
            done.countDown();
        }
    }

    @Test
    void theExitsOfAllChildrenNeedOneThread() {
        List<Subprocess> cats = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            cats.add(Subprocess.start(Command.of("cat").stdin(PIPE)).block(LIMIT));
        }
        long threads = Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("asyncio-exits-"))
                .count();
        cats.forEach(cat -> cat.closeAndWait().block(LIMIT));
        assertThat(threads).isEqualTo(1);
    }

    @Test
    void startsThatWaitForTheOtherEndOfAFifoHoldUpNoOthers(@TempDir Path directory) throws Exception {
        Path fifo = directory.resolve("fifo");
        assumeTrue(Subprocess.run(Command.of("mkfifo", fifo.toString())).block().returnCode() == 0);
        List<Disposable> starts = new ArrayList<>();
        for (int i = 0; i < 2 * Workers.STARTERS.getMaximumPoolSize(); i++) {
            starts.add(Subprocess.run(Command.of("cat").stdin(Stdio.from(fifo))).subscribe());
        }
        try {
            assertThat(Subprocess.run(Command.of("echo", "text")).block(LIMIT).out())
                    .isEqualTo("text\n");
        } finally {
            starts.forEach(Disposable::dispose);
            RandomAccessFile bothEnds = new RandomAccessFile(fifo.toFile(), "rw");
            while (Workers.POOL.getActiveCount() > 0) {
                Thread.onSpinWait();
            }
            bothEnds.close();
        }
    }

    /** The program of the JVM below: it has a child with the pid of an earlier one that still has its output read. */
    static final class Program {
        private static final Path LAST_PID = Path.of("/proc/sys/kernel/ns_last_pid");

        public static void main(String[] arguments) throws Exception {
            for (int i = 0; i < 20; i++) { // threads have pids, too: all needed threads exist after this
                Subprocess.run(Command.of("true")).block(LIMIT);
            }
            Process first = new ProcessBuilder("sh", "-c", "sleep 1000 & echo $!; sleep 0.2; exit 3").start();
            ProcessHandle grandchild = ProcessHandle.of(
                            Long.parseLong(first.inputReader().readLine().trim()))
                    .orElseThrow();
            Thread reader = new Thread(() -> {
                try {
                    first.getInputStream().read();
                } catch (IOException e) {
                    // closed
                }
            });
            reader.start();
            first.waitFor();
            String outcome = "another pid";
            for (int i = 0; i < 200 && outcome.equals("another pid"); i++) {
                Files.writeString(LAST_PID, Long.toString(first.pid() - 1 - i % 6));
                try {
                    Subprocess child = Subprocess.start(
                                    Command.of("sleep", "1000").stdin(PIPE))
                            .block(LIMIT);
                    outcome = child.pid() == first.pid() ? "" + child : outcome;
                    child.killTree().block(LIMIT);
                } catch (RuntimeException e) {
                    outcome = e.getMessage();
                }
            }
            grandchild.destroyForcibly();
            System.out.println(outcome);
            System.out.println(ProcessHandle.current()
                    .children()
                    .filter(ProcessTree::isRunning)
                    .count());
        }
    }

    @Test
    void theExitOfAnEarlierChildIsNotTakenForALaterOnes() throws Exception {
        assumeTrue(Files.isWritable(Program.LAST_PID));
        String[] answer =
                Subprocess.run(Programs.java(Program.class)).block(LIMIT).out().split("\n");
        assumeTrue(!answer[0].equals("another pid"));
        assertThat(answer[0]).contains("takes it for an earlier child").contains("sleep, pid");
        assertThat(answer[1]).isEqualTo("0");
    }
}
