package asyncio.tools;

import asyncio.EventLoop;
import asyncio.Future;
import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import jdk.jshell.DeclarationSnippet;
import jdk.jshell.Diag;
import jdk.jshell.EvalException;
import jdk.jshell.ExpressionSnippet;
import jdk.jshell.JShell;
import jdk.jshell.JShellException;
import jdk.jshell.MethodSnippet;
import jdk.jshell.Snippet;
import jdk.jshell.SnippetEvent;
import jdk.jshell.SourceCodeAnalysis;
import jdk.jshell.SourceCodeAnalysis.CompletionInfo;
import jdk.jshell.TypeDeclSnippet;
import jdk.jshell.VarSnippet;
import org.reactivestreams.Publisher;

/**
 * Evaluates Java line by line, in bodies of one event loop: declarations persist, and tasks keep running from one input
 * to the next. One input at a time; {@link #cancel} may be called from any thread.
 */
final class Session implements AutoCloseable {
    private static final Duration TIME_TO_END = Duration.ofSeconds(3);

    private static final List<String> STARTUP = List.of(
            "import static asyncio.Asyncio.*;",
            "import asyncio.*;",
            "import asyncio.bridge.*;",
            "import asyncio.queue.*;",
            "import asyncio.queue.Queue;", // not java.util's
            "import asyncio.streams.*;",
            "import asyncio.subprocess.*;",
            "import asyncio.sync.*;",
            "import reactor.core.publisher.*;",
            "import java.time.Duration;",
            "import static java.time.Duration.*;",
            "import static java.nio.charset.StandardCharsets.UTF_8;",
            "import java.io.*;",
            "import java.nio.file.*;",
            "import java.util.*;",
            "import java.util.function.*;",
            "import java.util.stream.*;",
            "void print(Object o) { System.out.println(o); }",
            "void ps() { System.out.println(EventLoop.getRunningLoop().dumpTasks()); }");

    /** The name of the internal cancellation class without a stack trace, unknown to users. */
    private static final String UNTRACED = "$Untraced";

    private final PrintStream out;
    private final PrintStream err;
    private final boolean echo;
    private final EventLoop loop = EventLoop.newEventLoop();
    private final Thread thread = new Thread(this::runLoop, "asyncio-repl");
    private final BodyExecution execution = new BodyExecution(loop);
    private final JShell shell;
    private boolean closed;

    /** @param echo whether to print the values of expressions, and declarations */
    Session(PrintStream out, PrintStream err, boolean echo) {
        this.out = out;
        this.err = err;
        this.echo = echo;
        thread.setDaemon(true);
        thread.start();
        shell = JShell.builder()
                .executionEngine(execution, Map.of())
                .compilerOptions("-cp", System.getProperty("java.class.path"))
                .out(out)
                .err(err)
                .build();
        for (String line : STARTUP) {
            for (SnippetEvent event : shell.eval(line)) {
                if (event.status() != Snippet.Status.VALID) {
                    throw new IllegalStateException("The startup line \"" + line + "\" is rejected: "
                            + diagnostics(event.snippet()) + "; is the library on the class path?");
                }
            }
        }
    }

    private void runLoop() {
        try {
            loop.runForever();
        } finally {
            loop.close();
        }
    }

    SourceCodeAnalysis analysis() {
        return shell.sourceCodeAnalysis();
    }

    /** Cancels the running snippet; false if there is none. */
    boolean cancel() {
        return execution.cancel();
    }

    /** Evaluates one or more snippets up to the first failure, which it prints; returns false in that case. */
    boolean eval(String input) {
        for (String rest = input; !rest.isBlank(); ) {
            CompletionInfo info = analysis().analyzeCompletion(rest);
            boolean complete = info.completeness().isComplete() && info.source() != null;
            if (info.completeness() == SourceCodeAnalysis.Completeness.EMPTY) {
                return true; // a comment
            }
            for (SnippetEvent event : shell.eval(complete ? info.source() : rest)) {
                if (event.causeSnippet() == null && !show(event)) {
                    return false;
                }
            }
            rest = complete ? info.remaining() : "";
        }
        return true;
    }

