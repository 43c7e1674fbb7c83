package asyncio.tools;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Parses the arguments and runs the command. */
final class CommandLine {
    static final String USAGE = """
        usage: java -jar asyncio-tools.jar [repl]
               java -jar asyncio-tools.jar ps [PID] [--format table|csv|json] [--stacks N] [--retries N] [--agent]
               java -jar asyncio-tools.jar pstree PID [--stacks N] [--retries N] [--agent]

        repl           a prompt that can await; a script if the standard input is not a terminal
        ps             the Java processes with event loops
        ps PID         the tasks of a process, with their awaiters
        pstree PID     the same as trees, each task below its awaiters
        --format       the output format of ps; table by default
        --stacks N     the number of innermost lines to read of each body (3); 0 for none
        --retries N    the number of retries if the process cannot be reached (0)
        --agent        load an agent, for a program with nested jars; it prints a warning on its stderr
        """;

    private static final int STACK_LINES = 3;

    private final PrintStream out;
    private final PrintStream err;

    CommandLine(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    /** Returns the exit status: 0, 1 if the command failed, 2 if the arguments are wrong. */
    int run(String... args) {
        try {
            return command(new ArrayDeque<>(Arrays.asList(args)));
        } catch (CommandException e) {
            err.println(e.getMessage());
            if (e.status() == CommandException.USAGE) {
                err.print(USAGE);
            }
            return e.status();
        }
    }

    private int command(Deque<String> args) throws CommandException {
        String command = args.isEmpty() ? "repl" : args.remove();
        switch (command) {
            case "repl" -> {
                if (!args.isEmpty()) {
                    throw CommandException.usage("repl takes no arguments: it reads a script from its standard input");
                }
                return repl();
            }
            case "ps" -> {
                Options options = Options.of(command, args);
                if (options.pid == null) {
                    return new JvmList(err).print(options.format, out);
                }
                TaskTable.print(options.read(), options.format, out);
                return 0;
            }
            case "pstree" -> {
                Options options = Options.of(command, args);
                if (options.pid == null) {
                    throw CommandException.usage(
                            "pstree needs the PID of a process; ps lists the processes with loops");
                }
                return new TaskTree(options.read()).print(out) ? 0 : 1;
            }
            case "-h", "--help", "help" -> {
                out.print(USAGE);
                return 0;
            }
            default -> throw CommandException.usage("No such command: " + command);
        }
    }

    private int repl() throws CommandException {
        try {
            return new Repl(out, err).run();
        } catch (IOException e) {
            throw CommandException.failed("Cannot read the terminal or the standard input: " + e);
        }
    }

    /** The output format of {@code ps}. */
    enum Format {
        TABLE,
        CSV,
        JSON
    }

    private static final class Options {
        private @Nullable String pid;
        private Format format = Format.TABLE;
        private int stacks = STACK_LINES;
        private int retries;
        private boolean agent;

        static Options of(String command, Deque<String> args) throws CommandException {
            Options options = new Options();
            while (!args.isEmpty()) {
                String arg = args.remove();
                if (arg.equals("--stacks")) {
                    options.stacks = number(arg, args);
                } else if (arg.equals("--retries")) {
                    options.retries = number(arg, args);
                } else if (arg.equals("--agent")) {
                    options.agent = true;
                } else if (arg.equals("--format") && command.equals("ps")) {
                    options.format = format(value(arg, args));
                } else if (arg.matches("\\d{1,18}") && options.pid == null) {
                    options.pid = arg;
                } else {
                    throw CommandException.usage(command + " does not take " + arg);
                }
            }
            return options;
        }

        private static String value(String option, Deque<String> args) throws CommandException {
            if (args.isEmpty()) {
                throw CommandException.usage(option + " needs a value");
            }
            return args.remove();
        }

        private static int number(String option, Deque<String> args) throws CommandException {
            String value = value(option, args);
            try {
                int number = Integer.parseInt(value);
                if (number >= 0) {
                    return number;
                }
            } catch (NumberFormatException e) {
                // reported below
            }
            throw CommandException.usage(option + " needs a number of at least 0, not " + value);
        }

        private static Format format(String name) throws CommandException {
            for (Format format : Format.values()) {
                if (format.name().toLowerCase(Locale.ROOT).equals(name)) {
                    return format;
                }
            }
            throw CommandException.usage("--format must be table, csv or json, not " + name);
        }

        private List<TaskRow> read() throws CommandException {
            String pid = Objects.requireNonNull(this.pid);
            for (int left = retries; ; left--) {
                try (TargetJvm target = TargetJvm.attach(pid, agent)) {
                    return target.tasks(stacks);
                } catch (CommandException e) {
                    if (left == 0) {
                        throw e;
                    }
                }
            }
        }
    }
}
