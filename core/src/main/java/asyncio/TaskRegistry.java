package asyncio;

import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The unfinished tasks of a loop, held strongly, in the order of their creation; from any thread. */
final class TaskRegistry {
    private @Nullable Task<?> first;
    private @Nullable Task<?> last;

    synchronized void add(Task<?> task) {
        Task<?> last = this.last;
        task.previousTask = last;
        if (last == null) {
            first = task;
        } else {
            last.nextTask = task;
        }
        this.last = task;
    }

    synchronized void remove(Task<?> task) {
        Task<?> previous = task.previousTask;
        Task<?> next = task.nextTask;
        if (previous == null && first != task) {
            return;
        }
        if (previous == null) {
            first = next;
        } else {
            previous.nextTask = next;
        }
        if (next == null) {
            last = previous;
        } else {
            next.previousTask = previous;
        }
        task.previousTask = null;
        task.nextTask = null;
    }

    synchronized Set<Task<?>> snapshot() {
        Set<Task<?>> all = new LinkedHashSet<>();
        for (Task<?> task = first; task != null; task = task.nextTask) {
            all.add(task);
        }
        return all;
    }
}
