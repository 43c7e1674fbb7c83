package asyncio.testkit;

import asyncio.EventLoop;
import asyncio.subprocess.Command;
import asyncio.subprocess.LaunchedChild;
import asyncio.subprocess.Launcher;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Child processes replaced by scripts of the test: the code under test starts them with {@code Subprocess.start} and
 * cannot tell them from real ones. They need no process, thread or real time: a script is a body on the loop, and its
 * pipes are in memory.
 *
 * <pre>{@code
 * FakeProcesses fakes = new FakeProcesses().program("sort", process -> {
 *     List<String> lines = await(process.stdin().lines(UTF_8).sort().collectList());
 *     lines.forEach(line -> process.stdout().write(line + "\n"));
 *     return 0;
 * });
 * Launcher.CURRENT.set(fakes);
 * Output sorted = await(Subprocess.run(Command.of("sort"), "b\na\n".getBytes(UTF_8)));
 * }</pre>
 */
public final class FakeProcesses implements Launcher {
    /** The program of a child. */
    @FunctionalInterface
    public interface Program {
        /**
         * Runs in a separate task. Its standard streams are closed when it returns.
         *
         * @return the exit code
         * @throws Exception is reported to the loop's exception handler, and makes the exit code 1; but a
         *     {@link asyncio.streams.BrokenPipeException} ends the child silently with -13, like SIGPIPE
         */
        int run(FakeProcess process) throws Exception;
    }

    private final Wire pipes;
    private final Map<String, Program> programs = new HashMap<>();
    private final List<FakeProcess> started = new ArrayList<>();

    /** Creates fakes with {@link Wire#direct} pipes. */
    public FakeProcesses() {
        this(Wire.direct());
    }

    /** Creates fakes with the given kind of pipes, in both directions. */
    public FakeProcesses(Wire pipes) {
        this.pipes = Objects.requireNonNull(pipes, "pipes");
    }

    /** Sets the program of the commands with this first word. */
    public FakeProcesses program(String name, Program program) {
        programs.put(Objects.requireNonNull(name, "name"), Objects.requireNonNull(program, "program"));
        return this;
    }

    /** Returns all children started so far, in order. */
    public List<FakeProcess> started() {
        return List.copyOf(started);
    }

    @Override
    public LaunchedChild launch(Command command, EventLoop loop) throws IOException {
        String name = command.words().get(0);
        Program program = programs.get(name);
        if (program == null) {
            throw new IOException("Cannot start \"" + name + "\": No such file or directory; there are fakes for "
                    + programs.keySet() + " only");
        }
        FakeProcess process = new FakeProcess(command, started.size() + 1, program, pipes, loop);
        started.add(process);
        return process.child();
    }

    /** {@code <FakeProcesses [sort] started=[...]>}. */
    @Override
    public String toString() {
        return "<FakeProcesses " + programs.keySet() + " started=" + started + ">";
    }
}
