package asyncio.subprocess;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Starts the process of a command. Blocks: the JDK forks and waits until the child has executed the program. */
final class ProcessLauncher {
    private ProcessLauncher() {}

    /**
     * Starts a process.
     *
     * @param wiring gets the pipes; closed if this fails
     * @throws IOException if starting fails; there is no child then
     */
    static Process start(Command command, ChildPipes wiring) throws IOException {
        boolean started = false;
        try {
            ProcessBuilder builder = builder(command);
            try {
                connect(command, wiring, builder);
                Process process = builder.start();
                started = true;
                wiring.started();
                return process;
            } catch (IOException e) {
                throw StartFailure.of(command, builder.command(), builder.environment(), e);
            }
        } finally {
            if (!started) {
                wiring.close();
            }
        }
    }

    private static ProcessBuilder builder(Command command) throws IOException {
        Path cwd = command.cwd();
        if (cwd != null && !Files.isDirectory(cwd)) { // the JDK does not distinguish this from a missing program
            String reason = Files.exists(cwd) ? "it is not a directory" : "there is no such directory";
            throw StartFailure.of(command, reason, null);
        }
        List<String> words = new ArrayList<>(command.words());
        if (command.isNewSession()) {
            words.add(0, setsid(command));
        }
        ProcessBuilder builder = new ProcessBuilder(words);
        if (cwd != null) {
            builder.directory(cwd.toFile());
        }
        try {
            command.applyTo(builder.environment());
        } catch (IllegalArgumentException e) {
            throw StartFailure.of(command, "its environment is not valid: " + e.getMessage(), e);
        }
        return builder;
    }

    private static void connect(Command command, ChildPipes wiring, ProcessBuilder builder) throws IOException {
        builder.redirectInput(redirect(command, 0, wiring));
        builder.redirectOutput(redirect(command, 1, wiring));
        if (command.stdio(2) == Stdio.STDOUT) {
            builder.redirectErrorStream(true);
        } else {
            builder.redirectError(redirect(command, 2, wiring));
        }
    }

    private static Redirect redirect(Command command, int number, ChildPipes wiring) throws IOException {
        Stdio stdio = command.stdio(number);
        return stdio == Stdio.PIPE ? wiring.connect(number) : stdio.redirect(number == 0);
    }

    // ---- sessions

    /**
     * Returns the prefix of the command: {@code setsid} creates a session and then executes the program, with the same
     * pid. It would report a missing program as an exit code, so the program is looked up here.
     */
    private static String setsid(Command command) throws IOException {
        Path setsid = StartFailure.inPath("setsid", true);
        if (setsid == null) {
            throw new UnsupportedOperationException(
                    "Cannot start \"" + command.words().get(0)
                            + "\" in a new session: there is no program setsid in the PATH (it is part of util-linux"
                            + " and BusyBox; macOS has none). Do not use newSession()");
        }
        String problem = StartFailure.problem(command);
        if (problem != null) {
            throw StartFailure.of(command, problem, null);
        }
        return setsid.toString();
    }
}
