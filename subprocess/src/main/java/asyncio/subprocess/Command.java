package asyncio.subprocess;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A program to run and its settings. Immutable: each setter returns a changed copy.
 *
 * <pre>{@code
 * Command sort = Command.of("sort", "-u").stdin(Stdio.PIPE).stdout(Stdio.PIPE).env("LC_ALL", "C");
 * Output sorted = await(Subprocess.run(sort, input));
 * }</pre>
 *
 * <p>asyncio: the arguments of {@code create_subprocess_exec} and {@code create_subprocess_shell}.
 */
public final class Command {
    private static final int DEFAULT_LIMIT = 65_536;
    /** A century. Much longer times overflow a number of nanoseconds. */
    private static final Duration FOR_EVER = Duration.ofDays(36_525);

    /** Never changed after construction. */
    private final Settings settings;

    private static final class Settings implements Cloneable {
        final List<String> words;

        @Nullable Stdio[] stdio = new Stdio[3];

        @Nullable Path cwd;
        /** The changes to this process's environment, null for removed; or the whole environment. */
        Map<String, @Nullable String> env = new HashMap<>();

        boolean inheritsEnv = true;
        int limit = DEFAULT_LIMIT;
        boolean newSession;
        boolean checked;
        Duration exitGrace = Duration.ofSeconds(2);
        Duration terminateGrace = Duration.ofSeconds(2);

        @Nullable Duration timeout;

        Settings(List<String> words) {
            this.words = words;
        }

        @Override
        public Settings clone() {
            try {
                Settings copy = (Settings) super.clone();
                copy.stdio = stdio.clone();
                copy.env = new HashMap<>(env);
                return copy;
            } catch (CloneNotSupportedException e) {
                throw new AssertionError(e);
            }
        }
    }

    private Command(Settings settings) {
        this.settings = settings;
    }

    private Command with(Consumer<Settings> change) {
        Settings copy = settings.clone();
        change.accept(copy);
        return new Command(copy);
    }

    // ---- the program

    /**
     * A program and its arguments, which are passed unchanged. A name without a slash is looked up in the {@code PATH}
     * of this process; one with a slash is relative to {@link #cwd}.
     *
     * @throws IllegalArgumentException if the program is empty, or a word contains a NUL
     */
    public static Command of(String program, String... arguments) {
        List<String> words = new ArrayList<>(arguments.length + 1);
        words.add(program);
        words.addAll(Arrays.asList(arguments));
        return of(words);
    }

    /** Like {@link #of(String, String...)}, with program and arguments in one list. */
    public static Command of(List<String> words) {
        List<String> all = List.copyOf(words);
        if (all.isEmpty() || all.get(0).isEmpty()) {
            throw new IllegalArgumentException("A command must begin with the name of a program: " + all);
        }
        for (String word : all) {
            if (word.indexOf('\0') >= 0) {
                throw new IllegalArgumentException("No word of a command can contain a NUL: " + all);
            }
        }
        return new Command(new Settings(all));
    }

    /**
     * A line for {@code /bin/sh} ({@code cmd.exe} on Windows). Quote external input, or better, pass it in the
     * {@link #env environment} or use {@link #of}.
     */
    public static Command shell(String line) {
        return System.getProperty("os.name").startsWith("Windows")
                ? of("cmd.exe", "/c", line)
                : of("/bin/sh", "-c", line);
    }

    // ---- settings

    /** Sets the source of its input; {@link Stdio#INHERIT} by default. */
    public Command stdin(Stdio stdin) {
        return stdio(0, stdin);
    }

    /** Sets the destination of its output; {@link Stdio#INHERIT} by default. */
    public Command stdout(Stdio stdout) {
        return stdio(1, stdout);
    }

    /** Sets the destination of its errors; {@link Stdio#INHERIT} by default. */
    public Command stderr(Stdio stderr) {
        return stdio(2, stderr);
    }

    private Command stdio(int number, Stdio stdio) {
        stdio.checkedFor(number);
        return with(settings -> settings.stdio[number] = stdio);
    }

    /** Sets its working directory; that of this process by default. */
    public Command cwd(Path directory) {
        Objects.requireNonNull(directory, "directory");
        return with(settings -> settings.cwd = directory);
    }

    /** Sets a variable of its environment, which is otherwise that of this process; null removes the variable. */
    public Command env(String name, @Nullable String value) {
        Objects.requireNonNull(name, "name");
        return with(settings -> settings.env.put(name, value));
    }

    /** Sets its whole environment, replacing that of this process. asyncio: {@code env}. */
    public Command env(Map<String, String> all) {
        return with(settings -> {
            settings.env = new HashMap<>(all);
            settings.inheritsEnv = false;
        });
    }

    /**
     * Sets the longest line that a reader returns, in bytes; up to twice that is buffered before the child has to wait.
     * 64 KiB by default.
     *
     * @throws IllegalArgumentException unless it is positive
     */
    public Command limit(int limit) {
        if (limit <= 0) {
            throw new IllegalArgumentException(
                    "The limit of a reader must be positive, not " + limit + ": it is the longest line in bytes");
        }
        return with(settings -> settings.limit = limit);
    }

