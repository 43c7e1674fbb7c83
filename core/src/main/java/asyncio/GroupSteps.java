package asyncio;

import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The steps of a {@link TaskGroup}: the body, then the children until none is left. */
final class GroupSteps<T> extends Steps<T> {
    private final @Nullable BiConsumer<? super Task<?>, ? super Throwable> onFailure;
    private final Function<TaskGroup, Mono<? extends T>> body;
    private @Nullable TaskGroup group;
    private boolean bodyEnded;
    private @Nullable T value;
    private @Nullable Throwable bodyError;
    private @Nullable CancelledException cancelled;

    GroupSteps(Function<TaskGroup, Mono<? extends T>> body) {
        this(null, body);
    }

    /**
     * @param onFailure the handler of failed tasks in a group that survives failures; null for a group that ends at a
     *     failure
     */
    GroupSteps(
            @Nullable BiConsumer<? super Task<?>, ? super Throwable> onFailure,
            Function<TaskGroup, Mono<? extends T>> body) {
        this.onFailure = onFailure;
        this.body = body;
    }

    private TaskGroup group() {
        return Objects.requireNonNull(group, "a scope that has begun");
    }

    @Override
    Mono<?> begin(Task<?> task) {
        TaskGroup group = new TaskGroup(task, onFailure);
        this.group = group;
        try {
            return body.apply(group);
        } catch (Throwable e) {
            return Mono.error(e);
        }
    }

    @Override
    @SuppressWarnings("unchecked") // the first wait is for the body
    @Nullable Mono<?> next(@Nullable Object value, @Nullable Throwable error) throws Exception {
        TaskGroup group = group();
        if (!bodyEnded) {
            bodyEnded = true;
            this.value = (T) value;
            bodyError = error;
            if (error instanceof CancelledException exception) {
                cancelled = exception;
            }
            if (error != null && !group.isAborting()) { // a second cancellation would disturb their clean-up
                group.abort();
            }
        } else if (error instanceof CancelledException exception) {
            if (cancelled == null) {
                cancelled = exception; // this group's own too: the count tells whether one came from outside
            }
            if (!group.isAborting()) {
                group.abort();
            }
        } else if (error != null) {
            throw Misuse.<Exception>sneaky(error); // the loop is being closed
        }
        Future<Void> childrenDone = group.childrenLeft();
        if (childrenDone == null) {
            group.finish(bodyError, cancelled, this.value);
        }
        return childrenDone;
    }

    @Override
    @Nullable T result() {
        return value;
    }
}