    /** Evaluates a script, input by input: each ends with the line that completes it, as at the prompt. */
    boolean evalLines(String script) {
        StringBuilder input = new StringBuilder();
        for (String line : script.lines().toList()) {
            input.append(line).append('\n');
            if (isWhole(input.toString())) {
                if (!eval(input.toString())) {
                    return false;
                }
                input.setLength(0);
            }
        }
        return eval(input.toString());
    }

    private boolean isWhole(String input) {
        return switch (analysis().analyzeCompletion(input).completeness()) {
            case DEFINITELY_INCOMPLETE, CONSIDERED_INCOMPLETE -> false;
            default -> true;
        };
    }

    // ---- output

    private boolean show(SnippetEvent event) {
        Snippet snippet = event.snippet();
        JShellException exception = event.exception();
        if (exception != null) {
            err.println(describe(exception));
            return false;
        }
        if (event.status() == Snippet.Status.REJECTED) {
            err.println(diagnostics(snippet));
            return false;
        }
        if (echo) {
            showValue(event);
        }
        return true;
    }

    private static String describe(JShellException exception) {
        if (!(exception instanceof EvalException thrown)) {
            return exception.toString();
        }
        StringBuilder text = new StringBuilder(thrown.getExceptionClassName().replace(UNTRACED, ""));
        if (thrown.getMessage() != null) {
            text.append(": ").append(thrown.getMessage());
        }
        for (StackTraceElement frame : thrown.getStackTrace()) {
            if (frame.getClassName().isEmpty() || frame.getClassName().startsWith("REPL.")) {
                text.append(System.lineSeparator()).append("    at ").append(frame);
            }
        }
        if (thrown.getCause() instanceof EvalException cause) {
            text.append(System.lineSeparator()).append("Caused by: ").append(describe(cause));
        }
        return text.toString();
    }

    private String diagnostics(Snippet snippet) {
        return shell.diagnostics(snippet)
                .filter(Diag::isError)
                .map(error -> "error: " + error.getMessage(Locale.ROOT))
                .collect(Collectors.joining(System.lineSeparator()));
    }

    private void showValue(SnippetEvent event) {
        Snippet snippet = event.snippet();
        if (snippet instanceof MethodSnippet || snippet instanceof TypeDeclSnippet) {
            String name = ((DeclarationSnippet) snippet).name();
            List<String> missing =
                    shell.unresolvedDependencies((DeclarationSnippet) snippet).toList();
            out.println("declared " + name
                    + (missing.isEmpty() ? "" : ", which waits for " + String.join(", ", missing) + " to be declared"));
            return;
        }
        String value = event.value();
        boolean kept =
                snippet instanceof VarSnippet && snippet.subKind() != Snippet.SubKind.TEMP_VAR_EXPRESSION_SUBKIND;
        if (value == null || value.isEmpty() || !kept && execution.lastValue() == null) {
            return; // an await without a value
        }
        String name = snippet instanceof VarSnippet variable
                ? variable.name()
                : snippet instanceof ExpressionSnippet expression ? expression.name() : "";
        out.println(name + " ==> " + value);
        if (!kept && execution.lastValue() instanceof Publisher<?> cold && !(cold instanceof Future<?>)) {
            out.println("    (nothing has run: await(" + name + ") runs it)");
        }
    }

    // ---- the end

    /** Cancels the remaining tasks, and gives their clean-up some time. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        CountDownLatch ended = new CountDownLatch(1);
        loop.callSoonThreadsafe(() -> {
            List<Future<?>> left = List.copyOf(loop.allTasks());
            Future.cancelAll(left, "the session ends");
            endWith(left, ended);
        });
        try {
            if (!ended.await(TIME_TO_END.toMillis(), TimeUnit.MILLISECONDS)) {
                err.println("These tasks have not ended:" + System.lineSeparator() + loop.dumpTasks());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        shell.close();
        loop.stop();
    }

    private static void endWith(List<Future<?>> left, CountDownLatch ended) {
        if (left.isEmpty()) {
            ended.countDown();
        } else {
            left.get(0).addDoneCallback(done -> endWith(left.subList(1, left.size()), ended));
        }
    }
}
