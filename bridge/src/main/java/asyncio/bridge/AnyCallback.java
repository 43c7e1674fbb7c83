package asyncio.bridge;

import java.nio.channels.CompletionHandler;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** A callback that implements the types it can be converted to, so that converting allocates nothing. */
interface AnyCallback<T>
        extends Callback<T>, BiConsumer<@Nullable T, @Nullable Throwable>, CompletionHandler<T, Object> {
    @Override
    default void accept(@Nullable T value, @Nullable Throwable error) {
        if (error == null) {
            success(value);
        } else {
            failure(Outcomes.unwrap(error));
        }
    }

    @Override
    default void completed(@Nullable T value, @Nullable Object attachment) {
        success(value);
    }

    @Override
    default void failed(Throwable error, @Nullable Object attachment) {
        failure(error);
    }

    @Override
    default BiConsumer<@Nullable T, @Nullable Throwable> asBiConsumer() {
        return this;
    }

    @Override
    @SuppressWarnings("unchecked") // the attachment is never used
    default <A> CompletionHandler<T, A> asCompletionHandler() {
        return (CompletionHandler<T, A>) this;
    }
}
