package asyncio.tools;

import java.io.PrintStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * {@code pstree PID}: the tasks without awaiters, with the lines of their bodies below them, and below those the tasks
 * that they wait for. A task with several awaiters appears below each, but its subtree only once. Tasks that wait for
 * one another in a circle are marked {@code (circle)}, and listed at the end.
 */
final class TaskTree {
    /** The deepest indentation: without a limit, the lines of a long chain would be as long as the chain. */
    private static final int MOST_INDENTED = 400;

    private final Map<Long, TaskRow> tasks = new LinkedHashMap<>();
    /** The tasks that a task waits for. */
    private final Map<Long, List<Long>> awaited = new HashMap<>();

    private final List<List<Long>> circles = new ArrayList<>();
    private final Set<Long> printed = new HashSet<>();
    /** The path from the root to the task being printed. */
    private final List<Long> path = new ArrayList<>();

    TaskTree(List<TaskRow> rows) {
        rows.forEach(row -> tasks.put(row.id(), row));
        for (TaskRow row : rows) {
            for (Long awaiter : row.awaiters()) {
                awaited.computeIfAbsent(awaiter, first -> new ArrayList<>()).add(row.id());
            }
        }
    }

    /** A line to print: a task, or the outermost of the remaining lines of its body. */
    private record Line(TaskRow task, List<String> stack, String indent, boolean last) {}

    /** Prints the trees; false if there are circles. */
    boolean print(PrintStream out) {
        List<TaskRow> roots = tasks.values().stream()
                .filter(row -> row.awaiters().stream().noneMatch(tasks::containsKey))
                .toList();
        printAll(roots, out);
        for (TaskRow row : tasks.values()) {
            if (!printed.contains(row.id())) {
                printAll(List.of(row), out); // in a circle
            }
        }
        if (circles.isEmpty()) {
            return true;
        }
        out.println("ERROR: await-graph contains cycles: these tasks wait for one another, and none of them can end");
        for (List<Long> circle : circles) {
            out.println("cycle: " + circle.stream().map(this::name).collect(Collectors.joining(" -> ")));
        }
        return false;
    }

    private String name(Long id) {
        TaskRow row = tasks.get(id);
        return row == null ? "0x" + Long.toHexString(id) : row.name();
    }

    /**
     * Prints without recursion, since chains of tasks may have any length. An empty entry ends the subtree of a task.
     */
    private void printAll(List<TaskRow> roots, PrintStream out) {
        Deque<Optional<Line>> open = new ArrayDeque<>();
        push(open, roots, "");
        for (Optional<Line> next; (next = open.poll()) != null; ) {
            if (next.isEmpty()) {
                path.remove(path.size() - 1);
                continue;
            }
            Line line = next.get();
            out.print(line.indent + (line.last ? "└── " : "├── "));
            if (line.stack.isEmpty()) {
                printTask(line, open, out);
            } else {
                int outermost = line.stack.size() - 1;
                out.println(" " + line.stack.get(outermost));
                below(open, line, line.stack.subList(0, outermost));
            }
        }
    }

    private void printTask(Line line, Deque<Optional<Line>> open, PrintStream out) {
        TaskRow task = line.task;
        if (!printed.add(task.id())) {
            int before = path.indexOf(task.id());
            out.println("(T) " + task.name() + (before < 0 ? ", as above" : " (circle)"));
            if (before >= 0) {
                List<Long> circle = new ArrayList<>(path.subList(before, path.size()));
                circle.add(task.id());
                circles.add(circle);
            }
            return;
        }
        out.println("(T) " + task.name() + (task.stack().isEmpty() ? ": " + task.doing() : ""));
        path.add(task.id());
        open.push(Optional.empty());
        below(open, line, task.shortStack());
    }

    /** Adds the next line of a body or, below its innermost line, the tasks that it waits for. */
    private void below(Deque<Optional<Line>> open, Line line, List<String> stack) {
        String indent =
                line.indent.length() < MOST_INDENTED ? line.indent + (line.last ? "    " : "│   ") : line.indent;
        if (!stack.isEmpty()) {
            open.push(Optional.of(new Line(line.task, stack, indent, true)));
            return;
        }
        List<TaskRow> children = awaited.getOrDefault(line.task.id(), List.of()).stream()
                .filter(tasks::containsKey)
                .map(tasks::get)
                .toList();
        push(open, children, indent);
    }

    private static void push(Deque<Optional<Line>> open, List<TaskRow> tasks, String indent) {
        for (int i = tasks.size(); --i >= 0; ) {
            open.push(Optional.of(new Line(tasks.get(i), List.of(), indent, i == tasks.size() - 1)));
        }
    }
}
