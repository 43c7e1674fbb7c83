package asyncio.tools;

import asyncio.Flight;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Set;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jline.terminal.impl.DumbTerminal;

/**
 * {@code python -m asyncio} for Java: a prompt that can await. Without a terminal, it runs a script from the standard
 * input, up to the first failure.
 */
final class Repl {
    private static final Set<String> EXIT = Set.of("exit", "exit()", "quit", "quit()", "/exit");

    private final PrintStream out;
    private final PrintStream err;

    Repl(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    /** Returns the exit status. */
    int run() throws IOException {
        // the first snippets load many classes, each in a step of the loop; set before the loop reads its settings
        System.getProperties().putIfAbsent("asyncio.watchdog.step", "10000");
        System.getProperties().putIfAbsent("asyncio.watchdog.unclaimed", "10000");
        try (Terminal terminal =
                TerminalBuilder.builder().system(true).dumb(true).build()) {
            boolean isScript = terminal instanceof DumbTerminal;
            if (Flight.PRESENT) {
                ReplEvents.started(isScript ? "script" : "prompt");
            }
            return isScript ? runScript() : runPrompt(terminal);
        }
    }

    private int runScript() throws IOException {
        String script = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        try (Session session = new Session(out, err, false)) {
            return session.evalLines(script) ? 0 : 1;
        }
    }

    private int runPrompt(Terminal terminal) throws IOException {
        out.println("asyncio on Java " + Runtime.version().feature()
                + ": write await(...) at the prompt. Tab completes, a second Tab explains; Ctrl-C cancels, ps() shows"
                + " tasks, Ctrl-D ends.");
        try (Session session = new Session(out, err, true)) {
            terminal.handle(Terminal.Signal.INT, signal -> session.cancel());
            LineReader reader = Editing.reader(terminal, session.analysis(), historyFile());
            for (; ; ) {
                String input;
                try {
                    input = reader.readLine("asyncio> ");
                } catch (UserInterruptException e) {
                    continue; // the line is dropped
                } catch (EndOfFileException e) {
                    return 0;
                }
                if (EXIT.contains(input.strip())) {
                    return 0;
                }
                session.eval(input.strip().equals("ps") ? "ps()" : input);
                out.flush();
            }
        }
    }

    private static Path historyFile() {
        String file = System.getenv("ASYNCIO_REPL_HISTORY");
        return file == null ? Path.of(System.getProperty("user.home"), ".asyncio_history") : Path.of(file);
    }
}
