package asyncio.subprocess;

import asyncio.Log;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Sends SIGSTOP to a child and its descendants before they are killed: a stopped process starts no others. The signal
 * is sent by process ID, so start times are compared before and after, and another process that has reused an ID in
 * between is continued. Blocks.
 */
final class TreeStop {
    private final ChildProcess child;
    private final Set<ProcessHandle> stopped = new HashSet<>();
    private boolean failed = ChildProcess.WINDOWS;

    TreeStop(ChildProcess child) {
        this.child = child;
    }

    /**
     * Stops the child and those of its offspring that have not been stopped yet; returns false if there were none. A
     * sleeping child without offspring, which is the usual case, is not about to start any process and is left alone.
     */
    boolean stop(Collection<ProcessHandle> offspring) {
        List<ProcessHandle> running = new ArrayList<>();
        if (!offspring.isEmpty() || !ProcessTree.isAsleep(child.handle)) {
            running.add(child.handle);
            running.addAll(offspring);
            running.removeIf(handle -> stopped.contains(handle) || !ProcessTree.isRunning(handle));
        }
        if (failed || running.isEmpty()) {
            return false;
        }
        try {
            KillCommand.sendTo("STOP", running);
            List<ProcessHandle> others = others(running);
            if (!others.isEmpty()) {
                KillCommand.sendTo("CONT", others);
            }
        } catch (IOException e) { // for example no memory for one more process
            failed = true;
            Log.warn(
                    "Cannot stop " + child + " before it is killed: processes that it starts meanwhile may be left", e);
            return false;
        }
        stopped.addAll(running);
        return true;
    }

    /** Returns the stopped processes that have reused the ID of a process that has ended meanwhile. */
    private static List<ProcessHandle> others(List<ProcessHandle> signalled) {
        List<ProcessHandle> others = new ArrayList<>();
        for (ProcessHandle handle : signalled) {
            if (!handle.isAlive()) {
                ProcessHandle.of(handle.pid()).filter(ProcessTree::isStopped).ifPresent(others::add);
            }
        }
        return others;
    }
}
