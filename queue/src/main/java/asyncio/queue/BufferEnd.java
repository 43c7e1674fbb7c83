package asyncio.queue;

import asyncio.EventLoop;
import asyncio.Suspension;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/** A waiter for a subscriber's buffer to be closed while it is empty. */
final class BufferEnd extends Suspension<Void> {
    private final SubscriberBuffer<?> buffer;

    BufferEnd(SubscriberBuffer<?> buffer, CoreSubscriber<? super Void> actual, @Nullable EventLoop loop) {
        super(actual, null, loop);
        this.buffer = buffer;
    }

    boolean isStillWaiting() {
        return isWaiting();
    }

    boolean grant() {
        return grant(null);
    }

    @Override
    protected boolean begin() {
        return buffer.core.begin(buffer, this);
    }

    @Override
    protected void leave() {
        buffer.core.leave(buffer, this);
    }

    /** There is nothing to give back. */
    @Override
    public void giveBack(@Nullable Void value) {}

    @Override
    protected String target() {
        return "the end of " + buffer.core.describe(buffer);
    }
}
