package asyncio.spring;

import asyncio.EventLoop;
import asyncio.Task;
import asyncio.management.LoopInfo;
import asyncio.management.Loops;
import asyncio.management.TaskInfo;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.aot.hint.annotation.RegisterReflectionForBinding;
import org.springframework.boot.actuate.endpoint.Access;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;
import org.springframework.boot.actuate.endpoint.annotation.WriteOperation;
import org.springframework.boot.actuate.endpoint.web.WebEndpointResponse;

/**
 * The tasks of all loops of the process, each below the task that waits for it: {@code GET /actuator/asyncio}, as JSON,
 * or as text on request. {@code POST /actuator/asyncio/NAME} cancels the tasks with that name, if
 * {@code management.endpoint.asyncio.access=unrestricted} allows it.
 *
 * @since 0.1
 */
@Endpoint(id = "asyncio", defaultAccess = Access.READ_ONLY)
@RegisterReflectionForBinding({AsyncioEndpoint.Tasks.class, AsyncioEndpoint.TaskNode.class})
public final class AsyncioEndpoint {
    private static final int STACK_LINES = 3;
    /** The depth of a tree, which JSON writers and parsers limit. */
    private static final int MAX_DEPTH = 100;

    private final Loops loops = new Loops();

    AsyncioEndpoint() {}

    /**
     * All loops.
     *
     * @param loops the loops, in the order of their numbers
     */
    public record Tasks(List<LoopNode> loops) {}

    /**
     * A loop, and its tasks for which no other task waits.
     *
     * @param name the name of the loop
     * @param running whether a thread runs it
     * @param count the number of its unfinished tasks
     * @param tasks the tasks without awaiters, and those awaited only in a circle, or more than a hundred levels deep
     */
    public record LoopNode(String name, boolean running, int count, List<TaskNode> tasks) {}

    /**
     * A task, and those that it waits for. A task with several awaiters is below each of them, with its own children
     * only below the first.
     *
     * @param id the id of the task
     * @param name the name of the task
     * @param loop the name of its loop
     * @param state the state: {@code waiting}, {@code ready} or {@code cancelling}
     * @param waitsFor the source that it waits for, as text
     * @param stack the innermost lines of its body
     * @param children the tasks that it waits for, and those of its group
     */
    public record TaskNode(
            long id,
            String name,
            String loop,
            String state,
            String waitsFor,
            List<String> stack,
            List<TaskNode> children) {}

    /**
     * Returns the tree of tasks. Called on a thread that may block.
     *
     * @param stacks the number of lines to read of each body, 3 by default; 0 is much faster
     */
    @ReadOperation
    public Tasks tasks(@Nullable Integer stacks) {
        return new Tree(loops.tasks(stacks == null ? STACK_LINES : Math.max(0, stacks))).of(loops.getLoops());
    }

    /** Returns the tree as text, with all lines. */
    @ReadOperation(produces = "text/plain;charset=UTF-8")
    public String dump() {
        return loops.dump();
    }

    /**
     * Cancels the tasks with this name, of all loops; they end when their clean-up has ended.
     *
     * @return their number, with status 404 if there were none
     */
    @WriteOperation
    public WebEndpointResponse<Map<String, Integer>> cancel(@Selector String name) {
        int cancelled = 0;
        for (EventLoop loop : EventLoop.all()) {
            for (Task<?> task : loop.allTasks()) {
                if (task.getName().equals(name) && task.cancel("cancelled by the endpoint asyncio")) {
                    cancelled++;
                }
            }
        }
        return new WebEndpointResponse<>(
                Map.of("cancelled", cancelled),
                cancelled == 0 ? WebEndpointResponse.STATUS_NOT_FOUND : WebEndpointResponse.STATUS_OK);
    }

    /** Builds the tree. A task that is awaited only in a circle is also a root. */
    private static final class Tree {
        private final List<TaskInfo> tasks;
        private final Map<Long, List<TaskInfo>> children = new HashMap<>();
        private final Set<Long> placed = new HashSet<>();
        private final Queue<TaskInfo> tooDeep = new ArrayDeque<>();

        Tree(List<TaskInfo> tasks) {
            this.tasks = tasks;
            for (TaskInfo task : tasks) {
                for (Long awaiter : task.getAwaiters()) {
                    children.computeIfAbsent(awaiter, none -> new ArrayList<>()).add(task);
                }
            }
        }

        Tasks of(List<LoopInfo> loops) {
            Set<Long> known = new HashSet<>();
            tasks.forEach(task -> known.add(task.getId()));
            Map<String, List<TaskNode>> roots = new HashMap<>();
            for (TaskInfo task : tasks) {
                if (task.getAwaiters().stream().noneMatch(known::contains)) {
                    addRoot(task, roots);
                }
            }
            for (TaskInfo task; (task = tooDeep.poll()) != null; ) {
                addRoot(task, roots);
            }
            tasks.forEach(task -> addRoot(task, roots)); // tasks awaited in a circle
            return new Tasks(loops.stream()
                    .map(loop -> new LoopNode(
                            loop.getName(),
                            loop.isRunning(),
                            loop.getTasks(),
                            roots.getOrDefault(loop.getName(), List.of())))
                    .toList());
        }

        private void addRoot(TaskInfo task, Map<String, List<TaskNode>> roots) {
            if (!placed.contains(task.getId())) {
                roots.computeIfAbsent(task.getLoop(), none -> new ArrayList<>()).add(node(task, 1));
            }
        }

        private TaskNode node(TaskInfo task, int depth) {
            List<TaskInfo> waitedFor =
                    placed.add(task.getId()) ? children.getOrDefault(task.getId(), List.of()) : List.of();
            if (depth == MAX_DEPTH) {
                tooDeep.addAll(waitedFor);
                waitedFor = List.of();
            }
            List<TaskNode> below =
                    waitedFor.stream().map(child -> node(child, depth + 1)).toList();
            return new TaskNode(
                    task.getId(),
                    task.getName(),
                    task.getLoop(),
                    task.getState(),
                    task.getWaitsFor(),
                    task.getStack(),
                    below);
        }
    }
}
