package asyncio.subprocess;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;

/** A failed start explains the reason, once, with the details that the operating system omits. */
class StartFailureTest {
    private static Output run(Command command) {
        return Subprocess.run(command).block();
    }

    /** Returns the message, without the one of {@code block()}. */
    private static String failureOf(Command command) {
        return String.valueOf(Subprocess.run(command)
                .map(Output::toString)
                .onErrorResume(IOException.class, error -> Mono.just(String.valueOf(error.getMessage())))
                .block());
    }

    private static Path script(Path directory, String text) throws IOException {
        Path script = Files.writeString(directory.resolve("script"), text);
        assertThat(script.toFile().setExecutable(true)).isTrue();
        return script;
    }

    @Test
    void missingFilesAndRightsAreTold(@TempDir Path directory) throws Exception {
        Path script = Files.writeString(directory.resolve("script"), "echo no\n");
        assertThatThrownBy(() -> run(Command.of("no-such-program").cwd(directory)))
                .hasRootCauseInstanceOf(IOException.class)
                .hasMessageEndingWith("Cannot start \"no-such-program\" in " + directory
                        + ": No such file or directory: there is no program of that name in the PATH ("
                        + System.getenv("PATH") + ")");
        assertThatThrownBy(() -> run(Command.of(script.toString()))).hasMessageContaining("ermission denied");
        assertThatThrownBy(() -> run(Command.of("cat").cwd(directory.resolve("none"))))
                .hasMessageContaining("Cannot start \"cat\" in " + directory.resolve("none"))
                .hasMessageContaining("no such directory");
        assertThatThrownBy(() -> run(Command.of("cat").cwd(script))).hasMessageContaining("is not a directory");
        assertThatThrownBy(() -> run(Command.of("cat").stdin(Stdio.from(directory.resolve("none")))))
                .hasMessageContaining("Cannot start \"cat\"")
                .hasMessageContaining(directory.resolve("none").toString());
        assertThatThrownBy(() -> run(Command.of("cat").env("A=B", "C"))).hasMessageContaining("environment");
    }

    @Test
    void aSessionTellsOfMissingProgramsToo(@TempDir Path directory) throws Exception {
        assumeTrue(run(Command.shell("command -v setsid")).returnCode() == 0);
        Path script = Files.writeString(directory.resolve("script"), "echo no\n");
        assertThatThrownBy(() -> run(Command.of("no-such-program").newSession()))
                .hasMessageContaining("No such file");
        assertThatThrownBy(() -> run(Command.of(script.toString()).newSession()))
                .hasMessageContaining("ermission denied");
        assertThat(run(Command.shell("echo $$; ps -o sid= -p $$ 2> /dev/null || cut -d' ' -f6 /proc/$$/stat")
                                .newSession())
                        .out()
                        .split("\\s+"))
                .satisfies(pids -> assertThat(pids[1]).isEqualTo(pids[0]));
    }

    @Test
    void aMissingDirectoryIsToldOnce() {
        assertThat(failureOf(Command.of("true").cwd(Path.of("/no/such/dir"))))
                .isEqualTo("Cannot start \"true\" in /no/such/dir: there is no such directory");
    }

    @Test
    void aNameWithASlashIsNotLookedForInThePath(@TempDir Path directory) {
        assertThat(failureOf(Command.of("/no/such/program")))
                .isEqualTo("Cannot start \"/no/such/program\": No such file or directory");
        assertThat(failureOf(Command.of("bin/program").cwd(directory)))
                .isEqualTo("Cannot start \"bin/program\" in " + directory + ": No such file or directory: "
                        + directory.resolve("bin/program"));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aMissingInterpreterIsNamed(boolean newSession, @TempDir Path directory) throws Exception {
        assumeTrue(!newSession || run(Command.shell("command -v setsid")).returnCode() == 0);
        Path script = script(directory, "#! /no/such/python -u\nprint()\n");
        Command command = Command.of(script.toString());
        assertThat(failureOf(newSession ? command.newSession() : command))
                .isEqualTo("Cannot start \"" + script
                        + "\": No such file or directory: /no/such/python, which the first line of " + script
                        + " names as its interpreter");
        script(directory, "#!/bin/sh\r\necho no\r\n");
        assertThat(failureOf(newSession ? command.newSession() : command))
                .contains("/bin/sh\\r, which the first line of " + script)
                .endsWith("(it ends with CR LF instead of LF)");
    }

    @Test
    void whatIsNotExecutableIsNamed(@TempDir Path directory) throws Exception {
        Path interpreter = Files.writeString(directory.resolve("interpreter"), "text");
        Path script = script(directory, "#!" + interpreter + "\n");
        assertThat(failureOf(Command.of(script.toString())))
                .contains("Permission denied: " + interpreter + ", which the first line of " + script)
                .endsWith("is not executable");
        assertThat(failureOf(Command.of(interpreter.toString())))
                .contains("Permission denied: " + interpreter + " is not executable (chmod +x makes it so)");
        assertThat(failureOf(Command.of(directory.toString()))).endsWith(directory + " is a directory");
    }

    @Test
    void tooLongAnArgumentListIsToldWithItsSizeAndTheLimit() {
        assumeTrue(Files.exists(Path.of("/proc/self/limits")));
        assertThat(failureOf(Command.of("echo", "x".repeat(4_000_000))))
                .contains("Argument list too long: one of its arguments has 4000000 bytes")
                .contains("131071")
                .hasSizeLessThan(1000);
        String[] many = new String[100_000];
        Arrays.fill(many, "x".repeat(100));
        assertThat(failureOf(Command.of("echo", many)))
                .contains("Argument list too long: 100001 arguments take 10900013 bytes")
                .contains("ulimit -s");
        assertThat(failureOf(Command.of("echo").env("LARGE", "x".repeat(4_000_000))))
                .contains("LARGE in its environment has 4000006 bytes");
    }
}
