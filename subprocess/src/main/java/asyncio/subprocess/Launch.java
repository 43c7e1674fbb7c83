package asyncio.subprocess;

import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Starts the process of a command. Blocks: the JDK forks, and waits until the child has become the program. */
final class Launch {
    private Launch() {}

    /**
     * @param wiring gets the pipes; closed if this fails
     * @throws IOException before there is a child
     */
    static Process start(Command command, Wiring wiring) throws IOException {
        boolean started = false;
        try {
            Process process = builder(command, wiring).start();
            started = true;
            wiring.started();
            return process;
        } catch (IOException e) {
            throw failure(command, String.valueOf(e.getMessage()).replaceFirst("(?s)^Cannot run program .*?: (error=[0-9]+, )?", ""), e);
        } finally {
            if (!started) {
                wiring.close();
            }
        }
    }

    private static ProcessBuilder builder(Command command, Wiring wiring) throws IOException {
        Path cwd = command.cwd();
        if (cwd != null && !Files.isDirectory(cwd)) { // which the JDK does not tell from a missing program
            throw failure(command, Files.exists(cwd) ? "that is no directory" : "there is no such directory", null);
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
            throw failure(command, "its environment is not valid: " + e.getMessage(), e);
        }
        builder.redirectInput(redirect(command, 0, wiring));
        builder.redirectOutput(redirect(command, 1, wiring));
        if (command.stdio(2) == Stdio.STDOUT) {
            builder.redirectErrorStream(true);
        } else {
            builder.redirectError(redirect(command, 2, wiring));
        }
        return builder;
    }

    private static Redirect redirect(Command command, int number, Wiring wiring) throws IOException {
        Stdio stdio = command.stdio(number);
        return stdio == Stdio.PIPE ? wiring.connect(number) : stdio.redirect(number == 0);
    }

    private static IOException failure(Command command, String reason, @Nullable Exception cause) {
        Path cwd = command.cwd();
        return new IOException(
                "Cannot start \"" + command.words().get(0) + "\"" + (cwd == null ? "" : " in " + cwd) + ": " + reason,
                cause);
    }

    // ---- sessions

    /**
     * What goes before the other words: {@code setsid} makes a session and becomes the program, with the same pid. It
     * would report a missing program as an exit code, so that is looked for here.
     */
    private static String setsid(Command command) throws IOException {
        Path setsid = inPath("setsid");
        if (setsid == null) {
            throw new UnsupportedOperationException("Cannot start \"" + command
                    + "\" in a session of its own: there is no program setsid in the PATH (it is part of util-linux"
                    + " and BusyBox; macOS has none). Leave newSession() out");
        }
        String program = command.words().get(0);
        Path cwd = command.cwd();
        Path found = program.indexOf(File.separatorChar) < 0
                ? inPath(program)
                : (cwd == null ? Path.of("") : cwd).resolve(program).toAbsolutePath();
        if (found == null || !Files.exists(found)) {
            throw failure(command, "No such file or directory", null);
        }
        if (Files.isDirectory(found) || !Files.isExecutable(found)) {
            throw failure(command, "Permission denied", null);
        }
        return setsid.toString();
    }

    private static @Nullable Path inPath(String program) {
        String path = System.getenv("PATH");
        for (String directory : (path == null ? "/usr/bin:/bin" : path).split(File.pathSeparator)) {
            Path file = Path.of(directory).resolve(program);
            if (Files.isExecutable(file) && !Files.isDirectory(file)) {
                return file;
            }
        }
        return null;
    }
}
