package asyncio.subprocess;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
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
     * found any more.
     */
    static void addOffspring(Set<ProcessHandle> tree, ProcessHandle child, boolean leadsSession) {
        addChildrenOf(child, tree);
        for (ProcessHandle known : Set.copyOf(tree)) {
            addChildrenOf(known, tree); // what they have started since
        }
        if (leadsSession
                && (child.isAlive() || ProcessHandle.of(child.pid()).isEmpty())) { // else its number is another's
            ProcessHandle.allProcesses().forEach(candidate -> {
                String[] fields = stat(candidate.pid());
                if (fields != null && fields[SESSION].equals(Long.toString(child.pid()))) {
                    tree.add(candidate);
                }
            });
        }
        tree.remove(child);
    }

    /** Of one that lives: else its number could be another's, and so would be those children. */
    private static void addChildrenOf(ProcessHandle parent, Set<ProcessHandle> tree) {
        if (parent.isAlive()) {
            parent.descendants().forEach(tree::add);
        }
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

    // ---- Linux: /proc/PID/stat

    private static final int STATE = 0;
    private static final int SESSION = 3;

    /** What follows the name: state, parent, group, session ...; null if there is none. */
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
