package asyncio;

import asyncio.internal.loop.TimeHolds;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The unfinished tasks of a loop as a tree, with the tasks that each one waits for below it. */
final class TaskDump {
    private static final int MOST_FRAMES = 3;
    private static final int MOST_INDENTED = 100;

    private final StringBuilder text = new StringBuilder();
    /** The tasks that have been printed. */
    private final Set<Task<?>> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    /** The unfinished tasks that each task waits for, for tasks that wait for any. */
    private final IdentityHashMap<Task<?>, Set<Task<?>>> awaitedBy = new IdentityHashMap<>();
    /** The text of each target. */
    private final IdentityHashMap<Object, String> texts = new IdentityHashMap<>();

    private TaskDump() {}

    static String of(EventLoop loop) {
        Set<Task<?>> tasks = loop.tasks.snapshot();
        TaskDump dump = new TaskDump();
        dump.text
                .append(Log.text(loop))
                .append(": ")
                .append(tasks.size())
                .append(tasks.size() == 1 ? " task" : " tasks");
        tasks.forEach(dump::findParts);
        tasks.forEach(dump::findAwaiters);
        Set<Task<?>> roots = new LinkedHashSet<>(tasks);
        tasks.forEach(task -> roots.removeAll(dump.awaitedBy(task)));
        dump.printAll(roots);
        dump.printAll(tasks); // the tasks that await each other in a circle
        dump.printHolds(loop);
        return dump.text.toString();
    }

    /** Adds the tasks that a task waits for directly: one, possibly of another loop, or those of a group. */
    private void findParts(Task<?> task) {
        Object target = task.awaits();
        Collection<? extends Future<?>> parts = target instanceof Future<?> future ? future.parts() : List.of();
        for (Future<?> part : parts) {
            if (part instanceof Task<?> inner && !inner.done()) {
                addEdge(task, inner);
            }
        }
    }

    /** Adds the edges that reach a task through other objects. */
    private void findAwaiters(Task<?> awaited) {
        for (Task<?> task : Awaiters.of(awaited)) {
            addEdge(task, awaited);
        }
    }

    private void addEdge(Task<?> task, Task<?> awaited) {
        awaitedBy.computeIfAbsent(task, first -> new LinkedHashSet<>()).add(awaited);
    }

    private Set<Task<?>> awaitedBy(Task<?> task) {
        return awaitedBy.getOrDefault(task, Set.of());
    }

    /** A task still to be printed, and its depth. */
    private record Line(Task<?> task, String indent, int depth) {}

    /** Prints depth first, on an explicit stack, since chains of waiting tasks may have any length. */
    private void printAll(Collection<Task<?>> tasks) {
        Deque<Line> stack = new ArrayDeque<>();
        push(stack, tasks, "\n", 0);
        for (Line line; (line = stack.poll()) != null; ) {
            if (seen.add(line.task)) {
                print(line.task, line.indent);
                int depth = line.depth + 1;
                // the lines of a long chain would be as long as the chain
                push(stack, awaitedBy(line.task), depth > MOST_INDENTED ? line.indent : line.indent + "  ", depth);
            }
        }
    }

    private static void push(Deque<Line> stack, Collection<Task<?>> tasks, String indent, int depth) {
        List<Task<?>> reversed = new ArrayList<>(tasks);
        Collections.reverse(reversed);
        reversed.forEach(task -> stack.push(new Line(task, indent, depth)));
    }

    private void print(Task<?> task, String indent) {
        text.append(indent).append("- ").append(task.getName());
        if (task.cancelling() > 0) {
            text.append(", being cancelled,");
        }
        Object target = task.awaits();
        if (target == null) {
            text.append(" is ready or running");
        } else if (target instanceof Task<?> inner) {
            text.append(" waits for ").append(inner.getName());
        } else {
            // the time for a Future's text grows with its waiters, and each of them may be a task here
            text.append(" waits for ").append(texts.computeIfAbsent(target, Log::text));
        }
        printOrigin(task.origin());
        String below = indent + "  ";
        for (StackTraceElement frame : frames(task)) {
            text.append(below).append("  at ").append(BodyStack.describe(frame));
        }
    }

    private void printOrigin(@Nullable Origin origin) {
        if (origin != null) {
            String created = Origin.describe(origin);
            text.append(created.isEmpty() ? " created " : created + ", ")
                    .append(Duration.ofNanos(System.nanoTime() - origin.nanos).toMillis())
                    .append(" ms ago");
        }
    }

    private void printHolds(EventLoop loop) {
        List<TimeHolds.Hold> holds = loop.core.holds();
        if (!holds.isEmpty()) {
            text.append("\nVirtual time stands still as long as these live or work:");
        }
        for (TimeHolds.Hold hold : holds) {
            text.append("\n- ").append(Log.text(hold.holder));
            printOrigin(Origin.of(hold.site));
            List<StackTraceElement> frames = Origin.framesOf(Origin.of(hold.site)).stream()
                    .takeWhile(frame -> !BodyStack.isOfJdk(frame)) // stop at the JDK frames that call a test's body
                    .limit(MOST_FRAMES)
                    .toList();
            for (StackTraceElement frame : frames) {
                text.append("\n    at ").append(BodyStack.describe(frame));
            }
        }
    }

    /**
     * Returns the innermost lines of a body, with at most one line of the JDK: the method that the first user line
     * calls.
     */
    private static List<StackTraceElement> frames(Task<?> task) {
        List<StackTraceElement> stack = BodyStack.of(task.bodyThread(), task::done);
        int line = 0;
        while (line < stack.size() && BodyStack.isOfJdk(stack.get(line))) {
            line++;
        }
        if (line == stack.size()) {
            return List.of();
        }
        int from = Math.max(0, line - 1);
        return stack.subList(from, Math.min(stack.size(), from + MOST_FRAMES));
    }
}
