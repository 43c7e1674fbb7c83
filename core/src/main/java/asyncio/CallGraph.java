package asyncio;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Captures and prints call graphs: {@link Asyncio#captureCallGraph()}. Not recursive, since tasks may wait for one
 * another in chains of any length.
 */
final class CallGraph {
    private static final int MOST_INDENTED = 100;

    private CallGraph() {}

    /** Returns the graph of a Future, or of the current task; null in a callback. */
    static @Nullable FutureCallGraph capture(String caller, @Nullable Future<?> future, int limit) {
        Future<?> root = future;
        if (root == null) {
            EventLoop loop = EventLoop.runningOrNull();
            if (loop == null) {
                throw new IllegalStateException(
                        caller + " needs a Future to look at, since no event loop runs on thread "
                                + Thread.currentThread().getName() + ": give it one, or call it inside a body");
            }
            root = loop.currentTask();
        }
        return root == null ? null : new Capture(limit).of(root);
    }

    /** Formats a graph; empty without one. */
    static String format(@Nullable FutureCallGraph graph) {
        return graph == null ? "" : new Text().of(graph);
    }

    /** A capture in progress: depth first, each Future after all tasks that wait for it. */
    private static final class Capture {
        private final int limit;
        private final IdentityHashMap<Future<?>, FutureCallGraph> made = new IdentityHashMap<>();
        private final Set<Future<?>> begun = Collections.newSetFromMap(new IdentityHashMap<>());
        private final Deque<Visit> path = new ArrayDeque<>();

        Capture(int limit) {
            this.limit = limit;
        }

        FutureCallGraph of(Future<?> root) {
            begin(root);
            for (; ; ) {
                Visit visit = path.element();
                if (visit.awaiters.hasNext()) {
                    Task<?> awaiter = visit.awaiters.next();
                    FutureCallGraph known = made.get(awaiter);
                    if (known != null) {
                        visit.graphs.add(known);
                    } else if (begun.contains(awaiter)) {
                        visit.graphs.add(new FutureCallGraph(awaiter, List.of(), List.of()));
                    } else {
                        begin(awaiter);
                    }
                    continue;
                }
                path.remove();
                FutureCallGraph graph = new FutureCallGraph(visit.future, stack(visit.future), visit.graphs);
                made.put(visit.future, graph);
                Visit below = path.peek();
                if (below == null) {
                    return graph;
                }
                below.graphs.add(graph);
            }
        }

        private void begin(Future<?> future) {
            begun.add(future);
            path.push(new Visit(future));
        }

        private List<FrameCallGraphEntry> stack(Future<?> future) {
            if (limit == 0 || !(future instanceof Task<?> task)) {
                return List.of();
            }
            List<StackTraceElement> stack = BodyStack.of(task.bodyThread(), task::done);
            int size = stack.size();
            int left = limit == Integer.MIN_VALUE ? size : Math.min(Math.abs(limit), size);
            return (limit < 0 ? stack.subList(0, left) : stack.subList(size - left, size))
                    .stream().map(FrameCallGraphEntry::new).toList();
        }
    }

    /** A Future with its awaiting tasks, which are being visited. */
    private static final class Visit {
        final Future<?> future;
        final Iterator<Task<?>> awaiters;
        final List<FutureCallGraph> graphs = new ArrayList<>();

        Visit(Future<?> future) {
            this.future = future;
            this.awaiters = Awaiters.of(future).iterator();
        }
    }

    private static final class Text {
        private final StringBuilder text = new StringBuilder();
        private final Set<Future<?>> printed = Collections.newSetFromMap(new IdentityHashMap<>());

        private record Line(FutureCallGraph graph, int level) {}

        String of(FutureCallGraph root) {
            Deque<Line> open = new ArrayDeque<>();
            open.push(new Line(root, 0));
            for (Line line; (line = open.poll()) != null; ) {
                FutureCallGraph graph = line.graph;
                // the lines of a long chain would be as long as the chain
                String indent = "    ".repeat(Math.min(line.level, MOST_INDENTED));
                if (!print(graph, indent)) {
                    continue;
                }
                List<FutureCallGraph> awaitedBy = graph.awaitedBy();
                if (!awaitedBy.isEmpty()) {
                    line(indent).append("  + Awaited by:");
                }
                for (int i = awaitedBy.size(); --i >= 0; ) {
                    open.push(new Line(awaitedBy.get(i), line.level + 1));
                }
            }
            return text.toString();
        }

        private boolean print(FutureCallGraph graph, String indent) {
            Future<?> future = graph.future();
            line(indent).append("* ");
            if (future instanceof Task<?> task) {
                text.append("Task(name='").append(task.getName()).append("', id=0x");
                text.append(Long.toHexString(task.getId())).append(')');
            } else {
                text.append("Future(id=0x")
                        .append(Integer.toHexString(System.identityHashCode(future)))
                        .append(')');
            }
            if (!printed.add(future)) {
                text.append(", as above");
                return false;
            }
            if (!graph.callStack().isEmpty()) {
                line(indent).append("  + Call stack:");
                for (FrameCallGraphEntry entry : graph.callStack()) {
                    line(indent).append("  |   at ").append(entry);
                }
            }
            return true;
        }

        private StringBuilder line(String indent) {
            return (text.length() == 0 ? text : text.append('\n')).append(indent);
        }
    }
}
