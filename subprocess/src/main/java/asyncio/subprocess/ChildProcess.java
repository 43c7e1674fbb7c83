package asyncio.subprocess;

import asyncio.Activities;
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
 * A child process of the operating system, from before its loop knows of it until the JDK has reaped it. Blocking
 * methods are called on {@link Workers threads}.
 */
final class ChildProcess implements LaunchedChild {
    /** The time limit for processes to end after SIGKILL; only processes that hang in the kernel take longer. */
    private static final Duration KILL_LIMIT = Duration.ofSeconds(5);
    /** The maximum number of looks, for processes that start others faster than they are found. */
    private static final int LOOKS = 20;
    /** The interval for polling processes that are not children of this one, since their end is not reported. */
    private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    static final boolean WINDOWS = System.getProperty("os.name").startsWith("Windows");

    private static final Cleaner CLEANER = Cleaner.create();

    final Command command;
    final Process process;
    /** Sends signals by process ID and start time: never to another process that has reused the ID. */
    final ProcessHandle handle;

    final CompletableFuture<Void> exit = new CompletableFuture<>();

    private final EventLoop loop;
    private final ChildPipes wiring;
    private final @Nullable PipeEnd[] pipes = new PipeEnd[3];
    /**
     * All descendants ever found, shared by all calls that end the child: one of these calls may be stopped between two
     * kills.
     */
    private final Set<ProcessHandle> offspring = ConcurrentHashMap.newKeySet();

    private ChildProcess(Command command, Process process, ChildPipes wiring, EventLoop loop) {
        this.command = command;
        this.process = process;
        this.wiring = wiring;
        this.loop = loop;
        this.handle = process.toHandle();
    }

    /**
     * Starts a child. Blocks.
     *
     * @param loop the loop with which it ends, and whose virtual time it holds as long as it lives
     * @param site the result of {@link asyncio.Leftovers#site}
     */
    static ChildProcess start(Command command, ChildPipes wiring, EventLoop loop, @Nullable Throwable site)
            throws IOException {
        ChildProcess child = new ChildProcess(command, ProcessLauncher.start(command, wiring), wiring, loop);
        Disposable hold = loop.holdTime(child, site);
        Activities.child(loop, true);
        boolean awaited = false;
        boolean followed = false;
        try {
            child.checkExit();
            Object event = Flight.PRESENT ? ProcessEvents.started(child.pid(), command) : null;
            Exits.watch(child, () -> {
                Activities.child(loop, false);
                try {
                    if (event != null) {
                        ProcessEvents.exited(event, child.returnCode());
                    }
                } finally {
                    child.exit.complete(null); // waiters are told before virtual time advances
                    hold.dispose();
                }
            });
            awaited = true;
            LiveChildren.add(child, loop);
            followed = true;
        } finally {
            if (!followed) { // such a child would not be tracked
                child.handle.destroyForcibly();
                wiring.close();
                hold.dispose();
            }
            if (!awaited) {
                Activities.child(loop, false);
            }
        }
        return child;
    }

    /**
     * Detects a mix-up of exits. The JDK records exits by pid, and forgets one only after closing the pipes of that
     * child, which it delays while a thread reads a pipe that a grandchild holds open. Meanwhile the pid may be reused
     * by another child, which is then taken for exited. A child that was really reaped has no living handle.
     */
    private void checkExit() throws IOException {
        if (!process.isAlive() && handle.isAlive()) {
            throw new IOException(
                    "Cannot start " + this + ": the JDK takes it for an earlier child with the same pid, the output of"
                            + " which is still being read. It was killed; start it again");
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

    /** @throws IllegalStateException if the loop is closed; the pipes are closed as well */
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
        pipe.unsafe().register(loop.netty(), pipe.newPromise()); // a failure closes the pipe, which the streams notice
        StreamConnection connection = StreamConnection.from(Connection.from(pipe), command.limit(), "Command.limit");
        if (number != 0) { // output left after its exit that can no longer be read needs no descriptor
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

    /** Records that a signal was sent to it. */
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

    /** Sends SIGKILL to it and all its descendants. */
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
     * Finds all descendants, and stops each one before the next look: processes that run while the process table is
     * read may start others faster than they are found, and when they are killed, the processes they have just started
     * are inherited by init.
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
     * Ends it gracefully: closes its stdin, then sends SIGTERM to it and its descendants, then SIGKILL.
     *
     * @param closeStdin does not block
     * @throws IOException if it is still there five seconds after that
     */
    private void end(Runnable closeStdin) throws IOException {
        look(); // before it exits, since its children are then inherited by another process
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
     * Kills it and all its descendants with SIGKILL and waits for their end.
     *
     * @throws IOException if it is still there after five seconds
     */
    private void endAtOnce() throws IOException {
        stopAll();
        long begun = System.nanoTime();
        while (isRunning() && System.nanoTime() - begun < KILL_LIMIT.toNanos()) {
            killAll();
            awaitEnd(KILL_LIMIT);
            lookOnce(); // processes started while the others were killed
        }
        if (!awaitExit(KILL_LIMIT)) {
            throw new IOException(
                    this + " is still there " + KILL_LIMIT.toSeconds()
                            + " s after SIGKILL: it hangs in the kernel, or was started with more rights than this process has");
        }
    }

    /** Looks until nothing new is found: processes may be started while the process table is read. */
    private void look() {
        for (int round = 0; round < LOOKS && lookOnce(); round++) {}
    }

    /** Looks for descendants; returns whether there are new ones. */
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
