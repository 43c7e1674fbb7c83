package asyncio.metrics;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.LoopListener;
import asyncio.Task;
import asyncio.TaskFactory;
import asyncio.TaskOptions;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * Micrometer observations of the named tasks of a loop, from their creation to their end: meters, and spans with
 * Micrometer Tracing. Off unless bound to a loop.
 *
 * <p>An observation is called {@code asyncio.task}, with the low-cardinality keys {@code task}, the task's name, and
 * {@code outcome}; so use few names, without numbers in them. Its parent is the observation in the context of the code
 * that creates the task. It is in the task's own context, and so is the parent of observations that the task starts,
 * and, with {@code io.micrometer:context-propagation}, current in its body and in the functions that it runs on other
 * threads.
 *
 * <p><b>Threading.</b> From any thread; observations begin on the thread that creates the task and end on its loop.
 *
 * <pre>{@code
 * TaskObservations.bindTo(observations, loop);
 * loop.createTask(users.find(7), "find user");
 * }</pre>
 *
 * <p>asyncio: none.
 *
 * @since 0.1
 */
@SuppressWarnings("exports") // as in AsyncioMetrics
public final class TaskObservations implements Disposable {
    private static final String KEY = ObservationThreadLocalAccessor.KEY;

    private final ObservationRegistry registry;
    private final EventLoop loop;
    private final @Nullable TaskFactory before;
    private final TaskFactory factory = new Factory();
    private final Map<Task<?>, Observation> underWay = new ConcurrentHashMap<>();
    /** The observation of the task that this thread is making, until the loop reports the task. */
    @SuppressWarnings("ThreadLocalUsage") // two bindings of one loop must not take each other's observation
    private final ThreadLocal<@Nullable Observation> making = new ThreadLocal<>();

    private final Disposable listening;
    private volatile boolean disposed;

    private TaskObservations(ObservationRegistry registry, EventLoop loop) {
        this.registry = registry;
        this.loop = loop;
        this.before = loop.getTaskFactory();
        this.listening = loop.addListener(new Listener());
    }

    /**
     * Observes the named tasks made on a loop from now on. Replaces the loop's task factory with one that uses it to
     * make the tasks.
     *
     * @return stops observing when disposed; tasks that are under way are observed to their end
     */
    public static TaskObservations bindTo(ObservationRegistry registry, EventLoop loop) {
        TaskObservations observations = new TaskObservations(
                Objects.requireNonNull(registry, "registry"), Objects.requireNonNull(loop, "loop"));
        loop.setTaskFactory(observations.factory);
        return observations;
    }

    @Override
    public void dispose() {
        disposed = true;
        if (loop.getTaskFactory() == factory) {
            loop.setTaskFactory(before);
        }
        endIfDone();
    }

    @Override
    public boolean isDisposed() {
        return disposed;
    }

    private void endIfDone() {
        if (disposed && underWay.isEmpty()) {
            listening.dispose();
        }
    }

    private final class Factory implements TaskFactory {
        @Override
        public <T> Task<T> newTask(EventLoop loop, Mono<? extends T> coroutine, TaskOptions options) {
            String name = options.name();
            if (name == null || disposed || registry.isNoop()) {
                return make(loop, coroutine, options);
            }
            ContextView given = options.context();
            ContextView context = given == null ? Asyncio.currentContext() : given;
            Observation observation = Observation.createNotStarted("asyncio.task", registry)
                    .contextualName(name)
                    .lowCardinalityKeyValue("task", name);
            if (context.getOrDefault(KEY, null) instanceof Observation parent) {
                observation.parentObservation(parent);
            }
            observation.start();
            Observation outer = making.get();
            making.set(observation);
            try {
                return make(
                        loop, coroutine, options.withContext(Context.of(context).put(KEY, observation)));
            } catch (RuntimeException | Error e) {
                if (making.get() == observation) { // no task was made
                    observation.error(e).stop();
                }
                throw e;
            } finally {
                making.set(outer);
            }
        }

        private <T> Task<T> make(EventLoop loop, Mono<? extends T> coroutine, TaskOptions options) {
            return before == null ? loop.newTask(coroutine, options) : before.newTask(loop, coroutine, options);
        }
    }

    private final class Listener implements LoopListener {
        @Override
        public void taskCreated(Task<?> task) {
            Observation observation = making.get();
            if (observation != null) {
                making.remove();
                underWay.put(task, observation);
            }
        }

        @Override
        public void taskEnded(Task<?> task, Outcome outcome, @Nullable Throwable exception) {
            Observation observation = underWay.remove(task);
            if (observation == null) {
                return;
            }
            observation.lowCardinalityKeyValue("outcome", outcome.name().toLowerCase(Locale.ROOT));
            if (exception != null && outcome == Outcome.EXCEPTION) {
                observation.error(exception);
            }
            observation.stop();
            endIfDone();
        }

        @Override
        public String toString() {
            return "the observations of " + loop.getName();
        }
    }
}
