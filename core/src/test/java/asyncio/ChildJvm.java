package asyncio;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.internal.loop.BodyThreads;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * A program of the tests in its own JVM, with this one's class path and switches: for tests that end a JVM, or need one
 * that was started differently. Its output, including errors, is one half of a conversation by lines; the other half is
 * lines sent to its standard input, and signals.
 *
 * <pre>{@code
 * try (ChildJvm child = ChildJvm.of(InterruptedProgram.class, "twice").start()) {
 *     child.expectLine("ready");
 *     child.signal("INT");
 *     child.expectLine("interrupted");
 *     child.expectExit(130);
 * }
 * }</pre>
 *
 * <p>A child that was not seen to exit as expected is killed by {@link #close}, which prints all its output.
 */
public final class ChildJvm implements AutoCloseable {
    /** For a busy machine; nothing here takes longer than it must. */
    private static final long LIMIT_SECONDS = 120;

    /**
     * For children of a JVM that was started with SIGINT ignored, from nohup or a shell's {@code &}; not available on
     * every system.
     */
    private static final List<String> HEED_INTERRUPTS = List.of("env", "--default-signal=INT");

    private final String command;
    private final Process process;
    private final Thread pump;
    /** Guarded by this. */
    private final List<String> lines = new ArrayList<>();
    /** The lines before this one have been matched by {@link #expectLine}; guarded by this. */
    private int matched;
    /** Guarded by this. */
    private boolean endOfOutput;

    private boolean exitedAsExpected;

    private ChildJvm(List<String> command, Redirect input) throws IOException {
        this.command = String.join(" ", command);
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectInput(input);
        builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
        builder.environment().keySet().removeAll(List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS")); // a JVM prints them
        process = builder.start();
        pump = new Thread(this::pump, "child-jvm-output");
        pump.setDaemon(true);
        pump.start();
    }

    // ---- starting

    /** Returns a builder for a child that calls {@code main} with the arguments. */
    public static Builder of(Class<?> main, String... arguments) {
        return new Builder(main, arguments);
    }

    /** Builds the command that starts a child. */
    public static final class Builder {
        private final Class<?> main;
        private final List<String> arguments;
        private final List<String> options = new ArrayList<>();
        private final List<String> ignored = new ArrayList<>();
        private List<String> launcher = List.of();
        private Path java = Path.of(System.getProperty("java.home"));
        private Redirect input = Redirect.PIPE;

        private Builder(Class<?> main, String... arguments) {
            this.main = main;
            this.arguments = List.of(arguments);
            options.addAll(List.of("-Xmx256m", "--enable-native-access=ALL-UNNAMED"));
            if (BodyThreads.KIND == BodyThreads.Kind.CARRIER) {
                options.add("--add-opens=java.base/java.lang=ALL-UNNAMED");
            }
            // the kind of this JVM, which the first body would log otherwise
            options.add("-Dasyncio.bodies.kind=" + BodyThreads.KIND.name().toLowerCase(Locale.ROOT));
            System.getProperties().forEach((name, value) -> {
                if (name.toString().startsWith("asyncio.") || name.equals("reactor.logging.fallback")) {
                    options.add("-D" + name + "=" + value);
                }
            });
        }

        /** Adds options of the JVM. */
        public Builder options(String... more) {
            options.addAll(List.of(more));
            return this;
        }

        /** Starts it with a signal ignored, as {@code nohup} and the shells' {@code &} do. */
        public Builder ignoring(String signal) {
            ignored.add(signal);
            return this;
        }

        /** Puts another command before the one that starts the JVM, to run it. */
        public Builder under(String... launcher) {
            this.launcher = List.of(launcher);
            return this;
        }

        /** Runs it on another JDK, with this home. */
        public Builder java(Path home) {
            java = home;
            return this;
        }

        /** Sets its standard input, instead of the {@link ChildJvm#send sent} lines. */
        public Builder input(Redirect input) {
            this.input = input;
            return this;
        }

        /** Starts the child. */
        public ChildJvm start() throws IOException {
            List<String> command = new ArrayList<>();
            if (startedIgnoringInterrupts()) {
                command.addAll(HEED_INTERRUPTS);
            }
            if (!ignored.isEmpty()) {
                command.addAll(List.of("sh", "-c", "trap '' " + String.join(" ", ignored) + "; exec \"$@\"", "sh"));
            }
            command.addAll(launcher);
            command.add(java.resolve("bin").resolve("java").toString());
            command.addAll(options);
            command.add(main.getName());
            command.addAll(arguments);
            return new ChildJvm(command, input);
        }
    }

    /** Skips the test where signals cannot be sent, or a child would ignore an interrupt as this JVM does. */
    public static void assumeSignals() throws Exception {
        assumeTrue(kill("0", ProcessHandle.current().pid()) == 0, "this system has no kill command");
        assumeTrue(
                !startedIgnoringInterrupts() || canHeedInterrupts(),
                "the tests were started with SIGINT ignored, from nohup or a shell's &, and so would be a child");
    }

    private static boolean canHeedInterrupts() throws Exception {
        List<String> probe = new ArrayList<>(HEED_INTERRUPTS);
        probe.add("true");
        return new ProcessBuilder(probe)
                        .redirectErrorStream(true)
                        .redirectOutput(Redirect.DISCARD)
                        .start()
                        .waitFor()
                == 0;
    }

    /**
     * Returns whether this JVM ignores interrupts, like one that a shell without job control starts in the background;
     * its children do too.
     */
    public static boolean startedIgnoringInterrupts() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return false;
        }
        String ignored = Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("SigIgn:"))
                .findFirst()
                .orElseThrow();
        long interrupt = 1L << 2 - 1;
        return (Long.parseUnsignedLong(ignored.substring("SigIgn:".length()).trim(), 16) & interrupt) != 0;
    }

    // ---- talking

    /** Sends a signal: {@code INT}, {@code TERM}. */
    public void signal(String name) throws Exception {
        int exit = kill(name, process.pid());
        if (exit != 0) {
            throw new AssertionError("kill -s " + name + " exited with " + exit + "; " + this);
        }
    }

    private static int kill(String signal, long pid) throws Exception {
        // the shell's builtin: not every image has the program
        return new ProcessBuilder("sh", "-c", "kill -s " + signal + " " + pid)
                .inheritIO()
                .start()
                .waitFor();
    }

    /** Writes to its standard input. */
    public void send(String text) throws IOException {
        process.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().flush();
    }

    /** Closes its standard input. */
    public void endInput() throws IOException {
        process.getOutputStream().close();
    }

    /** Waits until the child has printed this line; earlier lines that were not waited for are skipped. */
    public synchronized void expectLine(String line) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        for (; ; ) {
            while (matched < lines.size()) {
                if (lines.get(matched++).equals(line)) {
                    return;
                }
            }
            long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
            if (endOfOutput || left <= 0) {
                throw new AssertionError("The child never said \"" + line + "\"; " + this);
            }
            wait(left);
        }
    }

    /** Waits until the child has ended and all its output is here. */
    public void expectExit(int code) throws InterruptedException {
        if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("The child goes on, instead of exiting with " + code + "; " + this);
        }
        pump.join(TimeUnit.SECONDS.toMillis(LIMIT_SECONDS));
        if (process.exitValue() != code) {
            throw new AssertionError(
                    "The child exited with " + process.exitValue() + " instead of " + code + "; " + this);
        }
        exitedAsExpected = true;
    }

    /** Returns its process id. */
    public long pid() {
        return process.pid();
    }

    /** Returns its output so far. */
    public synchronized List<String> lines() {
        return List.copyOf(lines);
    }

    private void pump() {
        try (BufferedReader reader =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line; (line = reader.readLine()) != null; ) {
                synchronized (this) {
                    lines.add(line);
                    notifyAll();
                }
            }
        } catch (IOException e) {
            synchronized (this) {
                lines.add("(reading it failed: " + e + ")"); // a killed child's stream may be closed under the reader
            }
        }
        synchronized (this) {
            endOfOutput = true;
            notifyAll();
        }
    }

    /** Kills the child if it still runs, and waits for its end. */
    @Override
    public void close() throws InterruptedException {
        process.destroyForcibly().waitFor();
        if (!exitedAsExpected) {
            System.out.println(this);
        }
    }

    /** Returns the command and all its output. */
    @Override
    public synchronized String toString() {
        return "<child " + process.pid() + (process.isAlive() ? " running" : " exited with " + process.exitValue())
                + ": " + command + ">, it said:\n" + String.join("\n", lines);
    }
}
