package asyncio.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.ChildJvm;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The standard streams of whole programs, each in its own JVM. */
@Timeout(300)
class StandardStreamsTest {
    private static ChildJvm.Builder program(String what) {
        return ChildJvm.of(StandardPrograms.class, what);
    }

    private static void assumePython() throws Exception {
        try {
            assumeTrue(
                    new ProcessBuilder("python3", "-c", "import pty, socket")
                                    .start()
                                    .waitFor()
                            == 0,
                    "this system has no python3 with pty");
        } catch (IOException e) {
            assumeTrue(false, "this system has no python3");
        }
    }

    @Test
    void linesComeAndGoAndTheEndOfStdinEndsTheReader() throws Exception {
        try (ChildJvm child = program("echo").start()) {
            child.expectLine("ready");
            child.send("one\n");
            child.expectLine("> one");
            child.send("tw");
            child.send("o\nthree\nwithout an end");
            child.expectLine("> two");
            child.expectLine("> three");
            child.endInput();
            child.expectLine("> without an end");
            child.expectLine("at the end");
            child.expectExit(0);
        }
    }

    @Test
    void aProgramThatEndsDoesNotWaitForStdin() throws Exception {
        try (ChildJvm child = program("leave").start()) {
            child.expectLine("leaving");
            child.expectExit(0); // stdin is still open
        }
    }

    @Test
    void cancelledReadsLoseNothingAndKeepNoThread() throws Exception {
        try (ChildJvm child = program("cancel").start()) {
            child.expectLine("cancelled");
            child.expectLine("no thread");
            child.send("whole line\n");
            child.expectLine("then whole line");
            child.expectExit(0);
        }
    }

    @Test
    void theNextLoopReadsWhatTheFormerHadBuffered() throws Exception {
        try (ChildJvm child = program("twice").start()) {
            child.send("one\ntwo\nthree\nfour");
            child.endInput();
            child.expectLine("first one");
            child.expectLine("second two, three");
            child.expectLine("by System.out");
            child.expectLine("third four");
            child.expectExit(0);
        }
    }

    @Test
    void aFileIsReadToItsEnd(@TempDir Path directory) throws Exception {
        byte[] bytes = new byte[1_000_000];
        new Random(1).nextBytes(bytes);
        long sum = 0;
        for (byte b : bytes) {
            sum = sum * 31 + b;
        }
        File file = Files.write(directory.resolve("file"), bytes).toFile();
        try (ChildJvm child = program("count").input(Redirect.from(file)).start()) {
            child.expectLine("1000000 bytes, " + sum);
            child.expectExit(0);
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void nothingIsReadFromTheNullDevice() throws Exception {
        try (ChildJvm child =
                program("count").input(Redirect.from(new File("/dev/null"))).start()) {
            child.expectLine("0 bytes, 0");
            child.expectExit(0);
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void theDescriptorsStayBlocking() throws Exception {
        try (ChildJvm child = program("flags").start()) {
            child.send("line\n");
            child.expectLine("0 blocks");
            child.expectLine("1 blocks");
            child.expectLine("2 blocks");
            child.expectExit(0);
        }
    }

    @Test
    void theEndOfTheProgramWaitsForWhatWasWritten() throws Exception {
        try (ChildJvm child = program("undrained").start()) {
            child.expectLine("x".repeat(199_999));
            child.expectExit(0);
        }
    }

    @Test
    void closingStdoutEndsItForSystemOutToo() throws Exception {
        try (ChildJvm child = program("close").start()) {
            child.expectLine("last words");
            child.expectLine("the same writer: true");
            child.expectExit(0);
            assertThat(child.lines()).noneMatch(line -> line.contains("past the end"));
        }
    }

    @Test
    @EnabledOnOs({OS.LINUX, OS.MAC})
    void aReaderThatIsGoneBreaksThePipe() throws Exception {
        try (ChildJvm child =
                program("flood").under("sh", "-c", "\"$@\" | true", "sh").start()) {
            child.expectLine(
                    "BrokenPipeException: Broken pipe: stdout was closed by its reader, or the reader has ended");
            child.expectExit(0);
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aFullDiskFailsTheWriter() throws Exception {
        try (ChildJvm child = program("flood")
                .under("sh", "-c", "exec \"$@\" > /dev/full", "sh")
                .start()) {
            child.expectLine("IOException: No space left on device");
            child.expectExit(0);
        }
    }

    @Test
    void bothOutputsKeepTheirOrder() throws Exception {
        try (ChildJvm child = program("both").start()) {
            child.expectExit(0);
            for (String prefix : List.of("out ", "err ")) {
                assertThat(child.lines().stream().filter(line -> line.startsWith(prefix)))
                        .containsExactlyElementsOf(IntStream.range(0, 1000)
                                .mapToObj(i -> prefix + i)
                                .toList());
            }
        }
    }

    @Test
    void aTerminalIsReadLineByLineUntilItsEndOfFile() throws Exception {
        assumePython();
        try (ChildJvm child = program("echo")
                .under("python3", "-c", "import os, pty, sys; sys.exit(os.WEXITSTATUS(pty.spawn(sys.argv[1:])))")
                .start()) {
            child.expectLine("ready");
            child.send("hello\n");
            child.expectLine("> hello");
            child.send("\u0004");
            child.expectLine("at the end");
            child.expectExit(0);
        }
    }

    @Test
    void aSocketIsReadAndWritten() throws Exception {
        assumePython();
        String talk = "import socket, subprocess, sys\n"
                + "ours, theirs = socket.socketpair()\n"
                + "child = subprocess.Popen(sys.argv[1:], stdin=theirs, stdout=theirs)\n"
                + "theirs.close()\n"
                + "ours.sendall(b'hello\\nquit\\n')\n"
                + "for line in ours.makefile('r'): print(line.strip(), flush=True)\n"
                + "sys.exit(child.wait())\n";
        try (ChildJvm child = program("echo").under("python3", "-c", talk).start()) {
            child.expectLine("ready");
            child.expectLine("> hello");
            child.expectLine("> quit");
            child.expectExit(0);
        }
    }
}
