package asyncio.subprocess;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds a child's descendants and the other processes of its session. Handles know the start time of their process, so
 * a signal never reaches another process that has reused the ID. Reads all of {@code /proc}: blocks.
 */
final class ProcessTree {
    private ProcessTree() {}

    /**
     * Adds the current descendants of a child; unless it leads a session, those of ended parents are no longer found.
     * Reads the process table once, regardless of their number.
     */
    static void addOffspring(Set<ProcessHandle> tree, ProcessHandle child, boolean leadsSession) {
        if (tree.isEmpty() && !leadsSession) { // most children have no descendants
            if (child.isAlive()) {
                child.descendants().forEach(tree::add);
            }
            return;
        }
        Map<Long, List<ProcessHandle>> byParent = new HashMap<>();
        List<ProcessHandle> session = new ArrayList<>();
        ProcessHandle.allProcesses().forEach(candidate -> {
            String[] fields = stat(candidate.pid());
            Long parent = fields == null
                    ? candidate.parent().map(ProcessHandle::pid).orElse(null)
                    : Long.valueOf(fields[PARENT]);
            if (parent != null) {
                byParent.computeIfAbsent(parent, none -> new ArrayList<>()).add(candidate);
            }
            if (fields != null && fields[SESSION].equals(Long.toString(child.pid()))) {
                session.add(candidate);
            }
        });
        Deque<ProcessHandle> left = new ArrayDeque<>(tree); // also to find processes that these have started since
        left.add(child);
        if (leadsSession && (child.isAlive() || ProcessHandle.of(child.pid()).isEmpty())) { // else its ID was reused
            left.addAll(session);
            tree.addAll(session);
        }
        for (ProcessHandle parent; (parent = left.poll()) != null; ) {
            if (parent.isAlive()) { // else its ID, and so those children, could belong to another process
                for (ProcessHandle found : byParent.getOrDefault(parent.pid(), List.of())) {
                    if (tree.add(found)) {
                        left.add(found);
                    }
                }
            }
        }
        tree.remove(child);
    }

    static Set<ProcessHandle> offspring(ProcessHandle child, boolean leadsSession) {
        Set<ProcessHandle> tree = new LinkedHashSet<>();
        addOffspring(tree, child, leadsSession);
        return tree;
    }

    /**
     * Returns whether it is alive and not a zombie: a process that is not reaped by its new parent stays a zombie
     * forever.
     */
    static boolean isRunning(ProcessHandle handle) {
        if (!handle.isAlive()) {
            return false;
        }
        String[] fields = stat(handle.pid());
        return fields == null || !(fields[STATE].equals("Z") || fields[STATE].equals("X"));
    }

    static boolean isStopped(ProcessHandle handle) {
        String[] fields = stat(handle.pid());
        return fields != null && fields[STATE].equals("T");
    }

    /** Returns whether it has a single thread, which is waiting. */
    static boolean isAsleep(ProcessHandle handle) {
        String[] fields = stat(handle.pid());
        return fields == null || fields[STATE].equals("S") && fields[THREADS].equals("1");
    }

    // ---- Linux: /proc/PID/stat

    private static final int STATE = 0;
    private static final int PARENT = 1;
    private static final int SESSION = 3;
    private static final int THREADS = 17;

    /** Returns the fields after the name: state, parent, group, session ...; null if there are none. */
    private static String @Nullable [] stat(long pid) {
        try {
            String line = Files.readString(Path.of("/proc", Long.toString(pid), "stat"), StandardCharsets.ISO_8859_1);
            int name = line.lastIndexOf(')'); // the name may contain blanks and brackets
            return name < 0 ? null : line.substring(name + 2).split(" ");
        } catch (IOException e) {
            return null;
        }
    }
}
