package asyncio.subprocess;

import asyncio.EventLoop;
import asyncio.Flight;
import asyncio.streams.StreamConnection;
import asyncio.streams.internal.PipeEnd;
import java.io.IOException;
import java.lang.ref.Cleaner;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;

/**
 * A child process as the operating system knows it, from before its loop has heard of it until it is reaped, which the
 * JDK does. What blocks here is called in {@link Workers threads}.
 */
final class ChildProcess implements LaunchedChild {
    /** Of what was killed with SIGKILL; longer takes only what hangs in the kernel. */
    private static final Duration KILL_LIMIT = Duration.ofSeconds(5);
    /** So often at most, for those that start others faster than they are found. */
    private static final int LOOKS = 20;
    /** The period of looks at processes that are not children of this one, whose end is not reported. */
    private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private static final Duration FOR_EVER = Duration.ofNanos(Long.MAX_VALUE);

    static final boolean WINDOWS = System.getProperty("os.name").startsWith("Windows");

    private static final Cleaner CLEANER = Cleaner.create();

    final Command command;
    final Process process;
    /** Its signals go by number and start time: never to another process of the same number. */
    final ProcessHandle handle;

    final CompletableFuture<Void> exit = new CompletableFuture<>();

    private final EventLoop loop;
    private final ChildPipes wiring;
    private final @Nullable PipeEnd[] pipes = new PipeEnd[3];
    /** All that were ever found by those who end it, for each of them: who kills one may be stopped before the next. */
    private final Set<ProcessHandle> offspring = ConcurrentHashMap.newKeySet();

    private ChildProcess(Command command, Process process, ChildPipes wiring, EventLoop loop) {
        this.command = command;
        this.process = process;
        this.wiring = wiring;
        this.loop = loop;
        this.handle = process.toHandle();
    }

    /**
     * Blocks.
     *
     * @param loop with which it ends, and whose virtual time it holds as long as it lives
     * @param site of {@link asyncio.Leftovers#site}
     */
    static ChildProcess start(Command command, ChildPipes wiring, EventLoop loop, @Nullable Throwable site)
            throws IOException {
        ChildProcess child = new ChildProcess(command, ProcessLauncher.start(command, wiring), wiring, loop);
        Disposable hold = loop.holdTime(child, site);
        boolean followed = false;
        try {
            child.checkExit();
            Object event = Flight.PRESENT ? ProcessEvents.started(child.pid(), command) : null;
            Workers.EXITS.execute(() -> {
                child.awaitExit(FOR_EVER);
                if (event != null) {
                    ProcessEvents.exited(event, child.returnCode());
                }
                child.exit.complete(null); // those who wait for it are told before time goes on
                hold.dispose();
            });
            LiveChildren.add(child, loop);
            followed = true;
        } finally {
            if (!followed) { // of such a child nobody would know how it goes on
                child.handle.destroyForcibly();
                wiring.close();
                hold.dispose();
            }
        }
        return child;
    }

    /**
     * The JDK notes exits by pid, and forgets one only when it has closed the pipes of that child, for which it waits
     * as long as a thread reads one that a grandchild holds. Meanwhile the pid may be another child's, for which it
     * takes that exit. One that was truly reaped has no living handle.
     */
    private void checkExit() throws IOException {
        if (!process.isAlive() && handle.isAlive()) {
            throw new IOException(
                    "Cannot start " + this + ": the JDK takes an earlier child, which had the same pid and"
                            + " whose output is still read, for this one. It was killed; start it again");
        }
    }

    @Override
    public long pid() {
        return process.pid();
    }

    @Override
    public boolean isAlive() {
        return process.isAlive();
    }

    @Override
    public CompletionStage<?> exit() {
        return exit;
    }

    /** The exit code; -n for signal n, of which the JDK makes 128 + n, as a shell does for its own children. */
    @Override
    public int returnCode() {
        int value = process.exitValue();
        return !WINDOWS && value > 128 && value <= 128 + 64 ? 128 - value : value;
    }

    // ---- its pipes

    /** @throws IllegalStateException if the loop is closed; the wiring is, too */
    @Override
    public Pipes connect() {
        try {
            if (loop.netty().isShuttingDown()) {
                throw new IllegalStateException("The event loop was closed while " + this + " was started");
            }
            return new Pipes(connect(0), connect(1), connect(2));
        } finally {
            wiring.close();
        }
    }

    private @Nullable StreamConnection connect(int number) {
        if (command.stdio(number) != Stdio.PIPE) {
            return null;
        }
        PipeEnd pipe = wiring.take(process, number, Stdio.name(number) + " of " + this);
        pipes[number] = pipe;
        pipe.unsafe().register(loop.netty(), pipe.newPromise()); // one that fails is closed, which the streams notice
        StreamConnection connection = StreamConnection.from(Connection.from(pipe), command.limit(), "Command.limit");
        if (number != 0) { // what it has written before its end, and nobody can read any more, needs no descriptor
            CLEANER.register(connection.reader(), () -> exit.thenRun(pipe::close));
        }
        return connection;
    }

    @Nullable PipeEnd pipe(int number) {
        return pipes[number];
    }

