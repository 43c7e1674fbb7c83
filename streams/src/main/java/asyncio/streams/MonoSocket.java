package asyncio.streams;

import asyncio.Asyncio;
import asyncio.ColdMono;
import asyncio.EventLoop;
import asyncio.Suspension;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;

/**
 * The Mono of a method of {@link Sockets}. A read tries at once where nothing can come between the read and the use of
 * its value: in a body that awaits it, and in an operator. A task without a body tries after it has resumed, and waits
 * again if nothing was there.
 */
final class MonoSocket<T> extends ColdMono<T> {
    private final Supplier<? extends SocketAttempt<T>> attempts;

    MonoSocket(Supplier<? extends SocketAttempt<T>> attempts) {
        super(MonoSocket.class);
        this.attempts = attempts;
    }

    @Override
    protected @Nullable T awaitInBody() throws Exception {
        SocketAttempt<T> attempt = attempts.get();
        if (attempt.kind == SocketAttempt.Kind.WRITES) {
            return Asyncio.await(new Once<>(attempt));
        }
        SocketClaims.check(attempt);
        if (attempt.tryNow()) {
            return attempt.result();
        }
        while (true) {
            try {
                return Asyncio.await(new Once<>(attempt));
            } catch (SocketSuspension.NotReadyException e) {
                // wait again
            }
        }
    }

    @Override
    protected void start(CoreSubscriber<? super T> actual) {
        if (Suspension.isAwait(actual)) {
            new Once<>(attempts.get()).subscribe(actual);
        } else {
            Mono.defer(() -> inOperators(attempts.get())).subscribe(actual);
        }
    }

    private static <T> Mono<T> inOperators(SocketAttempt<T> attempt) {
        if (attempt.kind == SocketAttempt.Kind.WRITES) {
            return new Once<>(attempt);
        }
        return Mono.fromCallable(() -> {
                    SocketClaims.check(attempt);
                    return attempt.tryNow() ? attempt : null;
                })
                .flatMap(over -> Mono.justOrEmpty(over.result()))
                .switchIfEmpty(Mono.defer(() -> waiting(attempt)));
    }

    private static <T> Mono<T> waiting(SocketAttempt<T> attempt) {
        return new Once<>(attempt).onErrorResume(SocketSuspension.NotReadyException.class, e -> waiting(attempt));
    }

    /** One wait for the channel. */
    private static final class Once<T> extends ColdMono<T> {
        private final SocketAttempt<T> attempt;

        Once(SocketAttempt<T> attempt) {
            super(Once.class);
            this.attempt = attempt;
        }

        @Override
        protected void start(CoreSubscriber<? super T> actual) {
            actual.onSubscribe(suspend(actual));
        }

        @Override
        protected Suspension<T> suspend(CoreSubscriber<? super T> actual) {
            return new SocketSuspension<>(attempt, actual, EventLoop.runningOrNull());
        }

        @Override
        public String toString() {
            return attempt.toString();
        }
    }

    @Override
    public String toString() {
        return attempts.get().toString();
    }
}
