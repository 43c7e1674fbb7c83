package asyncio.tools;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.ChildJvm;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** ps and pstree, run on unprepared JVMs. */
@Timeout(300)
class ProcessToolsTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    /** Returns the exit status. */
    private int run(Object... args) {
        out.reset();
        err.reset();
        return new CommandLine(new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8))
                .run(Arrays.stream(args).map(String::valueOf).toArray(String[]::new));
    }

    private List<String> out() {
        return out.toString(UTF_8).lines().toList();
    }

    private String err() {
        return err.toString(UTF_8);
    }

    private static ChildJvm start(Class<?> program, String... options) throws Exception {
        ChildJvm child = ChildJvm.of(program).options(options).start();
        child.expectLine("ready");
        return child;
    }

    @Test
    @DisplayName("GRA-16 ps has a row for each task and each that waits for it")
    void psHasARowForEachTaskAndEachThatWaitsForIt() throws Exception {
        try (ChildJvm child = start(Programs.Shop.class)) {
            assertThat(run("ps", child.pid())).as(err()).isZero();
            List<String> lines = out();
            assertThat(lines).hasSize(6);
            assertThat(lines.get(0).split("  +"))
                    .containsExactly(
                            "loop",
                            "task id",
                            "task name",
                            "state",
                            "stack",
                            "awaiter chain",
                            "awaiter name",
                            "awaiter id");
            assertThat(lines.get(1)).matches("[- ]+");
            assertThat(lines)
                    .anySatisfy(line -> assertThat(line)
                            .matches("asyncio-1  0x[0-9a-f]+ +fetch +waiting +"
                                    + "Programs\\.leaf\\(Programs\\.java:\\d+\\) <- Programs\\.middle\\(.*\\) <- .* +"
                                    + "gather\\(\\.\\.\\.\\) +both, \"quoted\" +0x[0-9a-f]+"))
                    .anySatisfy(line -> assertThat(line).matches("asyncio-1 .*both, \"quoted\" .* child +0x[0-9a-f]+"))
                    .anySatisfy(line -> assertThat(line).matches("asyncio-1 .* child .* Task-1 +0x[0-9a-f]+"))
                    .anySatisfy(line -> assertThat(line).matches("asyncio-1 .* Task-1 .* 0x0"));

            assertThat(run("ps", child.pid(), "--format", "csv", "--stacks", "0"))
                    .isZero();
            assertThat(out().get(0))
                    .isEqualTo("loop,task id,task name,state,stack,awaiter chain,awaiter name,awaiter id");
            assertThat(out())
                    .anySatisfy(
                            line -> assertThat(line).matches("asyncio-1,0x.+,fetch,.*,\"both, \"\"quoted\"\"\",0x.+"))
                    .noneMatch(line -> line.contains("Programs.java"));

            assertThat(run("ps", "--format", "json", child.pid())).isZero();
            assertThat(out()).startsWith("[").endsWith("]");
            assertThat(out().get(1)).startsWith("  {\"loop\": \"asyncio-1\", \"task_id\": \"0x");
            assertThat(out.toString(UTF_8)).contains("\"awaiter_name\": \"both, \\\"quoted\\\"\"");

            assertThat(child.lines())
                    .as("nothing is said in the process, and nothing stays behind")
                    .containsExactly("ready");
        }
    }

    @Test
    @DisplayName("GRA-14 pstree has a task below the lines of the one that waits for it")
    void pstreeHasATaskBelowTheLinesOfTheOneThatWaitsForIt() throws Exception {
        try (ChildJvm child = start(Programs.Shop.class)) {
            assertThat(run("pstree", child.pid())).as(err()).isZero();
            String line = " Programs\\S*\\(Programs\\.java:\\d+\\)";
            assertThat(out().stream().map(String::stripTrailing).toList())
                    .satisfiesExactly(
                            text -> assertThat(text).isEqualTo("└── (T) Task-1"),
                            text -> assertThat(text).matches("    └── " + line),
                            text -> assertThat(text).isEqualTo("        └── (T) child"),
                            text -> assertThat(text).matches("            └── " + line),
                            text -> assertThat(text)
                                    .matches("                └── \\(T\\) both, \"quoted\": gather\\(...\\)"),
                            text -> assertThat(text).isEqualTo("                    └── (T) fetch"),
                            text -> assertThat(text).matches("                        └── " + line),
                            text -> assertThat(text).matches("                            └── +Programs\\.middle.*"),
                            text -> assertThat(text).matches("                                └── +Programs\\.leaf.*"));
        }
    }

    @Test
    @DisplayName("GRA-15 circles are printed, marked and named, with exit status 1; ps does not mind")
    void circlesAreNamed() throws Exception {
        try (ChildJvm child = start(Programs.Deadlock.class)) {
            assertThat(run("pstree", child.pid(), "--stacks", 0)).isEqualTo(1);
            assertThat(out())
                    .contains("└── (T) outside: zero", "    └── (T) zero: one", "            └── (T) zero (circle)")
                    .last()
                    .isEqualTo("cycle: zero -> one -> zero");
            assertThat(run("ps", child.pid())).isZero();
            assertThat(out()).anyMatch(line -> line.contains(" one ")).anyMatch(line -> line.contains(" zero "));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"platform", "virtual", "carrier"})
    void aThousandBodiesCanBeLookedAt(String kind) throws Exception {
        assumeTrue(
                kind.equals("platform") || Runtime.version().feature() >= LaterJdk.VIRTUAL_BODIES, "needs a later JDK");
        List<String> options = new ArrayList<>(List.of("-Dasyncio.bodies.kind=" + kind, "-Dasyncio.bodies.max=1100"));
        if (kind.equals("carrier")) {
            options.add("--add-opens=java.base/java.lang=ALL-UNNAMED");
        }
        try (ChildJvm child = start(Programs.Crowd.class, options.toArray(String[]::new))) {
            assertShowsTheCrowd(child);
        }
    }

    private void assertShowsTheCrowd(ChildJvm child) {
        List<String> names = IntStream.range(0, Programs.Crowd.SIZE)
                .mapToObj(i -> "body " + i)
                .toList();
        assertThat(run("ps", child.pid(), "--format", "csv")).as(err()).isZero();
        assertThat(out()).hasSize(Programs.Crowd.SIZE + 2);
        assertThat(out().stream().filter(line -> line.contains("Programs.leaf(Programs.java:")))
                .extracting(line -> line.split(",")[2])
                .containsExactlyInAnyOrderElementsOf(names);

        assertThat(run("pstree", child.pid())).as(err()).isZero();
        List<String> lines = out().stream()
                .map(line -> line.replaceFirst("^[ │├└─]+", "").strip())
                .toList();
        assertThat(lines).first().isEqualTo("(T) Task-1");
        assertThat(lines)
                .filteredOn(line -> line.startsWith("(T) body "))
                .extracting(line -> line.substring("(T) ".length()))
                .containsExactlyInAnyOrderElementsOf(names);
        assertThat(lines)
                .filteredOn(line -> line.startsWith("Programs.leaf(Programs.java:"))
                .hasSize(Programs.Crowd.SIZE);
    }

    @Test
    void aProgramOnALaterJdkCanBeLookedAt() throws Exception {
        Path later = LaterJdk.find();
        assumeTrue(later != null, "no JDK 24 or later, other than this one; NEWER_JAVA_HOME names one");
        ChildJvm.Builder crowd = ChildJvm.of(Programs.Crowd.class).java(later).options("-Dasyncio.bodies.kind=virtual");
        try (ChildJvm child = crowd.start()) {
            child.expectLine("ready");
            assertShowsTheCrowd(child);
        }
    }

    @Test
    void theListHasTheProcessesThatHaveLoops() throws Exception {
        try (ChildJvm shop = start(Programs.Shop.class);
                ChildJvm plain = start(Programs.Plain.class)) {
            assertThat(run("ps")).isZero();
            assertThat(out().get(0)).matches("pid +program");
            assertThat(out())
                    .anyMatch(line -> line.matches(shop.pid() + " +asyncio\\.tools\\.Programs\\$Shop"))
                    .noneMatch(line -> line.startsWith(plain.pid() + " "))
                    .noneMatch(line -> line.startsWith(ProcessHandle.current().pid() + " "));
        }
    }

    @Test
    void aProcessWithoutLoopsHasNoTasks() throws Exception {
        try (ChildJvm child = start(Programs.Plain.class)) {
            assertThat(run("ps", child.pid(), "--format", "json")).as(err()).isZero();
            assertThat(out()).containsExactly("[]");
            assertThat(run("pstree", child.pid())).isZero();
            assertThat(out()).isEmpty();
        }
    }

    @Test
    @DisplayName("GRA-17 a process that has ended, or is none of Java's, is an error that says so, with exit status 1")
    void aProcessThatHasEndedIsAnError() throws Exception {
        long pid;
        try (ChildJvm child = start(Programs.Plain.class)) {
            pid = child.pid();
        }
        assertThat(run("ps", pid, "--retries", 2)).isEqualTo(1);
        assertThat(err())
                .isEqualTo("Error retrieving tasks of process " + pid + ": there is no such process"
                        + System.lineSeparator());
        assertThat(out()).isEmpty();
        Process sleep = new ProcessBuilder("sleep", "1000").start();
        try {
            assertThat(run("pstree", sleep.pid())).isEqualTo(1);
            assertThat(err())
                    .startsWith("Error retrieving tasks of process " + sleep.pid() + ": it is not a Java process");
        } finally {
            sleep.destroyForcibly().waitFor();
        }
    }

    @Test
    void aProcessThatRefusesSaysWhy() throws Exception {
        try (ChildJvm child = start(Programs.Plain.class, "-XX:+DisableAttachMechanism")) {
            assertThat(run("ps", child.pid())).isEqualTo(1);
            assertThat(err()).startsWith("Error retrieving tasks of process " + child.pid());
        }
    }

    /** The classes of the tools where every user can read them. */
    private static void copyTools(Path directory) throws IOException {
        Path source = Path.of(CommandLine.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .getPath());
        Path target = directory.resolve("asyncio/tools");
        Files.createDirectories(target);
        try (Stream<Path> classes = Files.list(source.resolve("asyncio/tools"))) {
            for (Path file :
                    classes.filter(path -> path.toString().endsWith(".class")).toList()) {
                Files.copy(file, target.resolve(file.getFileName()));
            }
        }
        try (Stream<Path> copies = Files.walk(directory)) {
            for (Path copy : copies.toList()) {
                Files.setPosixFilePermissions(copy, PosixFilePermissions.fromString("rwxr-xr-x"));
            }
        }
    }

    @Test
    @DisplayName("GRA-17 of another user's process it says whose it is, and what to do")
    void aProcessOfAnotherUserIsRefusedWithWhatToDo(@TempDir Path directory) throws Exception {
        String[] asNobody = {"setpriv", "--reuid=nobody", "--regid=65534", "--clear-groups"};
        assumeTrue("root".equals(System.getProperty("user.name")), "only root can become another user");
        assumeTrue(
                new ProcessBuilder(
                                        "sh",
                                        "-c",
                                        "setpriv --reuid=nobody --regid=65534 --clear-groups '"
                                                + System.getProperty("java.home") + "/bin/java' -version")
                                .redirectErrorStream(true)
                                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                                .start()
                                .waitFor()
                        == 0,
                "there is no setpriv, no user nobody, or it cannot read the JDK");
        copyTools(directory);
        String tools = directory.toString();
        try (ChildJvm root = start(Programs.Plain.class)) {
            try (ChildJvm nobody = ChildJvm.of(Main.class, "ps", Long.toString(root.pid()))
                    .under(asNobody)
                    .options("-cp", tools)
                    .start()) {
                nobody.expectExit(1);
                assertThat(nobody.lines())
                        .containsExactly("Error retrieving tasks of process " + root.pid()
                                + ": it belongs to root, and a JVM lets only its own user and root look at it: "
                                + "run this as root, with sudo for instance");
            }
            try (ChildJvm list = ChildJvm.of(Main.class, "ps")
                    .under(asNobody)
                    .options("-cp", tools)
                    .start()) {
                list.expectExit(0);
                assertThat(list.lines()).noneMatch(line -> line.startsWith(root.pid() + " "));
            }
        }
    }

    /** Returns the jars and directories of the class path, except for the program that creates the loader. */
    private static String fatPath() {
        return System.getProperty("java.class.path");
    }

    private static Path launcher(Path directory) throws IOException {
        Path source = Path.of(Programs.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .getPath());
        Path target = directory.resolve("asyncio/tools");
        Files.createDirectories(target);
        try (Stream<Path> classes = Files.list(source.resolve("asyncio/tools"))) {
            for (Path file : classes.filter(
                            path -> path.getFileName().toString().startsWith("Programs$Fat"))
                    .toList()) {
                Files.copy(file, target.resolve(file.getFileName()));
            }
        }
        Files.copy(source.resolve("asyncio/tools/Programs.class"), target.resolve("Programs.class"));
        return directory;
    }

    @Test
    void aProgramWithAClassLoaderOfItsOwnNeedsAnAgent(@TempDir Path directory) throws Exception {
        try (ChildJvm child =
                start(Programs.Fat.class, "-cp", launcher(directory).toString(), "-Dfat.path=" + fatPath())) {
            assertThat(run("ps", child.pid())).isEqualTo(1);
            assertThat(err()).contains("use --agent, or start it with -Dasyncio.jmx=true");
            for (int i = 0; i < 2; i++) {
                assertThat(run("ps", child.pid(), "--agent")).as(err()).isZero();
                assertThat(out()).anyMatch(line -> line.contains(" fetch "));
            }
        }
    }

    @Test
    void aProgramWithAClassLoaderOfItsOwnMayRegisterItsLoops(@TempDir Path directory) throws Exception {
        try (ChildJvm child = start(
                Programs.Fat.class,
                "-cp",
                launcher(directory).toString(),
                "-Dfat.path=" + fatPath(),
                "-Dasyncio.jmx=true")) {
            for (int i = 0; i < 2; i++) {
                assertThat(run("ps", child.pid())).as(err()).isZero();
                assertThat(out()).anyMatch(line -> line.contains(" fetch "));
            }
            assertThat(child.lines()).containsExactly("ready");
        }
    }

    @Test
    void anAgentFindsNoLibraryWhereThereIsNone(@TempDir Path directory) throws Exception {
        try (ChildJvm child = start(Programs.Plain.class)) {
            assertThat(run("ps", child.pid(), "--agent")).isEqualTo(1);
            assertThat(err()).contains("it has not loaded this library");
        }
    }

    @Test
    void argumentsThatMakeNoSenseAreExplained() {
        for (String[] args : new String[][] {
            {"top"},
            {"pstree"},
            {"ps", "--format", "xml"},
            {"ps", "--format"},
            {"ps", "1", "2"},
            {"ps", "shop"},
            {"ps", "1", "--stacks", "-1"},
            {"ps", "1", "--retries", "x"},
            {"pstree", "1", "--format", "csv"}
        }) {
            assertThat(run((Object[]) args)).as(String.join(" ", args)).isEqualTo(2);
            assertThat(err()).contains("usage:");
            assertThat(out()).isEmpty();
        }
        assertThat(run("--help")).isZero();
        assertThat(out().get(0)).startsWith("usage:");
    }
}
