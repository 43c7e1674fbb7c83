package asyncio.bridge;

import asyncio.ColdMono;
import asyncio.ThreadLocals;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.util.context.Context;

/**
 * The Mono of {@link Futures#toMono}. It is {@link Callbacks#mono} with the stage's callback built in, which needs a
 * third of the memory.
 */
final class MonoCompletionStage<T> extends ColdMono<T> {
    private final Supplier<? extends CompletionStage<? extends @Nullable T>> supplier;
    private final Cancellation cancellation;

    MonoCompletionStage(
            Supplier<? extends CompletionStage<? extends @Nullable T>> supplier, Cancellation cancellation) {
        super(supplier);
        this.supplier = Objects.requireNonNull(supplier, "supplier");
        this.cancellation = Objects.requireNonNull(cancellation, "cancellation");
    }

    @Override
    protected void start(CoreSubscriber<? super T> actual) {
        actual.onSubscribe(new StageSubscription<>(this, actual));
    }

    @Override
    public String toString() {
        return "Futures.toMono(" + supplier.getClass().getName() + ", " + cancellation + ")";
    }

    private CompletionStage<? extends @Nullable T> ask(Context context) {
        try (ThreadLocals.Scope locals = ThreadLocals.add(context)) {
            return Objects.requireNonNull(supplier.get(), "The supplier returned null instead of a stage");
        }
    }

    private void left(@Nullable CompletionStage<?> stage) {
        if (stage != null && cancellation == Cancellation.PROPAGATE) {
            Outcomes.cancel(stage);
        }
    }

    private static String target(@Nullable CompletionStage<?> stage) {
        return stage == null ? "a stage" : stage.toString();
    }

    /** One subscriber, which is the stage's callback. */
    private static final class StageSubscription<T> extends ReplySubscription<T>
            implements BiConsumer<@Nullable T, @Nullable Throwable> {
        private final MonoCompletionStage<T> mono;
        /** Null until the supplier has returned it. */
        private volatile @Nullable CompletionStage<? extends @Nullable T> stage;

        StageSubscription(MonoCompletionStage<T> mono, CoreSubscriber<? super T> actual) {
            super(actual);
            this.mono = mono;
        }

        @Override
        void start() {
            CompletionStage<? extends @Nullable T> asked = mono.ask(context());
            stage = asked;
            if (isCancelled()) {
                left(); // before the stage was set
            }
            CompletableFuture<? extends @Nullable T> plain =
                    asked.getClass() == CompletableFuture.class ? asked.toCompletableFuture() : null;
            if (plain != null && plain.isDone() && !plain.isCompletedExceptionally()) {
                succeed(plain.join()); // whenComplete would allocate another stage
            } else {
                asked.whenComplete(this);
            }
        }

        @Override
        public void accept(@Nullable T value, @Nullable Throwable error) {
            if (error == null) {
                succeed(value);
            } else {
                fail(Outcomes.unwrap(error));
            }
        }

        @Override
        void left() {
            mono.left(stage);
        }

        @Override
        String target() {
            return MonoCompletionStage.target(stage);
        }
    }
}
