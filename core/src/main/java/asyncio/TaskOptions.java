package asyncio;

import org.jspecify.annotations.Nullable;
import reactor.util.context.ContextView;

/**
 * The options of a new task. An option that is not given is left to the loop: a generated name, the context of the code
 * that makes the task, and a start in the next tick.
 *
 * <pre>{@code
 * Task<User> user = createTask(users.find(id), TaskOptions.named("find user").withEager(true));
 * }</pre>
 *
 * <p>asyncio: the keyword arguments of {@code create_task}.
 *
 * @param name the task's name, or null for {@code Task-N}
 * @param context the context that the coroutine sees, or null for the current one
 * @param eager whether the first step is taken at once, inside {@code createTask}; null to let the loop's task factory
 *     decide. It only has an effect on the thread that runs the loop. asyncio: {@code eager_start}
 */
public record TaskOptions(
        @Nullable String name,
        @Nullable ContextView context,
        @Nullable Boolean eager) {
    /** The options with nothing given. */
    public static final TaskOptions DEFAULTS = new TaskOptions(null, null, null);

    /** Returns options with a name. */
    public static TaskOptions named(String name) {
        return DEFAULTS.withName(name);
    }

    /** Returns a copy with another name. */
    public TaskOptions withName(@Nullable String name) {
        return new TaskOptions(name, context, eager);
    }

    /** Returns a copy with another context. */
    public TaskOptions withContext(@Nullable ContextView context) {
        return new TaskOptions(name, context, eager);
    }

    /** Returns a copy with or without an eager start. */
    public TaskOptions withEager(@Nullable Boolean eager) {
        return new TaskOptions(name, context, eager);
    }
}
