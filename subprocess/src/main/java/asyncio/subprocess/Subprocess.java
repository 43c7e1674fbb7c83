package asyncio.subprocess;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.shieldedCleanup;

import asyncio.BodyFunction;
import asyncio.Cleanups;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.streams.BrokenPipeException;
import asyncio.streams.Opened;
import asyncio.streams.StreamConnection;
import asyncio.streams.StreamReader;
import asyncio.streams.StreamWriter;
import asyncio.streams.internal.PipeEnd;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A child process.
 *
 * <pre>{@code
 * Output log = await(Subprocess.run(Command.of("git", "log", "-1")));              // run and collect
 *
 * Flux<String> lines = Subprocess.useFlux(                                         // reactive
 *         Command.of("journalctl", "-f").stdout(Stdio.PIPE), journal -> journal.stdout().lines(UTF_8));
 *
 * String answer = await(Subprocess.useBody(                                        // straight-line
 *         Command.of("bc").stdin(Stdio.PIPE).stdout(Stdio.PIPE), bc -> {
 *             bc.stdin().write("6 * 7\n");
 *             return new String(await(bc.stdout().readLine()), UTF_8);
 *         }));
 * }</pre>
 *
 * <p>On Linux with epoll the pipes belong to the loop, and no thread waits for them. Elsewhere, and with
 * {@code -Dasyncio.subprocess=threads}, a platform thread waits for each reader; everything else is the same.
 *
 * <p><b>Threading.</b> Every method may be called from any thread. The streams belong to the loop on which the child
 * was started; when that loop is closed, the child is killed.
 *
 * <p><b>Nothing is left behind.</b> The child is ended when its start is cancelled, when its scope ({@link #use}) ends
 * in any way, when its loop is closed, and at an orderly shutdown of the JVM. A child that was started with
 * {@link #start} and never closed runs until its loop is closed or the JVM shuts down.
 *
 * <p>asyncio: {@code asyncio.subprocess.Process}.
 */
public final class Subprocess implements AutoCloseable {
    private final LaunchedChild child;
    private final Command command;
    private final EventLoop loop;
    private final @Nullable StreamWriter stdin;
    private final @Nullable StreamReader stdout;
    private final @Nullable StreamReader stderr;
    private final Communication communication;
    /** Represents the scope it was started for; null without a scope, or if nothing would wait for it. */
    private final Cleanups.@Nullable Work scope;

    private final LaunchedChild.Pipes pipes;
    private final Future<Integer> exit;
    private final AtomicReference<@Nullable Future<Integer>> closing = new AtomicReference<>();

    /**
     * Must be called on the loop.
     *
     * @throws IllegalStateException if the loop is closed
     */
    Subprocess(LaunchedChild child, Command command, EventLoop loop, Cleanups.@Nullable Work scope) {
        this.child = child;
        this.scope = scope;
        this.command = command;
        this.loop = loop;
        pipes = child.connect();
        stdin = pipes.stdin() == null ? null : pipes.stdin().writer();
        stdout = pipes.stdout() == null ? null : pipes.stdout().reader();
        stderr = pipes.stderr() == null ? null : pipes.stderr().reader();
        communication = new Communication(this, command, stdin, stdout, stderr);
        exit = loop.createFuture();
        child.exit().whenComplete((process, error) -> exit.trySetResult(child.returnCode()));
    }

    @Nullable PipeEnd pipe(int number) {
        return ((ChildProcess) child).pipe(number);
    }

    ProcessHandle handle() {
        return ((ChildProcess) child).handle;
    }

    // ---- starting

    /**
     * Like {@link #start} with {@link Command#of(String, String...)}: the child inherits this process's standard
     * streams.
     */
    public static Mono<Subprocess> exec(String program, String... arguments) {
        return start(Command.of(program, arguments));
    }

    /** Like {@link #start} with {@link Command#shell}: the child inherits this process's standard streams. */
    public static Mono<Subprocess> shell(String line) {
        return start(Command.shell(line));
    }

    /**
     * Starts a child. Nothing happens until subscription; then a thread starts it for the loop that runs there, or for
     * one of {@link EventLoop#shared()}. Cancelling kills the child and its descendants, even if it was already started
     * but the awaiting body had not received it. A task that awaits this, directly, through operators or in a
     * {@code gather}, group or race, resumes once the child is gone; if Reactor disposes of a start outside of tasks,
     * the child is gone some milliseconds later. (An operator downstream that drops the child while being cancelled on
     * another thread passes it to {@code Hooks.onNextDropped}; {@link #use} never drops a child.)
     *
     * <p>Fails with {@link java.io.IOException}, before there is a child, if the program or the directory does not
     * exist or may not be used; with {@link UnsupportedOperationException} if {@link Command#newSession} is not
     * supported here.
     *
     * <p>asyncio: {@code create_subprocess_exec}, {@code create_subprocess_shell}.
     */
    public static Mono<Subprocess> start(Command command) {
        return new MonoStart<>(Objects.requireNonNull(command, "command"), false, (child, context) -> child);
    }

    /**
     * Starts a child with a protocol, which is called with its output as it arrives, with the ends of its pipes, and
     * with its exit. Streams that the command does not set are {@link Stdio#PIPE}. Nothing happens until subscription.
     * Cancellation and errors are as for {@link #start}; when this completes, {@link SubprocessProtocol#connectionMade}
     * has been called.
     *
     * <p>Close the transport, or let the child end.
     *
     * <pre>{@code
     * var opened = await(Subprocess.execProtocol(Collecting::new, Command.of("date", "-u")));
     * await(opened.protocol().over);
     * }</pre>
     *
     * <p>asyncio: {@code loop.subprocess_exec}.
     *
     * @param factory creates the protocol; called on the loop when the child has been started; if it fails, the child
     *     is killed
     * @since 0.1
     */
    public static <P extends SubprocessProtocol> Mono<Opened<SubprocessTransport, P>> execProtocol(
            Supplier<? extends P> factory, Command command) {
        Objects.requireNonNull(factory, "factory");
        return new MonoStart<>(
                command.orElse(Stdio.PIPE, Stdio.PIPE),
                false,
                (child, context) -> ChildTransport.<P>open(child, factory, context));
    }

    /**
     * Like {@link #execProtocol} with {@link Command#shell}.
     *
     * <p>asyncio: {@code loop.subprocess_shell}.
     *
     * @since 0.1
     */
    public static <P extends SubprocessProtocol> Mono<Opened<SubprocessTransport, P>> shellProtocol(
            Supplier<? extends P> factory, String line) {
        return execProtocol(factory, Command.shell(line));
    }

    /** Starts a child that the caller ends with {@link #cleanup}. */
    static Mono<Subprocess> startScoped(Command command) {
        return new MonoStart<>(Objects.requireNonNull(command, "command"), true, (child, context) -> child);
    }

    /** Runs the end of its scope, for which the task waits. */
    Mono<Void> cleanup(Mono<?> end) {
        return Cleanups.cleanup(scope, end);
    }

    /**
     * Starts a child, works with it, and ends it: when the work's Mono has ended or is cancelled, the child is closed
     * as by {@link #closeAndWait}, and this ends after that. Nothing happens until subscription.
     *
     * <pre>{@code
     * Mono<Reply> reply = Subprocess.use(server, child -> handshake(child).then(ask(child, question)));
     * }</pre>
     */
    public static <T> Mono<T> use(Command command, Function<? super Subprocess, ? extends Mono<? extends T>> work) {
        return Mono.usingWhen(
                startScoped(command),
                Objects.requireNonNull(work, "work"),
                child -> child.cleanup(child.closeAndWait()));
    }

    /** Like {@link #use}, for work that emits many values. */
    public static <T> Flux<T> useFlux(
            Command command, Function<? super Subprocess, ? extends Publisher<? extends T>> work) {
        return Flux.usingWhen(
                startScoped(command),
                Objects.requireNonNull(work, "work"),
                child -> child.cleanup(child.closeAndWait()));
    }

    /** Like {@link #use}, with straight-line work, in the current task if a body awaits it. */
    public static <T extends @Nullable Object> Mono<T> useBody(
            Command command, BodyFunction<? super Subprocess, T> work) {
        Objects.requireNonNull(command, "command");
        Objects.requireNonNull(work, "work");
        Duration limit = command.exitGrace().plus(command.terminateGrace()).plusSeconds(20); // it has its own limits
        return async(() -> {
            Subprocess child = await(start(command));
            try {
                return work.apply(child);
            } finally {
                await(shieldedCleanup(child.closeAndWait(), limit));
            }
        });
    }

    /**
     * Runs a command to its end and collects its output. Streams that the command does not set are not inherited here:
     * stdin is {@link Stdio#DEVNULL}, stdout and stderr are {@link Stdio#PIPE}. Nothing happens until subscription;
     * cancelling kills the child and its descendants. A return code other than 0 is not an error, unless
     * {@link Command#check} is set.
     *
     * <p>Fails as {@link #start} does; with {@link TimeoutExpiredException}, which holds the output so far, after
     * {@link Command#timeout}, when the child and its descendants have been killed. If the child itself has exited by
     * then and only other processes hold its output open, that is not an error: the result has its return code and the
     * output so far.
     *
     * <pre>{@code
     * Output diff = await(Subprocess.run(Command.of("diff", "-u", a, b).timeout(Duration.ofSeconds(10))));
     * }</pre>
     *
     * <p>{@code subprocess.run(command, capture_output=True, timeout=...)}
     */
    public static Mono<Output> run(Command command) {
        return RunToEnd.of(command.orElse(Stdio.DEVNULL, Stdio.PIPE), child -> child.communicate());
    }

    /** Like {@link #run(Command)}, with bytes to write to its stdin, which is a pipe. */
    public static Mono<Output> run(Command command, byte[] input) {
        Objects.requireNonNull(input, "input is null: run(command) sends nothing");
        return RunToEnd.of(command.stdin(Stdio.PIPE).orElse(Stdio.PIPE, Stdio.PIPE), child -> child.communicate(input));
    }

    /** Returns all of its output, up to the ends of its streams, which come at the latest when its pipes are closed. */
    Mono<Output> rest() {
        return communication.rest();
    }

    void closePipes() {
        child.closePipes();
    }

    EventLoop loop() {
        return loop;
    }

    /** Completes on the loop. */
    Future<Integer> exit() {
        return exit;
    }

    /** The pipe of stdin (0), stdout (1) or stderr (2); null if that is not a pipe. */
    @Nullable StreamConnection connection(int number) {
        return number == 0 ? pipes.stdin() : number == 1 ? pipes.stdout() : pipes.stderr();
    }

    // ---- its streams

    /**
     * Returns a writer to its stdin; close it to signal the end of the input to the child. When the child closes its
     * stdin or ends, {@code drain} fails with {@link BrokenPipeException} if bytes were lost, else with
     * {@link asyncio.streams.ConnectionResetException}.
     *
     * @throws IllegalStateException if it is not a pipe, where asyncio has None
     */
    public StreamWriter stdin() {
        return checkedPipe(0, stdin);
    }

    /**
     * Returns a reader of its stdout. The end comes when the child and all processes that have inherited its stdout
     * have closed it.
     *
     * @throws IllegalStateException if it is not a pipe, where asyncio has None
     */
    public StreamReader stdout() {
        return checkedPipe(1, stdout);
    }

    /** Like {@link #stdout}, for its stderr. */
    public StreamReader stderr() {
        return checkedPipe(2, stderr);
    }

    private <T> T checkedPipe(int number, @Nullable T stream) {
        if (stream == null) {
            String name = Stdio.name(number);
            throw new IllegalStateException("The " + name + " of " + this + " is not a pipe but "
                    + command.stdio(number) + ": start it with Command." + name + "(Stdio.PIPE)");
        }
        return stream;
    }

    /** Like {@link #communicate(byte[])}, with an empty input. */
    public Mono<Output> communicate() {
        return communication.with(new byte[0]);
    }

    /**
     * Writes all of the input to its stdin and closes it, reads stdout and stderr to their ends meanwhile, and waits
     * for the exit. Streams that are not pipes are skipped; without a pipe to stdin the input is ignored. It is not an
     * error if the child does not read its input. All output is held in memory. Nothing happens until subscription;
     * cancelling neither ends the child nor loses its output, which the next call returns. If other processes hold the
     * output of an exited child open, this waits for them: after a time limit of your own, call {@link #closeAndWait}
     * and then this method again to get the output so far.
     *
     * <p>asyncio: {@code communicate}.
     *
     * @throws NullPointerException if the input is null
     */
    public Mono<Output> communicate(byte[] input) {
        Objects.requireNonNull(input, "input is null: communicate() sends nothing");
        return communication.with(input);
    }

    // ---- its end

    /** Its process ID; for a {@link Command#shell shell} command, that of the shell. */
    public long pid() {
        return child.pid();
    }

    /**
     * Returns the exit code; empty while it runs. -n if signal n has killed it, as in asyncio. The JDK does not
     * distinguish that from an exit with 128 + n: {@code exit 137}, which a shell uses to report such an end of a
     * child, reads as -9 as well.
     */
    public OptionalInt returnCode() {
        return child.isAlive() ? OptionalInt.empty() : OptionalInt.of(child.returnCode());
    }

    /**
     * Waits for its exit and returns the {@link #returnCode}. Does not wait for the end of its output, which other
     * processes may have inherited. Read its output meanwhile, or it may never exit: {@link #communicate()}. Nothing
     * happens until subscription; cancelling stops waiting. Any number of callers may wait.
     *
     * <p>asyncio: {@code wait}.
     */
    public Mono<Integer> waitFor() {
        return exit.map(Function.identity()); // a task that is cancelled leaves the Future alone
    }

    /**
     * Sends a signal. Nothing happens until subscription; then a thread runs the shell's {@code kill}, except for TERM
     * and KILL, which need no other process. Cancelling does not revoke it.
     *
     * <p>Fails with {@link ProcessLookupException} if the child has ended. TERM and KILL never reach another process
     * that has reused its process ID. For other signals the child is checked about a millisecond before: a process that
     * reused the ID in between would get the signal, but for that the system would have to go through all other IDs.
     *
     * @param signal its name, with or without {@code SIG}, in any case: {@code "HUP"}, {@code "SIGUSR1"}
     * @throws IllegalArgumentException if that is not a name; if the system does not know the name, the Mono fails with
     *     it
     */
    public Mono<Void> sendSignal(String signal) {
        String name = KillCommand.name(signal);
        return switch (name) {
            case "TERM" -> Mono.fromRunnable(this::terminate);
            case "KILL" -> Mono.fromRunnable(this::kill);
            default -> child.send(name, false);
        };
    }

    /**
     * Like {@link #sendSignal}, to the child and all processes started by it that are still in its process group, as
     * long as the child runs.
     *
     * @throws IllegalStateException unless the child was started with {@link Command#newSession}
     */
    public Mono<Void> sendSignalToGroup(String signal) {
        String name = KillCommand.name(signal);
        if (!command.isNewSession()) {
            throw new IllegalStateException("The process group of " + this + " is this process's own, which would get"
                    + " the signal, too: start it with Command.newSession()");
        }
        return child.send(name, true);
    }

    /**
     * Asks the child to end: SIGTERM.
     *
     * @throws ProcessLookupException if it has ended
     */
    public void terminate() {
        signalNow("TERM", false);
    }

    /**
     * Kills the child: SIGKILL. Its own children keep running: see {@link #killTree}.
     *
     * @throws ProcessLookupException if it has ended
     */
    public void kill() {
        signalNow("KILL", true);
    }

    private void signalNow(String name, boolean forcibly) {
        if (!child.destroy(forcibly)) {
            throw KillCommand.tooLate(child, name);
        }
    }

    /**
     * Returns its children, their children, and so on, except for orphans of ended parents; with
     * {@link Command#newSession} all processes of its session. Nothing happens until subscription; then a thread scans
     * all processes of the system.
     */
    public Mono<List<ProcessHandle>> descendants() {
        return child.descendants();
    }

    // ---- closing

    /**
     * Ends the child gracefully, if it is still running: closes its stdin and waits for its exit
     * ({@link Command#exitGrace}); sends SIGTERM to it and its descendants and waits for them to end
     * ({@link Command#terminateGrace}); sends SIGKILL to the rest; then closes the pipes. Returns at once:
     * {@link #closeAndWait} waits for all of that. Closing twice does nothing.
     *
     * <p>Descendants of parents that have already ended are not found and keep running, unless the child leads a
     * {@link Command#newSession session}.
     *
     * <p>asyncio: {@code transport.close()}, which kills at once.
     */
    @Override
    public void close() {
        closed();
    }

    /**
     * Like {@link #close}, and returns its {@link #returnCode} when it has ended. Nothing happens until subscription;
     * cancelling stops the waiting, not the closing. Fails with {@link java.io.IOException} if the child is still there
     * five seconds after SIGKILL.
     */
    public Mono<Integer> closeAndWait() {
        return Mono.defer(() -> closed().map(Function.identity()));
    }

    private Future<Integer> closed() {
        Future<Integer> before = closing.get();
        if (before != null) {
            return before;
        }
        Future<Integer> ours = loop.createFuture();
        if (!closing.compareAndSet(null, ours)) {
            return closed();
        }
        end(true, ours);
        return ours;
    }

    /**
     * Kills the child and its descendants (SIGKILL), closes the pipes, and returns its {@link #returnCode} when it has
     * ended. Nothing happens until subscription; cancelling stops waiting. Fails as {@link #closeAndWait} does.
     */
    public Mono<Integer> killTree() {
        return Mono.defer(() -> end(false).map(Function.identity()));
    }

    /** Starts ending the child at once. */
    Future<Integer> end(boolean gently) {
        Future<Integer> ended = loop.createFuture();
        end(gently, ended);
        return ended;
    }

    private void end(boolean gently, Future<Integer> ended) {
        if (!child.isAlive() && !command.isNewSession()) { // no process is left to be found
            child.closePipes();
            exited(ended);
            return;
        }
        child.end(gently, this::closeStdin)
                .doOnTerminate(child::closePipes) // on the loop, before any waiter resumes there
                .subscribe(null, ended::trySetException, () -> exited(ended));
    }

    /** Completes the future when the exit has been told, not only found: the child is counted no more. */
    private void exited(Future<Integer> ended) {
        child.exit().whenComplete((exited, error) -> ended.trySetResult(child.returnCode()));
    }

    private void closeStdin() {
        if (stdin != null) {
            stdin.close();
        }
    }

    /** {@code <Subprocess cat, pid 42, running>}. */
    @Override
    public String toString() {
        OptionalInt code = returnCode();
        return "<Subprocess " + child + ", " + (code.isEmpty() ? "running" : "return code " + code.getAsInt()) + ">";
    }
}
