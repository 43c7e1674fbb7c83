package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.waitFor;

import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Future;
import asyncio.Task;
import asyncio.streams.BrokenPipeException;
import asyncio.streams.StreamConnection;
import asyncio.streams.StreamReader;
import asyncio.streams.StreamWriter;
import asyncio.subprocess.Command;
import asyncio.subprocess.LaunchedChild;
import asyncio.subprocess.ProcessLookupException;
import asyncio.subprocess.Stdio;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A child of {@link FakeProcesses}, as seen by its script and the test. Use it only on its loop.
 *
 * <p>A signal without an {@link #onSignal} handler ends the child with the negated number of the signal, as in asyncio:
 * its script is cancelled. KILL always does so.
 *
 * <pre>{@code
 * FakeProcesses.Program greet = (FakeProcess child) -> {
 *     child.onSignal("TERM", () -> child.stdout().write("bye\n"));
 *     child.stdout().write("hello " + new String(await(child.stdin().readLine()), UTF_8));
 *     return 0;
 * };
 * }</pre>
 */
public final class FakeProcess {
    private static final Map<String, Integer> SIGNALS = Map.of(
            "HUP", 1, "INT", 2, "QUIT", 3, "KILL", 9, "USR1", 10, "USR2", 12, "PIPE", 13, "ALRM", 14, "TERM", 15);
    private static final String[] NAMES = {"stdin", "stdout", "stderr"};

    private final Command command;
    private final long pid;
    private final FakeProcesses.Program program;
    private final EventLoop loop;
    /** The standard streams, also those that are not pipes: a script need not distinguish them. */
    private final List<MemoryPair> pipes = new ArrayList<>();

    private final Map<String, Runnable> handlers = new HashMap<>();
    private final List<String> signals = new ArrayList<>();
    private final CompletableFuture<Integer> exit = new CompletableFuture<>();
    private final FakeChild child = new FakeChild();
    private @Nullable Task<Integer> script;

    FakeProcess(Command command, long pid, FakeProcesses.Program program, Wire wire, EventLoop loop) {
        this.command = command;
        this.pid = pid;
        this.program = program;
        this.loop = loop;
        for (String name : NAMES) {
            pipes.add(MemoryPair.pipe(name + " of " + command.words().get(0) + ", pid " + pid, wire, command.limit()));
        }
    }

    LaunchedChild child() {
        return child;
    }

    // ---- for the script

    /** Returns the command that was started. */
    public Command command() {
        return command;
    }

    /** Returns its number: 1 for the first child. */
    public long pid() {
        return pid;
    }

    /** Returns the reader of its input, which is at its end if stdin is not a pipe. */
    public StreamReader stdin() {
        return pipe(0).server().reader();
    }

    /** Returns the writer of its output, which is discarded if stdout is not a pipe. */
    public StreamWriter stdout() {
        return pipe(1).server().writer();
    }

    /** Returns the writer of its errors, which are discarded if stderr is not a pipe. */
    public StreamWriter stderr() {
        return command.stdio(2) == Stdio.STDOUT ? stdout() : pipe(2).server().writer();
    }

    /** Returns the pipe of stdin (0), stdout (1) or stderr (2), for tests that disturb it; the child is its server. */
    public MemoryPair pipe(int number) {
        return pipes.get(number);
    }

    /**
     * Sets a handler to run on a signal, such as TERM, instead of ending.
     *
     * @throws IllegalArgumentException for KILL, and for an unknown signal
     */
    public void onSignal(String signal, Runnable handler) {
        if (signal.equals("KILL") || !SIGNALS.containsKey(signal)) {
            throw new IllegalArgumentException("Cannot catch " + signal + ": use one of " + SIGNALS.keySet());
        }
        handlers.put(signal, handler);
    }

    // ---- for the test

    /** Returns the signals received while it was running. */
    public List<String> signals() {
        return List.copyOf(signals);
    }

    // ---- execution, on the loop

    private void run() {
        Task<Integer> script = loop.createTask(async(() -> program.run(this)), toString());
        this.script = script;
        script.addDoneCallback(this::returned);
    }

    private void returned(Future<Integer> script) {
        if (exit.isDone()) {
            return; // a signal came first
        }
        Throwable error = script.cancelled() ? null : script.exception();
        if (error instanceof BrokenPipeException) {
            die(-13);
        } else if (error != null || script.cancelled()) {
            loop.callExceptionHandler(ExceptionContext.of("The script of " + this + " has failed")
                    .exception(error != null ? error : new IllegalStateException("The script was cancelled"))
                    .future(script)
                    .build());
            die(1);
        } else {
            loop.createTask(async(() -> exitWhenSent(script.result())));
        }
    }

    /** Exits when all output is in the pipes: a process cannot return from a write earlier. */
    private void exitWhenSent(@Nullable Integer code) throws Exception {
        pipes.forEach(pipe -> pipe.server().close());
        for (MemoryPair pipe : pipes) {
            await(pipe.server().writer().waitClosed().onErrorComplete());
        }
        exit.complete(code == null ? 0 : code);
    }

    private void die(int code) {
        if (exit.complete(code)) {
            pipes.forEach(pipe -> pipe.server().writer().channel().close()); // bytes in a pipe stay there
            if (script != null) {
                script.cancel();
            }
        }
    }

    private void signal(String name) {
        if (exit.isDone()) {
            return;
        }
        signals.add(name);
        Runnable handler = handlers.get(name);
        if (handler != null) {
            handler.run();
        } else {
            die(-SIGNALS.getOrDefault(name, 0));
        }
    }

    /** The child as seen by {@code Subprocess}. */
    private final class FakeChild implements LaunchedChild {
        @Override
        public long pid() {
            return pid;
        }

        @Override
        public boolean isAlive() {
            return !exit.isDone();
        }

        @Override
        public int returnCode() {
            return exit.join();
        }

        @Override
        public CompletionStage<?> exit() {
            return exit;
        }

        @Override
        public Pipes connect() {
            Pipes ours = new Pipes(connect(0), connect(1), connect(2));
            run();
            return ours;
        }

        private @Nullable StreamConnection connect(int number) {
            StreamConnection end = pipes.get(number).client();
            if (command.stdio(number) == Stdio.PIPE) {
                return end;
            }
            if (number == 0) {
                end.close();
            } else {
                end.reader().chunks().subscribe(nobodyReads -> {}, atTheEnd -> {});
            }
            return null;
        }

        @Override
        public void closePipes() {
            onLoop(() -> pipes.forEach(MemoryPair::finishClient));
        }

        @Override
        public boolean destroy(boolean forcibly) {
            boolean alive = isAlive();
            onLoop(() -> signal(forcibly ? "KILL" : "TERM"));
            return alive;
        }

        @Override
        public Mono<Void> send(String signal, boolean group) {
            return Mono.fromRunnable(() -> {
                if (!SIGNALS.containsKey(signal)) {
                    throw new IllegalArgumentException("Signal " + signal + " could not be sent to " + FakeProcess.this
                            + ": the signals are " + SIGNALS);
                }
                if (!isAlive()) {
                    throw new ProcessLookupException("Cannot send " + signal + " to " + FakeProcess.this
                            + ": it has ended, with return code " + returnCode());
                }
                onLoop(() -> signal(signal));
            });
        }

        @Override
        public Mono<Void> end(boolean gently, Runnable closeStdin) {
            return Mono.defer(() -> {
                Future<Void> over = new Future<>();
                onLoop(() -> loop.createTask(gently ? async(() -> endGently(closeStdin)) : Mono.empty())
                        .addDoneCallback(done -> {
                            signal("KILL");
                            over.trySetResult(null);
                        }));
                return over;
            });
        }

        private void endGently(Runnable closeStdin) throws Exception {
            closeStdin.run();
            if (command.stdio(0) == Stdio.PIPE && endsWithin(command.exitGrace())) {
                return;
            }
            signal("TERM");
            endsWithin(command.terminateGrace());
        }

        private boolean endsWithin(Duration grace) throws Exception {
            try {
                await(waitFor(Mono.fromCompletionStage(() -> exit.copy()), grace));
                return true;
            } catch (TimeoutException e) {
                return false;
            }
        }

        private void onLoop(Runnable step) {
            if (loop.netty().inEventLoop()) {
                step.run();
            } else if (!loop.isClosed()) {
                loop.callSoonThreadsafe(step);
            }
        }

        @Override
        public Mono<List<ProcessHandle>> descendants() {
            return Mono.just(List.of());
        }

        @Override
        public String toString() {
            return FakeProcess.this.toString();
        }
    }

    /** {@code sort, pid 1}. */
    @Override
    public String toString() {
        return command.words().get(0) + ", pid " + pid;
    }
}
