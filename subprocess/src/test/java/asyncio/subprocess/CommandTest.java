package asyncio.subprocess;

import static asyncio.subprocess.Stdio.PIPE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.EventLoop;
import asyncio.streams.internal.EpollPipe;
import asyncio.streams.internal.PumpPipe;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Mono;

/** The settings of a command, and their errors. */
class CommandTest {
    private static Output run(Command command) {
        return Subprocess.run(command).block();
    }

    @Test
    void argumentsArriveAsTheyAre() {
        assertThat(run(Command.of("printf", "%s|", "a b", "", "$HOME", "'\"", "ü\n"))
                        .out())
                .isEqualTo("a b||$HOME|'\"|ü\n|");
    }

    @Test
    void theEnvironmentIsAddedToOrReplaced() {
        Command env = Command.of("/usr/bin/env");
        assertThat(run(env.env("ADDED", "1").env("PATH", null)).out().lines())
                .contains("ADDED=1")
                .anyMatch(line -> line.startsWith("HOME="))
                .noneMatch(line -> line.startsWith("PATH="));
        assertThat(run(env.env(Map.of("ONLY", "1"))).out()).isEqualTo("ONLY=1\n");
        assertThat(run(env.env(Map.of("ONLY", "1")).env("MORE", "2")).out())
                .contains("ONLY=1\n", "MORE=2\n")
                .doesNotContain("HOME");
    }

    @Test
    void aCommandDoesNotChange() {
        Command cat = Command.of("cat");
        Command changed = cat.stdin(PIPE).env("A", "B").limit(7).newSession();
        assertThat(cat.stdio(0)).isEqualTo(Stdio.INHERIT);
        assertThat(cat.limit()).isEqualTo(65_536);
        assertThat(cat.isNewSession()).isFalse();
        assertThat(changed.stdio(0)).isEqualTo(PIPE);
        assertThat(changed.limit()).isEqualTo(7);
    }

    @Test
    void filesAreReadWrittenAndAppendedTo(@TempDir Path directory) throws Exception {
        Path input = Files.writeString(directory.resolve("in"), "from a file\n");
        Path output = Files.writeString(directory.resolve("out"), "old\n");
        Command cat = Command.of("cat").stdin(Stdio.from(input));
        assertThat(run(cat).out()).isEqualTo("from a file\n");
        assertThat(run(cat.stdout(Stdio.to(output))).stdout()).isNull();
        assertThat(output).hasContent("from a file\n");
        run(cat.stdout(Stdio.appendTo(output)));
        assertThat(output).hasContent("from a file\nfrom a file\n");
        run(Command.shell("echo out; echo err >&2").stdout(Stdio.to(output)).stderr(Stdio.STDOUT));
        assertThat(output).hasContent("out\nerr\n");
    }

    @Test
    void theDirectoryIsTheChilds(@TempDir Path directory) throws Exception {
        Path real = directory.toRealPath();
        assertThat(run(Command.of("pwd").cwd(real)).out()).isEqualTo(real + "\n");
    }

    @Test
    @DisplayName("SUB-37, SUB-38: what cannot be is refused")
    void nonsenseIsRefused() {
        Command cat = Command.of("cat");
        assertThatThrownBy(() -> Command.of("")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Command.of("a", "b\0c")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> cat.stdin(Stdio.STDOUT)).hasMessageContaining("stdin cannot be STDOUT");
        assertThatThrownBy(() -> cat.stdin(Stdio.to(Path.of("x")))).hasMessageContaining("to(x)");
        assertThatThrownBy(() -> cat.stdout(Stdio.from(Path.of("x")))).hasMessageContaining("from(x)");
        assertThatThrownBy(() -> cat.stdout(Stdio.STDOUT)).hasMessageContaining("stdout cannot be STDOUT");
        assertThatThrownBy(() -> cat.limit(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> cat.timeout(Duration.ZERO)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> cat.exitGrace(Duration.ofSeconds(-1))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void timesMayBeForEver() {
        Duration forEver = ChronoUnit.FOREVER.getDuration();
        Command cat =
                Command.of("cat").exitGrace(forEver).terminateGrace(forEver).timeout(forEver);
        assertThat(Subprocess.run(cat, "text".getBytes(UTF_8)).block().out()).isEqualTo("text");
        Command open = cat.stdin(PIPE);
        assertThat(Subprocess.use(open, child -> Mono.just(child)).block().returnCode())
                .hasValue(0);
        assertThat(Subprocess.useBody(open, child -> child).block().returnCode())
                .hasValue(0);
    }

    @Test
    void textTellsWhatItIs() {
        assertThat(Command.of("ls", "-l")).hasToString("ls -l");
        assertThat(Command.of("a=b", "two words", "", "it's", "$x"))
                .hasToString("'a=b' 'two words' '' 'it'\"'\"'s' '$x'");
        Subprocess child = Subprocess.start(Command.of("cat").stdin(PIPE)).block();
        assertThat(child.toString()).matches("<Subprocess cat, pid [0-9]+, running>");
        assertThat(child.stdin().toString())
                .isEqualTo("<StreamWriter pipe -> stdin of cat, pid " + child.pid() + " open>");
        child.closeAndWait().block();
        assertThat(child.toString()).matches("<Subprocess cat, pid [0-9]+, return code 0>");
    }

    /** Holds for any words. */
    @RepeatedTest(20)
    void aShellReadsTheTextOfACommandAsItsWords() {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        Random random = new Random(seed);
        String letters = "ab'\"\\$`*?[]{}()<>|&;!#~= \t\n-ü";
        List<String> words = new ArrayList<>(List.of("printf", "%s\\0"));
        for (int i = 0; i < 20; i++) {
            words.add(random.ints(random.nextInt(6), 0, letters.length())
                    .mapToObj(at -> letters.substring(at, at + 1))
                    .collect(Collectors.joining()));
        }
        Command command = Command.of(words);
        assertThat(run(Command.shell(command.toString())).stdout())
                .as("seed " + seed)
                .isEqualTo(run(command).stdout());
    }

    @Test
    void thePipesAreOfTheKindThatWasChosen() {
        boolean threads = "threads".equals(System.getProperty("asyncio.subprocess"));
        Subprocess child = Subprocess.start(Command.of("cat").stdin(PIPE)).block();
        assertThat(child.pipe(0)).isInstanceOf(threads ? PumpPipe.class : EpollPipe.class);
        child.closeAndWait().block();
    }

    @Test
    void aLoopWithoutEpollTakesThreads() throws Exception {
        EventLoop loop = EventLoop.builder().transport("nio").build();
        Output output = loop.runUntilComplete(
                Subprocess.start(Command.of("cat").stdin(PIPE).stdout(PIPE)).flatMap(child -> {
                    assertThat(child.pipe(0)).isInstanceOf(PumpPipe.class);
                    return child.communicate("text".getBytes(UTF_8));
                }));
        assertThat(output.out()).isEqualTo("text");
        loop.close();
    }
}
