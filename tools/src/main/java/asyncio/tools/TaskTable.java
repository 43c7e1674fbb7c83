package asyncio.tools;

import java.io.PrintStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** {@code ps PID}: a row for each task and each of its awaiters, with the same columns as in CPython. */
final class TaskTable {
    private TaskTable() {}

    static void print(List<TaskRow> tasks, CommandLine.Format format, PrintStream out) {
        Map<Long, TaskRow> byId = new HashMap<>();
        tasks.forEach(task -> byId.put(task.id(), task));
        Table table = new Table(
                "loop", "task id", "task name", "state", "stack", "awaiter chain", "awaiter name", "awaiter id");
        for (TaskRow task : tasks) {
            List<TaskRow> awaiters = task.awaiters().stream()
                    .filter(byId::containsKey) // else it has ended in the meantime
                    .map(byId::get)
                    .toList();
            if (awaiters.isEmpty()) {
                table.add(task.loop(), hex(task.id()), task.name(), task.state(), task.doing(), "", "", hex(0));
            }
            for (TaskRow awaiter : awaiters) {
                table.add(
                        task.loop(),
                        hex(task.id()),
                        task.name(),
                        task.state(),
                        task.doing(),
                        awaiter.doing(),
                        awaiter.name(),
                        hex(awaiter.id()));
            }
        }
        table.print(format, out);
    }

    private static String hex(long id) {
        return "0x" + Long.toHexString(id);
    }
}