    /**
     * Starts it as the leader of a new session and process group: Ctrl-C in the terminal does not reach it,
     * {@link Subprocess#sendSignalToGroup} reaches all processes that it starts, and {@link Subprocess#close} also ends
     * descendants of parents that are gone. It needs the program {@code setsid} of util-linux or BusyBox, which macOS
     * does not have: starting fails there with {@link UnsupportedOperationException}.
     *
     * <p>asyncio: {@code start_new_session}.
     */
    public Command newSession() {
        return with(settings -> settings.newSession = true);
    }

    /**
     * Sets how long {@link Subprocess#close} waits, after it has closed stdin, for the child to exit by itself before
     * it sends SIGTERM. Two seconds by default; zero to skip waiting. Measured in real time. Without a pipe to stdin it
     * does not wait.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public Command exitGrace(Duration grace) {
        return with(settings -> settings.exitGrace = checkedGrace("exitGrace", grace));
    }

    /**
     * Sets how long {@link Subprocess#close} waits between SIGTERM and SIGKILL. Two seconds by default; zero to kill at
     * once. Measured in real time.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public Command terminateGrace(Duration grace) {
        return with(settings -> settings.terminateGrace = checkedGrace("terminateGrace", grace));
    }

    private static Duration checkedGrace(String name, Duration grace) {
        if (grace.isNegative()) {
            throw new IllegalArgumentException(name + " must not be negative, got " + grace);
        }
        return atMostForEver(grace);
    }

    private static Duration atMostForEver(Duration duration) {
        return duration.compareTo(FOR_EVER) > 0 ? FOR_EVER : duration;
    }

    /**
     * Sets how long {@link Subprocess#run} lets the child run before it kills it and all its descendants and fails with
     * {@link TimeoutExpiredException}; null, the default, for no limit. If the child itself has exited by then and only
     * other processes hold its output open, {@code run} stops waiting for them and returns the return code and the
     * output so far.
     *
     * @throws IllegalArgumentException unless it is null or positive
     */
    public Command timeout(@Nullable Duration timeout) {
        if (timeout != null && (timeout.isZero() || timeout.isNegative())) {
            throw new IllegalArgumentException("timeout must be positive, not " + timeout);
        }
        return with(settings -> settings.timeout = timeout == null ? null : atMostForEver(timeout));
    }

    /**
     * Sets whether {@link Subprocess#run} fails with {@link CalledProcessException} if the child exits with a code
     * other than 0 or is killed by a signal. False by default. Other methods, such as {@link Subprocess#communicate()},
     * leave that check to {@link Output#check}.
     *
     * <pre>{@code
     * String head = await(Subprocess.run(Command.of("git", "rev-parse", "HEAD").check(true))).out();
     * }</pre>
     *
     * <p>Python: {@code subprocess.run(..., check=True)}.
     *
     * @since 0.1
     */
    public Command check(boolean check) {
        return with(settings -> settings.checked = check);
    }

    // ---- for launchers

    /** The program and its arguments. */
    public List<String> words() {
        return settings.words;
    }

    /** The setting for stdin (0), stdout (1) or stderr (2). */
    public Stdio stdio(int number) {
        Stdio stdio = settings.stdio[number];
        return stdio == null ? Stdio.INHERIT : stdio;
    }

    /** Returns a copy with these settings for the streams that are not set. */
    Command orElse(Stdio stdin, Stdio output) {
        UnaryOperator<Command> in = command -> settings.stdio[0] == null ? command.stdin(stdin) : command;
        UnaryOperator<Command> out = command -> settings.stdio[1] == null ? command.stdout(output) : command;
        UnaryOperator<Command> err = command -> settings.stdio[2] == null ? command.stderr(output) : command;
        return err.apply(out.apply(in.apply(this)));
    }

    /** Returns whether starting it opens a file, which blocks if that is a FIFO with no process at its other end. */
    boolean opensFiles() {
        return Stream.of(settings.stdio).anyMatch(stdio -> stdio != null && stdio.isFile());
    }

    @Nullable Path cwd() {
        return settings.cwd;
    }

    /** Changes the environment of this process to that of the child. */
    void applyTo(Map<String, String> environment) {
        if (!settings.inheritsEnv) {
            environment.clear();
        }
        settings.env.forEach((name, value) -> {
            if (value == null) {
                environment.remove(name);
            } else {
                environment.put(name, value);
            }
        });
    }

    /** The limit of the readers of its output, in bytes. */
    public int limit() {
        return settings.limit;
    }

    boolean isChecked() {
        return settings.checked;
    }

    boolean isNewSession() {
        return settings.newSession;
    }

    /** Returns how long {@link Subprocess#close} waits for its exit before it sends SIGTERM. */
    public Duration exitGrace() {
        return settings.exitGrace;
    }

    /** Returns how long {@link Subprocess#close} waits after SIGTERM before it sends SIGKILL. */
    public Duration terminateGrace() {
        return settings.terminateGrace;
    }

    @Nullable Duration timeout() {
        return settings.timeout;
    }

    /** The command as a line for a POSIX shell: {@code grep -r 'two words' .}. */
    @Override
    public String toString() {
        return ShellQuoting.quote(settings.words);
    }
}
