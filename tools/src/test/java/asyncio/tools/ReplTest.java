package asyncio.tools;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.ChildJvm;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The prompt at a terminal, scripts, and the JDK's shell. */
@Timeout(300)
class ReplTest {
    private static final String PROMPT = "asyncio> ";
    private static final String INTERRUPT = "\u0003";
    private static final String END = "\u0004";
    private static final String UP = "\u0010"; // Ctrl-P
    private static final String DROP_LINE = "\u0015";

    private static String java(String program) {
        return System.getProperty("java.home") + File.separator + "bin" + File.separator + program;
    }

    private static List<String> repl() {
        return List.of(java("java"), "--enable-native-access=ALL-UNNAMED", Main.class.getName());
    }

    private static Pty prompt(Path directory) throws Exception {
        Pty pty = new Pty(
                repl(),
                Map.of(
                        "CLASSPATH",
                        System.getProperty("java.class.path"),
                        "ASYNCIO_REPL_HISTORY",
                        directory.resolve("history").toString()));
        pty.expect(PROMPT);
        return pty;
    }

    @Test
    void aPersonAtATerminalAwaitsCompletesCancelsAndRemembers(@TempDir Path directory) throws Exception {
        Pty.assume();
        assumeTrue(!ChildJvm.startedIgnoringInterrupts(), "the tests, and their children, ignore interrupts");
        try (Pty pty = prompt(directory)) {
            pty.type("await(sleep(ofMillis(1), 20)) + 1\r");
            pty.expect("$1 ==> 21");
            pty.expect(PROMPT);

            pty.type("try { print(\"beg\" + \"un\"); await(sleep(ofHours(1))); }"
                    + " finally { await(sleep(ofMillis(1))); print(\"clean\" + \"ed\"); }\r");
            pty.expect("begun");
            pty.type(INTERRUPT);
            pty.expect("cleaned");
            pty.expect("asyncio.CancelledException: Ctrl-C");
            pty.expect(PROMPT);

            pty.type("int half(int x) {\r");
            pty.expect("...> ");
            pty.type("return x / 2; }\r");
            pty.expect("declared half");
            pty.expect(PROMPT);

            pty.type("shieldedCl\t");
            pty.expect("shieldedCleanup(");
            pty.type("\t");
            pty.expect("shieldedCleanup(Mono<? extends T> mono, Duration limit)");
            pty.expect(PROMPT); // redrawn below that
            pty.type(DROP_LINE + "dropped");
            pty.expect("dropped");
            pty.type(INTERRUPT); // it discards input that was typed and not read
            pty.expect(PROMPT);
            pty.type("ps\r");
            pty.expect("- repl is ready or running");
            pty.expect(PROMPT);
            pty.type(END);
            assertThat(pty.exit()).as(pty.toString()).isZero();
        }
        try (Pty pty = prompt(directory)) {
            pty.type(UP);
            pty.expect("ps");
            pty.type(DROP_LINE + "exit\r");
            assertThat(pty.exit()).as(pty.toString()).isZero();
        }
        assertThat(directory.resolve("history")).content().contains("await(sleep(ofMillis(1), 20)) + 1");
    }

    @Test
    void aPersonAtATerminalSeesWhatHasNotRunAndWhatGoesOn(@TempDir Path directory) throws Exception {
        Pty.assume();
        try (Pty pty = prompt(directory)) {
            pty.type("sleep(ofMillis(1), 5)\r");
            pty.expect("$1 ==> sleep(PT0.001S)");
            pty.expect("(nothing has run: await($1) runs it)");
            pty.expect(PROMPT);
            pty.type("await($1) + 1\r");
            pty.expect("$2 ==> 6");
            pty.expect(PROMPT);

            pty.type("int ticks = 0\r");
            pty.expect("ticks ==> 0");
            pty.expect(PROMPT);
            pty.type("var ticking = createTask(async(() -> { while (true) { await(sleep(ofMillis(1)));"
                    + " if (++ticks % 100 == 0) print(\"tick\" + \"ed \" + ticks); } }), \"ticking\")\r");
            pty.expect("ticking ==> <Task pending name='ticking'>");
            pty.expect(PROMPT);
            pty.expect("ticked "); // nothing is typed meanwhile
            pty.expect("ticked ");
            pty.type("ticks >= 200\r");
            pty.expect("$3 ==> true");
            pty.type("ticking.cancel()\r");
            pty.expect("$4 ==> true");
            pty.expect(PROMPT);
            pty.type(END);
            assertThat(pty.exit()).as(pty.toString()).isZero();
        }
    }

