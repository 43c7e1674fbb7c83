package asyncio.bridge;

import asyncio.ColdMono;
import asyncio.Suspension;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Exceptions;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * What {@link Futures#toMono} returns. It is {@link Callbacks#mono} with the stage's callback built in, which takes a
 * third of the memory.
 */
final class StageMono<T> extends ColdMono<T> {
    private final Supplier<? extends CompletionStage<? extends @Nullable T>> supplier;
    private final Cancellation cancellation;

    StageMono(Supplier<? extends CompletionStage<? extends @Nullable T>> supplier, Cancellation cancellation) {
        super(supplier);
        this.supplier = Objects.requireNonNull(supplier, "supplier");
        this.cancellation = Objects.requireNonNull(cancellation, "cancellation");
    }

    @Override
    protected void start(CoreSubscriber<? super T> actual) {
        actual.onSubscribe(new Waiting<>(this, actual));
    }

    @Override
    public String toString() {
        return "Futures.toMono(" + supplier.getClass().getName() + ", " + cancellation + ")";
    }

    /** One subscriber, which is the stage's callback. */
    private static final class Waiting<T> extends Suspension<T>
            implements BiConsumer<@Nullable T, @Nullable Throwable> {
        private final StageMono<T> mono;
        /** Null until it has been asked for. */
        private volatile @Nullable CompletionStage<? extends @Nullable T> stage;
        /**
         * The thread that is in {@link #begin}, until it settles. Others may see an old value, but never themselves.
         */
        private @Nullable Thread asking;

        Waiting(StageMono<T> mono, CoreSubscriber<? super T> actual) {
            super(actual, null);
            this.mono = mono;
        }

        @Override
        protected boolean begin() {
            asking = Thread.currentThread();
            try {
                CompletionStage<? extends @Nullable T> asked = ask();
                stage = asked;
                if (!isWaiting()) {
                    leave(); // cancelled meanwhile, when there was no stage to be seen
                }
                asked.whenComplete(this);
            } catch (Throwable e) {
                Exceptions.throwIfFatal(e);
                accept(null, e);
            }
            boolean settled = asking == null;
            asking = null;
            return settled;
        }

        private CompletionStage<? extends @Nullable T> ask() {
            Context context = actual().currentContext();
            if (!ThreadLocals.in(context)) {
                return supplied(mono.supplier.get());
            }
            AskWithThreadLocals<T> ask = new AskWithThreadLocals<>(mono.supplier);
            ThreadLocals.runQuietly(context, ask);
            return supplied(ask.stage);
        }

        private static <T> CompletionStage<? extends @Nullable T> supplied(
                @Nullable CompletionStage<? extends @Nullable T> stage) {
            return Objects.requireNonNull(stage, "The supplier returned null instead of a stage");
        }

        @Override
        public void accept(@Nullable T value, @Nullable Throwable error) {
            if (error == null ? grant(value) : fail(Outcomes.unwrap(error))) {
                if (asking == Thread.currentThread()) {
                    asking = null; // request() goes on with it
                } else {
                    deliver();
                }
            } else if (error == null) {
                Operators.onDiscard(value, actual().currentContext());
            } else {
                Outcomes.dropError(Outcomes.unwrap(error), true, actual().currentContext());
            }
        }

        @Override
        protected void leave() {
            CompletionStage<?> stage = this.stage;
            if (stage != null && mono.cancellation == Cancellation.PROPAGATE) {
                Outcomes.cancel(stage);
            }
        }

        @Override
        public void giveBack(@Nullable T value) {
            Operators.onDiscard(value, actual().currentContext());
        }

        @Override
        protected String target() {
            CompletionStage<?> stage = this.stage;
            return stage == null ? "a stage" : stage.toString();
        }
    }

    private static final class AskWithThreadLocals<T> implements Runnable {
        private final Supplier<? extends CompletionStage<? extends @Nullable T>> supplier;
        private @Nullable CompletionStage<? extends @Nullable T> stage;

        AskWithThreadLocals(Supplier<? extends CompletionStage<? extends @Nullable T>> supplier) {
            this.supplier = supplier;
        }

        @Override
        public void run() {
            stage = supplier.get();
        }
    }
}
