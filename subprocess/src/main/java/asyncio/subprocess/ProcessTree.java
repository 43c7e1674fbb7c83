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
 * A child's descendants, and what else is in its session. Handles know when their process began, so that a signal never
 * reaches another that has got its number since. Reads all of {@code /proc}: blocks.
 */
final class ProcessTree {
    private ProcessTree() {}

    /**
     * Adds those that descend from a child now; without a session of its own those whose parents have ended are not
     * found any more. Reads the table of processes once, however many there are.
     */
    static void addOffspring(Set<ProcessHandle> tree, ProcessHandle child, boolean leadsSession) {
        if (tree.isEmpty() && !leadsSession) { // most have none
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
        Deque<ProcessHandle> left = new ArrayDeque<>(tree); // also those that they have started since
        left.add(child);
        if (leadsSession
                && (child.isAlive() || ProcessHandle.of(child.pid()).isEmpty())) { // else its number is another's
            left.addAll(session);
            tree.addAll(session);
        }
        for (ProcessHandle parent; (parent = left.poll()) != null; ) {
            if (parent.isAlive()) { // else its number could be another's, and so would be those children
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

    /** Alive, and no zombie: one whose new parent does not ask after it stays that for ever. */
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

    /** Whether its one thread waits for something. */
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
            int name = line.lastIndexOf(')'); // it may have blanks and brackets
            return name < 0 ? null : line.substring(name + 2).split(" ");
        } catch (IOException e) {
            return null;
        }
    }
}
