package asyncio;

import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/** A waiter for the next item of an {@link AsyncIterator}. */
final class NextSuspension<T> extends Suspension<T> {
    private final IterateSubscriber<T> iterator;

    NextSuspension(IterateSubscriber<T> iterator, CoreSubscriber<? super T> actual) {
        super(actual, null);
        this.iterator = iterator;
    }

    @Override
    protected boolean begin() {
        return iterator.begin(this);
    }

    boolean waits() {
        return isWaiting();
    }

    boolean give(@Nullable T item) {
        return grant(item);
    }

    boolean giveError(Throwable error) {
        return fail(error);
    }

    CoreSubscriber<? super T> waiter() {
        return actual();
    }

    @Nullable EventLoop resumesIn() {
        return loop();
    }

    @Override
    protected void leave() {
        iterator.leave(this);
    }

    @Override
    public void giveBack(@Nullable T item) {
        if (item != null) {
            iterator.giveBack(item);
        }
    }

    @Override
    protected String target() {
        return "the next item of " + iterator;
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        return key == Attr.PARENT ? iterator.upstream() : super.scanUnsafe(key);
    }
}
