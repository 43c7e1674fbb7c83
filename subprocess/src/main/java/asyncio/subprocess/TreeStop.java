package asyncio.subprocess;

import asyncio.Log;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * SIGSTOP for a child and its descendants, before they are killed: what stands still starts no others. The signal goes
 * by number, so processes are compared by their start times before and after, and another that has got a number in
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
     * Stops the child and those of its offspring that have not been stopped; false if there were none. A child without
     * any that is asleep is about to start none, and most are like that: it is left alone.
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
        } catch (IOException e) { // no memory for one more process, say
            failed = true;
            Log.warn(
                    "Cannot stop " + child + " before it is killed: processes that it starts meanwhile may be left", e);
            return false;
        }
        stopped.addAll(running);
        return true;
    }

    /** Returns the processes that have got the number of one that has ended meanwhile, and are stopped. */
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
