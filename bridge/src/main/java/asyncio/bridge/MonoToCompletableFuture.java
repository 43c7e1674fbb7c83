package asyncio.bridge;

import asyncio.ThreadLocals;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * The future of {@link Futures#toCompletableFuture}: the Mono's subscriber. CompletableFuture's own state decides
 * between the end of the Mono and a completion from outside.
 */
final class MonoToCompletableFuture<T> extends CompletableFuture<@Nullable T> implements CoreSubscriber<T>, Scannable {
    @SuppressWarnings("rawtypes")
    private static final AtomicReferenceFieldUpdater<MonoToCompletableFuture, Subscription> SUBSCRIPTION =
            AtomicReferenceFieldUpdater.newUpdater(MonoToCompletableFuture.class, Subscription.class, "subscription");

    private final Mono<? extends T> mono;
    private final Cancellation cancellation;
    private final Context context = ThreadLocals.capture();
    private volatile @Nullable Subscription subscription;

    private MonoToCompletableFuture(Mono<? extends T> mono, Cancellation cancellation) {
        this.mono = mono;
        this.cancellation = cancellation;
    }

    static <T> MonoToCompletableFuture<T> start(Mono<? extends T> mono, Cancellation cancellation) {
        MonoToCompletableFuture<T> stage =
                new MonoToCompletableFuture<>(Objects.requireNonNull(mono, "mono"), cancellation);
        mono.subscribe(stage);
        return stage;
    }

    @Override
    public void onSubscribe(Subscription s) {
        if (Operators.setOnce(SUBSCRIPTION, this, s)) {
            s.request(Long.MAX_VALUE);
        }
    }

    @Override
    public void onNext(T value) {
        try (ThreadLocals.Scope locals = ThreadLocals.restore(context)) {
            if (!super.complete(value)) {
                Operators.onDiscard(value, context);
            }
        }
    }

    @Override
    public void onError(Throwable error) {
        try (ThreadLocals.Scope locals = ThreadLocals.restore(context)) {
            if (!super.completeExceptionally(error)) {
                Outcomes.dropError(error, isCancelled(), context);
            }
        }
    }

    @Override
    public void onComplete() {
        if (isDone()) {
            return; // by the value
        }
        try (ThreadLocals.Scope locals = ThreadLocals.restore(context)) {
            super.complete(null);
        }
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        return endedOutside(super.cancel(mayInterruptIfRunning));
    }

    @Override
    public boolean complete(@Nullable T value) {
        return endedOutside(super.complete(value));
    }

    /** Also called by {@code orTimeout}. */
    @Override
    public boolean completeExceptionally(Throwable error) {
        return endedOutside(super.completeExceptionally(error));
    }

    /** The JDK's method would bypass {@link #complete}. */
    @Override
    public CompletableFuture<@Nullable T> completeAsync(Supplier<? extends @Nullable T> supplier, Executor executor) {
        Objects.requireNonNull(supplier, "supplier");
        executor.execute(() -> {
            try {
                complete(supplier.get());
            } catch (Throwable e) {
                completeExceptionally(e);
            }
        });
        return this;
    }

    private boolean endedOutside(boolean ended) {
        if (ended && cancellation == Cancellation.PROPAGATE) {
            Operators.terminate(SUBSCRIPTION, this);
            Outcomes.cancel(mono);
        }
        return ended;
    }

    /** Dependent stages, as returned by {@code thenApply}, are plain futures. */
    @Override
    public <U> CompletableFuture<U> newIncompleteFuture() {
        return new CompletableFuture<>();
    }

    @Override
    public Context currentContext() {
        return context;
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.PARENT) {
            return subscription;
        }
        return key == Attr.TERMINATED ? isDone() : null;
    }
}
