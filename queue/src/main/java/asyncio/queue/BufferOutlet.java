package asyncio.queue;

import asyncio.EventLoop;
import asyncio.Suspension;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.util.context.Context;

/** The buffer of a broadcast's subscriber as the source of a Flux. */
final class BufferOutlet<T> extends Outlet<T> {
    private final BroadcastCore<T> core;
    private final SubscriberBuffer<T> buffer;

    BufferOutlet(BroadcastCore<T> core, SubscriberBuffer<T> buffer) {
        this.core = core;
        this.buffer = buffer;
    }

    @Override
    boolean looksEmpty() {
        return buffer.looksEmpty();
    }

    @Override
    int poll(@Nullable Object[] into, long[] places, int max) {
        return core.poll(buffer, into, places, max);
    }

    @Override
    ItemSuspension<T> getter(CoreSubscriber<? super T> actual, @Nullable EventLoop loop) {
        return new BufferGetter<>(buffer, actual, null, false, loop);
    }

    @Override
    void taken(long place) {}

    @Override
    void giveBack(T item, long place, Context context) {
        core.giveBack(buffer, item, place);
    }

    @Override
    Suspension<Void> end(CoreSubscriber<? super Void> actual, @Nullable EventLoop loop) {
        return new BufferEnd(buffer, actual, loop);
    }

    @Override
    @Nullable RuntimeException refusal() {
        return core.refusal(buffer);
    }

    @Override
    String describe() {
        return core.describe(buffer);
    }
}
