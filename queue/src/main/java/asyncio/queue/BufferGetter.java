package asyncio.queue;

import asyncio.EventLoop;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/** A waiter for an item of a subscriber's buffer. */
final class BufferGetter<T> extends ItemSuspension<T> {
    private final SubscriberBuffer<T> buffer;
    /** Whether it ends empty when the broadcast is closed, instead of failing. */
    private final boolean emptyAtEnd;

    BufferGetter(
            SubscriberBuffer<T> buffer,
            CoreSubscriber<? super T> actual,
            @Nullable Duration limit,
            boolean emptyAtEnd,
            @Nullable EventLoop loop) {
        super(actual, limit, loop);
        this.buffer = buffer;
        this.emptyAtEnd = emptyAtEnd;
    }

    // ---- under the broadcast's monitor

    boolean isStillWaiting() {
        return isWaiting();
    }

    /** Grants it an item; false if it no longer waits. */
    boolean offer(T item, long place) {
        this.place = place;
        return grant(item);
    }

    /** Ends it because there will be no item. */
    boolean refuse(RuntimeException error) {
        return emptyAtEnd && error instanceof QueueShutDownException ? grant(null) : fail(error);
    }

    // ---- of ItemSuspension

    @Override
    protected boolean begin() {
        return buffer.core.begin(buffer, this);
    }

    @Override
    protected void leave() {
        buffer.core.leave(buffer, this);
    }

    @Override
    public void giveBack(@Nullable T value) {
        if (value != null) {
            buffer.core.giveBack(buffer, value, place);
        }
    }

    @Override
    protected String target() {
        return "an item of " + buffer.core.describe(buffer);
    }
}