    private record Ended(int status, String out, String err) {}

    private static Ended run(Path directory, List<String> command, String input) throws Exception {
        Path in = Files.writeString(directory.resolve("in"), input);
        Path out = directory.resolve("out");
        Path err = directory.resolve("err");
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectInput(in.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
        Process process = builder.start();
        try {
            assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("it ends").isTrue();
        } finally {
            process.destroyForcibly();
        }
        return new Ended(process.exitValue(), Files.readString(out, UTF_8), Files.readString(err, UTF_8));
    }

    @Test
    void aScriptPrintsWhatItPrints(@TempDir Path directory) throws Exception {
        Ended ended = run(directory, repl(), """
            int twice(int x) throws Exception {
                await(sleep(ofMillis(1)));
                return 2 * x;
            }
            var task = createTask(async(() -> twice(4)));
            1 + 1
            for (int i = 0; i < 2; i++) {
                print(i + await(task));
            }
            """);
        assertThat(ended).isEqualTo(new Ended(0, "8\n9\n", ""));
    }

    @Test
    void itsStartIsRecordedWhereARecorderRuns(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("repl.jfr");
        List<String> command = new ArrayList<>(repl());
        command.add(1, "-Xlog:jfr*=off");
        command.add(1, "-XX:StartFlightRecording:filename=" + file);
        Ended ended = run(directory, command, "await(sleep(ofMillis(1)));\n");
        assertThat(ended.status()).as(ended.toString()).isZero();
        assertThat(RecordingFile.readAllEvents(file))
                .filteredOn(event -> event.getEventType().getName().equals("asyncio.ReplStart"))
                .singleElement()
                .satisfies(event -> assertThat(event.getString("kind")).isEqualTo("script"));
    }

    @Test
    void theFirstFailureEndsAScript(@TempDir Path directory) throws Exception {
        Ended ended = run(
                directory, repl(), "print(1);\nawait(async(() -> { throw new IOException(\"no\"); }));\nprint(2);\n");
        assertThat(ended.status()).isEqualTo(1);
        assertThat(ended.out()).isEqualTo("1\n");
        assertThat(ended.err()).startsWith("java.io.IOException: no");

        assertThat(run(directory, repl(), "System.exit(3);").status()).isEqualTo(3);
        Ended incomplete = run(directory, repl(), "void f() {");
        assertThat(incomplete.status()).isEqualTo(1);
        assertThat(incomplete.err()).startsWith("error: ");
    }

    @Test
    void theShellOfTheJdkAwaitsWithTheStartupFile(@TempDir Path directory) throws Exception {
        assumeTrue(Files.isExecutable(Path.of(java("jshell"))), "this JDK has no jshell");
        List<String> command = new ArrayList<>(List.of(
                java("jshell"),
                "-s",
                "--class-path",
                Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                        .filter(entry -> Files.exists(Path.of(entry)))
                        .collect(Collectors.joining(File.pathSeparator)),
                "--startup",
                Path.of("../docs/asyncio.jsh").toString()));
        Ended ended = run(directory, command, """
            System.out.println(await(async(() -> await(sleep(ofMillis(1), 20)) + 1)));
            try { await(async(() -> { throw new java.io.IOException("no"); })); } catch (java.io.IOException e) { System.out.println(e); }
            /exit
            """);
        assertThat(ended.out().lines().map(String::strip).filter(line -> !line.isEmpty()))
                .as(ended.err())
                .anyMatch(line -> line.endsWith("21")) // after a prompt, on some JDKs
                .anyMatch(line -> line.endsWith("java.io.IOException: no"));
        assertThat(ended.status()).isZero();
    }
}
