package asyncio.subprocess;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Explains why a program cannot be started: the operating system's short message, and the details it omits. Blocks,
 * since it checks files.
 */
final class StartFailure {
    private static final int ENOENT = 2;
    private static final int E2BIG = 7;
    private static final int EAGAIN = 11;
    private static final int EACCES = 13;
    private static final int EMFILE = 24;
    /**
     * The error in the JDK's message, after the program: {@code error=2, text} or {@code Exec failed, error: 2 (text)}.
     */
    private static final Pattern ERROR =
            Pattern.compile("(?:error=|Exec failed, error: )([0-9]+)(?:, | \\()(.*?)\\)?\\s*");

    private static final String MANY_FILES =
            ": close finished children, run fewer at a time, or raise the limit (ulimit -n)";
    private static final String INSTEAD = "Pass them in a file or through stdin";
    /** The part of a script that Linux reads to find its interpreter, in bytes. */
    private static final int FIRST_LINE = 256;
    /** The longest argument or variable that Linux accepts, in bytes, with the NUL at its end: 32 pages. */
    private static final int LONGEST_WORD = 32 * 4096;

    private StartFailure() {}

    static IOException of(Command command, String reason, @Nullable Exception cause) {
        Path cwd = command.cwd();
        return new IOException(
                "Cannot start \"" + command.words().get(0) + "\"" + (cwd == null ? "" : " in " + cwd) + ": " + reason,
                cause);
    }

    /**
     * Explains an error.
     *
     * @param e the error of the JDK, or of creating a pipe
     */
    static IOException of(Command command, List<String> words, Map<String, String> environment, IOException e) {
        String program = "^Cannot run program \"" + Pattern.quote(words.get(0)) + "\"( \\(in directory \".*?\"\\))?: ";
        String message = String.valueOf(e.getMessage()).replaceFirst(program, "");
        Matcher matcher = ERROR.matcher(message);
        if (!matcher.matches()) {
            return of(command, message.contains("Too many open files") ? message + MANY_FILES : message, e);
        }
        String text = matcher.group(2);
        String reason = switch (Integer.parseInt(matcher.group(1))) {
            case ENOENT, EACCES -> {
                String problem = problem(command);
                yield problem == null ? text + besides(command) : problem;
            }
            case E2BIG -> text + ": " + sizes(words, environment);
            case EAGAIN -> text + ": there are too many processes and threads (ulimit -u, or the limit of a container)";
            case EMFILE -> text + MANY_FILES;
            default -> text;
        };
        return of(command, reason, e);
    }

    // ---- programs and interpreters

    /** Returns the problem with the program's file or that of its interpreter; null if there is none. */
    static @Nullable String problem(Command command) {
        String program = command.words().get(0);
        Path file = find(command);
        if (file == null) {
            return "No such file or directory: there is no program of that name in the PATH (" + path() + ")";
        }
        if (!Files.exists(file)) {
            return "No such file or directory" + (program.equals(file.toString()) ? "" : ": " + file);
        }
        if (Files.isDirectory(file)) {
            return "Permission denied: " + file + " is a directory";
        }
        if (!Files.isExecutable(file)) {
            return "Permission denied: " + file + " is not executable (chmod +x makes it so)";
        }
        String line = firstLine(file);
        if (!line.startsWith("#!")) {
            return null;
        }
        String name = line.substring(2).replaceFirst("^[ \t]+", "").split("[ \t]", 2)[0];
        if (name.isEmpty() || name.indexOf('\0') >= 0) {
            return null; // a shell runs it
        }
        Path interpreter = directory(command).resolve(name);
        String place = name.replace("\r", "\\r") + ", which the first line of " + file + " names as its interpreter";
        if (!Files.exists(interpreter)) {
            return "No such file or directory: " + place
                    + (name.endsWith("\r") ? " (it ends with CR LF instead of LF)" : "");
        }
        return Files.isExecutable(interpreter) ? null : "Permission denied: " + place + ", is not executable";
    }

    /** Returns a possible reason for the error although the file exists. */
    private static String besides(Command command) {
        Path file = find(command);
        return file == null
                ? ""
                : ": " + file
                        + " exists, but something that it needs does not, or may not be used, such as the loader of another system";
    }

    /** Returns the path that the program has or would have; null if it is not in the PATH. */
    private static @Nullable Path find(Command command) {
        String program = command.words().get(0);
        if (program.indexOf(File.separatorChar) < 0) {
            Path executable = inPath(program, true);
            return executable == null ? inPath(program, false) : executable;
        }
        return directory(command).resolve(program).toAbsolutePath();
    }

    private static Path directory(Command command) {
        Path cwd = command.cwd();
        return cwd == null ? Path.of("") : cwd;
    }

    static @Nullable Path inPath(String program, boolean executable) {
        for (String directory : path().split(File.pathSeparator)) {
            try {
                Path file = Path.of(directory).resolve(program);
                if (Files.exists(file) && (!executable || Files.isExecutable(file) && !Files.isDirectory(file))) {
                    return file;
                }
            } catch (InvalidPathException e) {
                // not a directory: the system does not find it there either
            }
        }
        return null;
    }

    private static String path() {
        String path = System.getenv("PATH");
        return path == null ? "/usr/bin:/bin" : path;
    }

    /** Returns the part of the first line that the system reads; empty if the file cannot be read. */
    private static String firstLine(Path file) {
        try (InputStream input = Files.newInputStream(file)) {
            String text = new String(input.readNBytes(FIRST_LINE), StandardCharsets.UTF_8);
            return text.split("\n", 2)[0];
        } catch (IOException e) {
            return "";
        }
    }

    // ---- sizes

    private static String sizes(List<String> words, Map<String, String> environment) {
        long arguments = 0;
        for (String word : words) {
            int size = size(word);
            if (size > LONGEST_WORD) {
                return "one of its arguments has " + (size - 1) + " bytes, and Linux takes no more than "
                        + (LONGEST_WORD - 1) + " for one. " + INSTEAD;
            }
            arguments += size + Long.BYTES; // and a pointer
        }
        long variables = 0;
        for (Map.Entry<String, String> variable : environment.entrySet()) {
            int size = size(variable.getKey()) + size(variable.getValue());
            if (size > LONGEST_WORD) {
                return variable.getKey() + " in its environment has " + (size - 1)
                        + " bytes, and Linux takes no more than " + (LONGEST_WORD - 1) + " for one variable. "
                        + INSTEAD;
            }
            variables += size + Long.BYTES;
        }
        long limit = argumentsLimit();
        return words.size() + " arguments take " + arguments + " bytes and " + environment.size()
                + " variables of its environment "
                + variables + ", and the system takes no more than "
                + (limit < 0 ? "getconf ARG_MAX prints" : limit + " together (a quarter of ulimit -s)") + ". "
                + INSTEAD;
    }

    /** The size of a word with the NUL at its end. */
    private static int size(String word) {
        return word.getBytes(StandardCharsets.UTF_8).length + 1;
    }

    /** The limit as Linux computes it, in bytes; -1 elsewhere. */
    private static long argumentsLimit() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/limits"))) {
                if (line.startsWith("Max stack size")) {
                    String soft =
                            line.substring("Max stack size".length()).strip().split("\\s+")[0];
                    long most = 6 << 20;
                    return soft.equals("unlimited")
                            ? most
                            : Math.max(LONGEST_WORD, Math.min(most, Long.parseLong(soft) / 4));
                }
            }
        } catch (IOException e) {
            return -1; // another system
        }
        return -1;
    }
}
