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
 * {@code -Dasyncio.subprocess=threads}, a platform thread waits for each reader; all else is the same.
 *
 * <p><b>Threading.</b> Every method may be called from any thread. The streams belong to the loop on which the child
 * was started, and that loop's end is the child's.
 *
 * <p><b>Nothing is left behind.</b> A start that is cancelled, a scope ({@link #use}) that ends in whichever way, a
 * loop that is closed, and an orderly end of the JVM end the child. One that was started with {@link #start} and never
 * closed runs until then.
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
    /** Of the scope that it was started for; null without one, and if nobody would wait for it. */
    private final Cleanups.@Nullable Work scope;

    private final LaunchedChild.Pipes pipes;
    private final Future<Integer> exit;
    private final AtomicReference<@Nullable Future<Integer>> closing = new AtomicReference<>();

    /**
     * On the loop.
     *
     * @throws IllegalStateException if that is closed
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

    /** As {@link #start} of {@link Command#of(String, String...)}: the child has this process's standard streams. */
    public static Mono<Subprocess> exec(String program, String... arguments) {
        return start(Command.of(program, arguments));
    }

    /** As {@link #start} of {@link Command#shell}: the child has this process's standard streams. */
    public static Mono<Subprocess> shell(String line) {
        return start(Command.shell(line));
    }

    /**
     * Starts a child. Nothing happens until subscription, then a thread starts it for the loop that runs there, or for
     * one of {@link EventLoop#shared()}. Cancelling kills it with its descendants, also if it was there and a body has
     * not taken it. A task that awaits this, directly, behind operators or in a {@code gather}, group or race, resumes
     * when the child is gone; what Reactor disposes of outside of tasks is gone some milliseconds later. (An operator
     * downstream that drops it while it is cancelled on another thread hands it to {@code Hooks.onNextDropped}:
     * {@link #use} drops none.)
     *
     * <p>Fails with {@link java.io.IOException}, before there is a child, if the program or the directory is not there
     * or may not be used; with {@link UnsupportedOperationException} for a {@link Command#newSession} that cannot be.
     *
     * <p>asyncio: {@code create_subprocess_exec}, {@code create_subprocess_shell}.
     */
    public static Mono<Subprocess> start(Command command) {
        return new MonoStart<>(Objects.requireNonNull(command, "command"), false, (child, context) -> child);
    }

    /**
     * Starts a child by protocol: its output goes to the protocol as it comes, and so do the ends of its pipes and its
     * exit. What the command leaves open is {@link Stdio#PIPE}. Nothing happens until subscription. Cancelling is as
     * for {@link #start}, and so are errors; when this completes, {@link SubprocessProtocol#connectionMade} has been
     * called.
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
     * @param factory is called on the loop when the child has been started; if it fails, the child is killed
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
     * As {@link #execProtocol} of {@link Command#shell}.
     *
     * <p>asyncio: {@code loop.subprocess_shell}.
     *
     * @since 0.1
     */
    public static <P extends SubprocessProtocol> Mono<Opened<SubprocessTransport, P>> shellProtocol(
            Supplier<? extends P> factory, String line) {
        return execProtocol(factory, Command.shell(line));
    }

    /** For those who end it with {@link #cleanup}. */
    static Mono<Subprocess> startScoped(Command command) {
        return new MonoStart<>(Objects.requireNonNull(command, "command"), true, (child, context) -> child);
    }

    /** The end of its scope, for which the task waits. */
    Mono<Void> cleanup(Mono<?> end) {
        return Cleanups.cleanup(scope, end);
    }

    /**
     * Starts a child, works with it, and ends it: when the work's Mono has ended, or was cancelled, the child is closed
     * as {@link #closeAndWait} does, and this ends after that. Nothing happens until subscription.
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

    /** As {@link #use}, for work that gives many values. */
    public static <T> Flux<T> useFlux(
            Command command, Function<? super Subprocess, ? extends Publisher<? extends T>> work) {
        return Flux.usingWhen(
                startScoped(command),
                Objects.requireNonNull(work, "work"),
                child -> child.cleanup(child.closeAndWait()));
    }

    /** As {@link #use}, with straight-line work, in the current task if a body awaits it. */
    public static <T extends @Nullable Object> Mono<T> useBody(
            Command command, BodyFunction<? super Subprocess, T> work) {
        Objects.requireNonNull(command, "command");
        Objects.requireNonNull(work, "work");
        Duration limit = command.exitGrace().plus(command.terminateGrace()).plusSeconds(20); // it has limits of its own
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
     * Runs a command to its end and collects what it writes. What the command leaves open is not inherited here: stdin
     * is {@link Stdio#DEVNULL}, stdout and stderr are {@link Stdio#PIPE}. Nothing happens until subscription;
     * cancelling kills the child with its descendants. A return code other than 0 is no error, unless
     * {@link Command#check} says so.
     *
     * <p>Fails as {@link #start}; with {@link TimeoutExpiredException}, which has what the child has written, after
     * {@link Command#timeout}, when the child and its descendants have been killed. If the child itself has exited by
     * then, and others hold its output open, that is no error: its return code is given, and what has come.
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

    /** As {@link #run(Command)}, with bytes for its stdin, which is a pipe. */
    public static Mono<Output> run(Command command, byte[] input) {
        Objects.requireNonNull(input, "input is null: run(command) sends nothing");
        return RunToEnd.of(command.stdin(Stdio.PIPE).orElse(Stdio.PIPE, Stdio.PIPE), child -> child.communicate(input));
    }

    /** All that it has written, to the ends of its streams, which come at the latest when its pipes are closed. */
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

    /** The pipe of stdin (0), stdout (1) or stderr (2); null if it is none. */
    @Nullable StreamConnection connection(int number) {
        return number == 0 ? pipes.stdin() : number == 1 ? pipes.stdout() : pipes.stderr();
    }

    // ---- its streams

    /**
     * Writes to its stdin; close it to let the child see the end. When the child closes it or ends, {@code drain} fails
     * with {@link BrokenPipeException} if something was lost, else with
     * {@link asyncio.streams.ConnectionResetException}.
     *
     * @throws IllegalStateException if it is no pipe, for which asyncio has None
     */
    public StreamWriter stdin() {
        return checkedPipe(0, stdin);
    }

    /**
     * Reads what it writes. The end comes when the child and all that have inherited its stdout have closed it.
     *
     * @throws IllegalStateException if it is no pipe, for which asyncio has None
     */
    public StreamReader stdout() {
        return checkedPipe(1, stdout);
    }

    /** As {@link #stdout}, for its stderr. */
    public StreamReader stderr() {
        return checkedPipe(2, stderr);
    }

    private <T> T checkedPipe(int number, @Nullable T stream) {
        if (stream == null) {
            String name = Stdio.name(number);
            throw new IllegalStateException("The " + name + " of " + this + " is no pipe but " + command.stdio(number)
                    + ": start it with Command." + name + "(Stdio.PIPE)");
        }
        return stream;
    }

    /** As {@link #communicate(byte[])}, with nothing for its stdin. */
    public Mono<Output> communicate() {
        return communication.with(new byte[0]);
    }

    /**
     * Writes all of the input to its stdin and closes that, meanwhile reads stdout and stderr to their ends, and waits
     * for the exit; those of them that are no pipes are left out, and without a pipe to stdin the input is ignored.
     * That the child does not read its input is no error. All output is held in memory. Nothing happens until
     * subscription; cancelling ends neither the child nor loses what it has written, which the next call gives. If
     * others hold the output of a child that has exited, this waits for them: after a time limit of the caller's,
     * {@link #closeAndWait} and another call give what has come.
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

    /** Its number; of a {@link Command#shell shell} command that of the shell. */
    public long pid() {
        return child.pid();
    }

    /**
     * Returns the exit code; empty while it runs. -n if signal n has killed it, as in asyncio. The JDK does not tell
     * that from an exit with 128 + n: {@code exit 137}, which is how shells pass on such an end of their children,
     * reads as -9 as well.
     */
    public OptionalInt returnCode() {
        return child.isAlive() ? OptionalInt.empty() : OptionalInt.of(child.returnCode());
    }

    /**
     * Waits for its exit, and gives the {@link #returnCode}; not for the end of its output, which others may have
     * inherited. Read what it writes meanwhile, or it may never exit: {@link #communicate()}. Nothing happens until
     * subscription; cancelling stops waiting. Any number may wait.
     *
     * <p>asyncio: {@code wait}.
     */
    public Mono<Integer> waitFor() {
        return exit.map(Function.identity()); // a task that is cancelled leaves the Future alone
    }

    /**
     * Sends a signal. Nothing happens until subscription; then a thread runs the shell's {@code kill}, but for TERM and
     * KILL, which take no other process. Cancelling does not take it back.
     *
     * <p>Fails with {@link ProcessLookupException} if the child has ended. TERM and KILL never reach another process
     * that has got its number. For the others the child is looked at about a millisecond before: one that got the
     * number in between, for which the system would have to go through all others, would get the signal.
     *
     * @param signal its name, with or without {@code SIG}, in any case: {@code "HUP"}, {@code "SIGUSR1"}
     * @throws IllegalArgumentException if that is no name; a name that the system does not know fails the Mono with it
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
     * As {@link #sendSignal}, to the child and all that it has started and that is still in its process group, as long
     * as the child runs.
     *
     * @throws IllegalStateException unless it was started with {@link Command#newSession}
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
     * Asks it to end: SIGTERM.
     *
     * @throws ProcessLookupException if it has ended
     */
    public void terminate() {
        signalNow("TERM", false);
    }

    /**
     * Ends it: SIGKILL. Its children go on: see {@link #killTree}.
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
     * Its children, their children, and so on, as far as their parents have not ended; with {@link Command#newSession}
     * all of its session. Nothing happens until subscription; then a thread looks at all processes there are.
     */
    public Mono<List<ProcessHandle>> descendants() {
        return child.descendants();
    }

    // ---- closing

    /**
     * Ends it in good order, if it has not ended: closes its stdin and waits for its exit ({@link Command#exitGrace});
     * sends it and its descendants SIGTERM and waits for their ends ({@link Command#terminateGrace}); sends those that
     * are left SIGKILL; then closes the pipes. Returns at once: {@link #closeAndWait} waits for all of that. Closing
     * twice does nothing.
     *
     * <p>Descendants whose parents had ended before are not found, and go on, unless it leads a
     * {@link Command#newSession session}.
     *
     * <p>asyncio's {@code transport.close()}, which kills at once.
     */
    @Override
    public void close() {
        closed();
    }

    /**
     * As {@link #close}, and gives its {@link #returnCode} when it has ended. Nothing happens until subscription;
     * cancelling stops waiting, not closing. Fails with {@link java.io.IOException} if not even SIGKILL has ended it
     * after five seconds.
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
     * Kills it and its descendants (SIGKILL), closes the pipes, and gives its {@link #returnCode} when it has ended.
     * Nothing happens until subscription; cancelling stops waiting. Fails as {@link #closeAndWait}.
     */
    public Mono<Integer> killTree() {
        return Mono.defer(() -> end(false).map(Function.identity()));
    }

    /** Begins at once. */
    Future<Integer> end(boolean gently) {
        Future<Integer> ended = loop.createFuture();
        end(gently, ended);
        return ended;
    }

    private void end(boolean gently, Future<Integer> ended) {
        if (!child.isAlive() && !command.isNewSession()) { // nobody is left whom we could find
            child.closePipes();
            ended.trySetResult(child.returnCode());
            return;
        }
        child.end(gently, this::closeStdin)
                .doOnTerminate(child::closePipes) // on the loop before anybody goes on there
                .subscribe(null, ended::trySetException, () -> ended.trySetResult(child.returnCode()));
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