    @Override
    public void closePipes() {
        for (PipeEnd pipe : pipes) {
            if (pipe != null) {
                pipe.finish();
            }
        }
    }

    // ---- signals

    @Override
    public boolean destroy(boolean forcibly) {
        if (isAlive() && (forcibly ? handle.destroyForcibly() : handle.destroy())) {
            signalSent(forcibly ? "KILL" : "TERM", false);
            return true;
        }
        if (handle.isAlive()) {
            throw new IllegalStateException("Cannot send " + (forcibly ? "KILL" : "TERM") + " to " + this
                    + ": it runs with more rights than this process has");
        }
        return false;
    }

    /** A signal was sent to it. */
    void signalSent(String signal, boolean group) {
        if (Flight.PRESENT) {
            ProcessEvents.signalSent(pid(), command.words().get(0), signal, group);
        }
    }

    @Override
    public Mono<Void> send(String signal, boolean group) {
        return inThread(() -> KillCommand.send(this, signal, group)).then();
    }

    @Override
    public Mono<List<ProcessHandle>> descendants() {
        return inThread(() -> List.copyOf(ProcessTree.offspring(handle, command.isNewSession())));
    }

    private <T> Mono<T> inThread(Callable<T> call) {
        return Mono.defer(() -> loop.runInExecutor(Workers.POOL, call));
    }

    @Override
    public Mono<Void> end(boolean gently, Runnable closeStdin) {
        return Mono.create(sink -> {
            Disposable hold = loop.holdTime("the end of " + this, null);
            Workers.POOL.execute(() -> {
                LiveChildren.begin(this);
                try {
                    if (gently) {
                        end(closeStdin);
                    } else {
                        endAtOnce();
                    }
                    sink.success();
                } catch (Throwable e) {
                    sink.error(e);
                } finally {
                    LiveChildren.over(this);
                    hold.dispose();
                }
            });
        });
    }

    // ---- ending; these block

    /** SIGKILL for it and for all that descends from it. */
    void killTree() {
        LiveChildren.begin(this);
        try {
            stopAll();
            for (int round = 0; round < LOOKS; round++) {
                killAll();
                if (!lookOnce()) {
                    break;
                }
            }
        } finally {
            LiveChildren.over(this);
        }
    }

    /**
     * Finds all, each stopped before the next look: those who run while the table of processes is read may start others
     * faster than they are found, and when they are killed, what they have just started belongs to init.
     */
    private void stopAll() {
        TreeStop stopping = new TreeStop(this);
        boolean stopped = stopping.stop(offspring);
        for (int round = 0; round < LOOKS && (lookOnce() || stopped); round++) {
            stopped = stopping.stop(offspring);
        }
    }

    private void killAll() {
        if (handle.destroyForcibly()) {
            signalSent("KILL", false);
        }
        offspring.forEach(ProcessHandle::destroyForcibly);
    }

    /**
     * Ends it by and by: closes its stdin; then SIGTERM, for its descendants too; then SIGKILL.
     *
     * @param closeStdin does not block
     * @throws IOException if it is still there five seconds after that
     */
    private void end(Runnable closeStdin) throws IOException {
        look(); // before it exits, after which its children are somebody else's
        closeStdin.run();
        if (command.stdio(0) == Stdio.PIPE) {
            awaitExit(command.exitGrace());
        }
        look();
        if (isRunning() && !command.terminateGrace().isZero()) {
            if (handle.destroy()) {
                signalSent("TERM", false);
            }
            offspring.forEach(ProcessHandle::destroy);
            awaitEnd(command.terminateGrace());
        }
        endAtOnce();
    }

    /**
     * Ends it and all that descends from it, with SIGKILL, and waits for that.
     *
     * @throws IOException if it is still there after five seconds
     */
    private void endAtOnce() throws IOException {
        stopAll();
        long begun = System.nanoTime();
        while (isRunning() && System.nanoTime() - begun < KILL_LIMIT.toNanos()) {
            killAll();
            awaitEnd(KILL_LIMIT);
            lookOnce(); // what was started while the others were killed
        }
        if (!awaitExit(KILL_LIMIT)) {
            throw new IOException(
                    this + " is still there " + KILL_LIMIT.toSeconds()
                            + " s after SIGKILL: it hangs in the kernel, or was started with more rights than this process has");
        }
    }

    /** Until nothing new is found: some were started while the table of processes was read. */
    private void look() {
        for (int round = 0; round < LOOKS && lookOnce(); round++) {}
    }

    /** Whether there are new ones. */
    private boolean lookOnce() {
        int before = offspring.size();
        ProcessTree.addOffspring(offspring, handle, command.isNewSession());
        return offspring.size() > before;
    }

    private boolean isRunning() {
        return isAlive() || offspring.stream().anyMatch(ProcessTree::isRunning);
    }

    private boolean awaitExit(Duration limit) {
        try {
            return process.waitFor(limit.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            throw new IllegalStateException("these threads are never interrupted", e);
        }
    }

    private void awaitEnd(Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        awaitExit(limit);
        while (isRunning() && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    /** {@code cat, pid 42}: for messages. */
    @Override
    public String toString() {
        return ShellQuoting.quote(command.words().get(0)) + ", pid " + process.pid();
    }
}
