package asyncio.subprocess;

import asyncio.EventLoop;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A child process as the operating system knows it, from before its loop has heard of it until it is reaped, which the
 * JDK does. What blocks here is called in {@link Workers threads}.
 */
final class Child {
    /** Of what was killed with SIGKILL; longer takes only what hangs in the kernel. */
    private static final Duration KILL_LIMIT = Duration.ofSeconds(5);
    /** How often processes are looked at that are not children of this one, of whose end nobody tells. */
    private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private static final boolean WINDOWS = System.getProperty("os.name").startsWith("Windows");

    final Command command;
    final Process process;
    /** Its signals go by number and start time: never to another process of the same number. */
    final ProcessHandle handle;

    final CompletableFuture<Process> exit;

    private Child(Command command, Process process) {
        this.command = command;
        this.process = process;
        this.handle = process.toHandle();
        this.exit = process.onExit();
    }

    /**
     * Blocks.
     *
     * @param loop with which it ends
     */
    static Child start(Command command, Wiring wiring, EventLoop loop) throws IOException {
        Child child = new Child(command, Launch.start(command, wiring));
        LiveChildren.add(child, loop);
        return child;
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** The exit code; -n for signal n, of which the JDK makes 128 + n, as a shell does for its own children. */
    int returnCode() {
        int value = process.exitValue();
        return !WINDOWS && value > 128 && value <= 128 + 64 ? 128 - value : value;
    }

    // ---- ending; these block

    /** SIGKILL for it and for all that descends from it. */
    void killTree() {
        Set<ProcessHandle> tree = ProcessTree.offspring(handle, command.isNewSession());
        handle.destroyForcibly();
        tree.forEach(ProcessHandle::destroyForcibly);
    }

    /**
     * Ends it and all that descends from it, with SIGKILL, and waits for that.
     *
     * @throws IOException if it is still there after five seconds
     */
    void endAtOnce() throws IOException {
        Set<ProcessHandle> tree = new LinkedHashSet<>();
        kill(tree);
    }

    /**
     * Ends it by and by: closes its stdin; then SIGTERM, for its descendants too; then SIGKILL.
     *
     * @param closeStdin does not block
     * @throws IOException if it is still there five seconds after that
     */
    void end(Runnable closeStdin) throws IOException {
        Set<ProcessHandle> tree = new LinkedHashSet<>();
        look(tree); // before it exits, after which its children are somebody else's
        closeStdin.run();
        if (command.stdio(0) == Stdio.PIPE) {
            awaitExit(command.exitGrace());
        }
        look(tree);
        if (isRunning(tree) && !command.terminateGrace().isZero()) {
            handle.destroy();
            tree.forEach(ProcessHandle::destroy);
            awaitEnd(tree, command.terminateGrace());
        }
        kill(tree);
    }

    private void kill(Set<ProcessHandle> tree) throws IOException {
        look(tree);
        if (isRunning(tree)) {
            handle.destroyForcibly();
            tree.forEach(ProcessHandle::destroyForcibly);
            awaitEnd(tree, KILL_LIMIT);
            look(tree); // what was started while the others were killed
            tree.forEach(ProcessHandle::destroyForcibly);
        }
        if (!awaitExit(KILL_LIMIT)) {
            throw new IOException(
                    this + " is still there " + KILL_LIMIT.toSeconds()
                            + " s after SIGKILL: it hangs in the kernel, or was started with more rights than this process has");
        }
    }

    private void look(Set<ProcessHandle> tree) {
        ProcessTree.addOffspring(tree, handle, command.isNewSession());
    }

    private boolean isRunning(Set<ProcessHandle> tree) {
        return isAlive() || tree.stream().anyMatch(ProcessTree::isRunning);
    }

    private boolean awaitExit(Duration limit) {
        try {
            return process.waitFor(limit.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts these threads", e);
        }
    }

    private void awaitEnd(Set<ProcessHandle> tree, Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        awaitExit(limit);
        while (isRunning(tree) && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    /** {@code cat, pid 42}: for messages. */
    @Override
    public String toString() {
        return command.words().get(0) + ", pid " + process.pid();
    }
}
