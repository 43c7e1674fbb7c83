package asyncio;

import java.util.List;
import java.util.Objects;

/**
 * A Future with the tasks that wait for it, the tasks that wait for those, and so on, each with the stack of its body:
 * how the program came to wait for it. Captured by {@link Asyncio#captureCallGraph()}; later events do not change it.
 *
 * <p>A task that is reached by several paths is the same object in all of them. Where tasks wait for one another in a
 * cycle, the task that closes it appears once more, without a stack and without the tasks that wait for it.
 *
 * <p>asyncio: {@code FutureCallGraph}.
 *
 * @param future the Future or task
 * @param callStack the stack of its body, innermost line first; empty if it has no body, or if no lines were requested
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

    /** Compares by identity: a chain of awaits may be too long for a recursive comparison. */
    @Override
    public boolean equals(Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(this);
    }

    /**
     * Returns the Future and its numbers of lines and awaiting tasks; {@link Asyncio#formatCallGraph()} gives the full
     * text.
     */
    @Override
    public String toString() {
        return "FutureCallGraph[future=" + Log.text(future) + ", callStack=" + callStack.size() + " lines, awaitedBy="
                + awaitedBy.size() + "]";
    }
}
