package asyncio;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;

/**
 * Iterates over a Publisher in straight-line code, item by item; made by {@link Asyncio#iterate}.
 *
 * <p>Nothing happens before the first {@link #next}, which subscribes in the context of its caller.
 *
 * <p><b>Closing.</b> {@link #close} cancels the subscription and, in a body, waits until all the work cancelled by that
 * has ended: the {@code finally} blocks of a {@linkplain Asyncio#generate generator}, tasks,
 * {@linkplain Asyncio#cleanup clean-ups}. So try-with-resources leaves nothing behind, no matter how the loop is left.
 *
 * <p><b>Threading.</b> Thread-safe; several tasks may wait for the next item and are served in order of arrival.
 *
 * <pre>{@code
 * try (AsyncIterator<Row> rows = iterate(table)) {
 *     for (Row row; (row = await(rows.next())) != null; ) {
 *         await(store(row));
 *     }
 * }
 * }</pre>
 *
 * <p>asyncio: {@code async for}, with {@code contextlib.aclosing} around it.
 *
 * @param <T> the type of the items
 * @since 0.1
 */
public final class AsyncIterator<T> implements AutoCloseable {
    private final IterateSubscriber<T> subscriber;
    private final MonoNext<T> next;

    AsyncIterator(Publisher<? extends T> source, int prefetch) {
        ColdFlux.adopt(Objects.requireNonNull(source, "source"));
        if (prefetch < 0) {
            throw new IllegalArgumentException("prefetch must not be negative: " + prefetch);
        }
        subscriber = new IterateSubscriber<>(source, prefetch);
        next = new MonoNext<>(subscriber);
    }

    /**
     * Returns the next item; empty (null to {@code await}) at the end of the stream, and when this is closed. Nothing
     * happens until subscription; each subscription asks for another item. Fails once with the error of the stream;
     * after that the stream is at its end.
     *
     * <p>Cancelling ends the wait. An item that arrives later, or had arrived without being taken, becomes the next
     * one: {@code waitFor(items.next(), limit)} loses none.
     *
     * <p>asyncio: {@code anext}.
     */
    public Mono<T> next() {
        return next;
    }

    /**
     * Closes this, and completes empty when all the work cancelled by that has ended. Nothing happens until
     * subscription. Items that were not taken go to {@code Operators.onDiscard}; a pending {@link #next} completes
     * empty. Cancelling does not end the wait: a task that is cancelled meanwhile gets the cancellation afterwards.
     *
     * <p>asyncio: {@code aclose}.
     */
    public Mono<Void> aclose() {
        return new MonoScope.Shielded<>(AcloseSteps.class, () -> new AcloseSteps(subscriber));
    }

    /** Closes this like {@link #aclose}; in a body, waits for the end, elsewhere does not. */
    @Override
    public void close() throws Exception {
        if (!subscriber.close()) {
            return;
        }
        EventLoop loop = EventLoop.runningOrNull();
        if (loop != null && loop.currentTask() instanceof BodyTask<?>) {
            Asyncio.await(aclose());
        }
    }

    /** {@code <AsyncIterator of generate(...) [waiting: 1]>}. */
    @Override
    public String toString() {
        return subscriber.toString();
    }

    /** The Mono of the next item: one object for all calls, since a loop asks for it repeatedly. */
    private static final class MonoNext<T> extends ColdMono<T> {
        private final IterateSubscriber<T> iterator;

        MonoNext(IterateSubscriber<T> iterator) {
            super(MonoNext.class);
            this.iterator = iterator;
            adopt();
        }

        @Override
        protected void start(CoreSubscriber<? super T> actual) {
            actual.onSubscribe(suspend(actual));
        }

        @Override
        protected Suspension<T> suspend(CoreSubscriber<? super T> actual) {
            return new NextSuspension<>(iterator, actual);
        }

        @Override
        public String toString() {
            return "next() of " + iterator;
        }
    }

    /** Closes, and waits until no work is left, even if cancelled meanwhile. */
    private static final class AcloseSteps extends Steps<Void> {
        private final IterateSubscriber<?> iterator;
        private @Nullable CancelledException cancelled;

        AcloseSteps(IterateSubscriber<?> iterator) {
            this.iterator = iterator;
        }

        @Override
        Mono<?> begin(Task<?> task) {
            iterator.close();
            Mono<?> left = left();
            return left == null ? Mono.empty() : left;
        }

        private @Nullable Mono<?> left() {
            Future<Void> rest = iterator.rest();
            return rest == null ? null : rest.whenEnded();
        }

        @Override
        @Nullable Mono<?> next(@Nullable Object value, @Nullable Throwable error) throws Exception {
            if (error instanceof CancelledException exception) {
                cancelled = cancelled == null ? exception : cancelled;
            } else if (error != null) {
                throw Misuse.<Exception>sneaky(error); // the loop is being closed
            }
            return left();
        }

        @Override
        @Nullable Void result() {
            if (cancelled != null) {
                throw cancelled;
            }
            return null;
        }
    }
}
