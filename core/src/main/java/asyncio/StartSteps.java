package asyncio;

import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The steps of {@link TaskGroup#start}: starts a child of a group, and waits until it reports that it is ready. */
final class StartSteps<V> extends Steps<V> {
    private final TaskGroup group;
    private final Function<? super TaskGroup.Started<V>, ? extends Mono<?>> child;
    private final TaskOptions options;
    private @Nullable Future<V> ready;
    private @Nullable Task<?> task;
    private @Nullable CancelledException cancelled;
    private @Nullable V value;

    StartSteps(TaskGroup group, Function<? super TaskGroup.Started<V>, ? extends Mono<?>> child, TaskOptions options) {
        this.group = group;
        this.child = child;
        this.options = options;
    }

    @Override
    Mono<?> begin(Task<?> caller) {
        Future<V> ready = new Future<>(caller.loop);
        this.ready = ready;
        try {
            Mono<?> coroutine = Objects.requireNonNull(
                    child.apply(new TaskGroup.Started<>(ready)),
                    "The function given to start returned null instead of a Mono");
            task = group.createStarting(coroutine, options, this);
        } catch (Throwable e) {
            return Mono.error(e);
        }
        return ready;
    }

    /**
     * Called on the loop when the child has ended; returns true if the caller of {@code start} gets its failure,
     * because the child had not reported. A cancelled caller gets nothing.
     */
    boolean childEnded(Task<?> child) {
        Future<V> ready = Objects.requireNonNull(this.ready);
        Throwable error = child.cancelled()
                ? new CancelledException(child.getName() + " was cancelled before it reported that it had started")
                : child.exception();
        if (error == null) {
            error = new IllegalStateException(child.getName()
                    + " ended without having called started(): start() needs to be told when it is ready");
        }
        return ready.trySetException(error);
    }

    @Override
    @SuppressWarnings("unchecked")
    @Nullable Mono<?> next(@Nullable Object value, @Nullable Throwable error) throws Exception {
        Task<?> task = this.task;
        if (error instanceof CancelledException exception && task != null && !task.done()) {
            // the caller is cancelled: the child's report would have no receiver, so it is cancelled and waited for,
            // too
            cancelled = cancelled == null ? exception : cancelled;
            task.cancel();
            return task.whenEnded();
        }
        if (cancelled != null) {
            throw cancelled;
        }
        if (error != null) {
            throw Misuse.<Exception>sneaky(error);
        }
        this.value = (V) value;
        return null;
    }

    @Override
    @Nullable V result() {
        return value;
    }
}
