package asyncio;

import java.util.List;
import java.util.Objects;

/**
 * A Future with the tasks that wait for it, the tasks that wait for those, and so on, each with the lines of its body:
 * how the program comes to wait for it. Taken by {@link Asyncio#captureCallGraph()}, and unchanged by what happens
 * afterwards.
 *
 * <p>A task that is reached in several ways is the same object in all of them. Where tasks wait for one another in a
 * circle, the one that closes it is there once more, without a stack and without those that wait for it.
 *
 * <p>asyncio: {@code FutureCallGraph}.
 *
 * @param future the Future or task
 * @param callStack the lines of its body, innermost first; empty if it has none, or if they were not asked for
 * @param awaitedBy the tasks that wait for it, directly or through combinators and operators
 * @since 0.1
 */
public record FutureCallGraph(Future<?> future, List<FrameCallGraphEntry> callStack, List<FutureCallGraph> awaitedBy) {
    /** Copies the lists. */
    public FutureCallGraph {
        Objects.requireNonNull(future, "future");
        callStack = List.copyOf(callStack);
        awaitedBy = List.copyOf(awaitedBy);
    }

    /** Whether it is the same graph: a chain of awaits may be longer than what recursion could compare. */
    @Override
    public boolean equals(Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(this);
    }

    /** The Future, and how many lines and awaiting tasks it has; {@link Asyncio#formatCallGraph()} tells all. */
    @Override
    public String toString() {
        return "FutureCallGraph[future=" + Log.text(future) + ", callStack=" + callStack.size() + " lines, awaitedBy="
                + awaitedBy.size() + "]";
    }
}
