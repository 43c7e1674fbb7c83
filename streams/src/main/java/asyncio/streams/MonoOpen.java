package asyncio.streams;

import asyncio.AwaitedSubscription;
import asyncio.CancelledException;
import asyncio.EventLoop;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * A cold Mono of a resource that must be closed: the opened resource is either delivered or closed, even if the
 * subscriber cancels meanwhile. It opens on the loop that is running at subscription, or on a shared one.
 */
final class MonoOpen<T extends AutoCloseable> extends Mono<T> implements Scannable {
    private final String name;
    private final BiFunction<EventLoop, Attempt, Mono<T>> open;

    /** One subscription, from the moment it starts to open the resource. */
    interface Attempt {
        /** Ends it with this error, as a cancellation would; does nothing if it has ended. From any thread. */
        void refuse(Throwable error);
    }

    /** @param open opens the resource, subscribed to on that loop; cancelling it must undo its work so far */
    MonoOpen(String name, Function<EventLoop, Mono<T>> open) {
        this(name, (loop, attempt) -> open.apply(loop));
    }

    /** Like {@link #MonoOpen(String, Function)}; the function also gets a way to end the attempt. */
    MonoOpen(String name, BiFunction<EventLoop, Attempt, Mono<T>> open) {
        this.name = name;
        this.open = open;
    }

    @Override
    public void subscribe(CoreSubscriber<? super T> actual) {
        EventLoop loop = EventLoop.runningOrShared();
        actual.onSubscribe(new Subscriber<>(loop, open, actual));
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : key == Attr.NAME ? name : null;
    }

    @Override
    public String toString() {
        return name;
    }

    private static void close(AutoCloseable unclaimed) {
        try {
            unclaimed.close();
        } catch (Exception e) {
            Operators.onErrorDropped(e, Context.empty());
        }
    }

    /**
     * A subscriber; the side that moves the state to {@link #ENDED} wins: the result, the cancellation or the refusal.
     */
    private static final class Subscriber<T extends AutoCloseable>
            implements AwaitedSubscription<T>, CoreSubscriber<T>, Attempt, Scannable {
        @SuppressWarnings("rawtypes")
        private static final AtomicIntegerFieldUpdater<Subscriber> STATE =
                AtomicIntegerFieldUpdater.newUpdater(Subscriber.class, "state");

        private static final int SUBSCRIBED = 0;
        private static final int OPENING = 1;
        private static final int ENDED = 2;

        private final EventLoop loop;
        private final Mono<T> source;
        private final CoreSubscriber<? super T> actual;
        private volatile int state;
        private volatile @Nullable Subscription upstream;

        Subscriber(EventLoop loop, BiFunction<EventLoop, Attempt, Mono<T>> open, CoreSubscriber<? super T> actual) {
            this.loop = loop;
            this.source = Mono.defer(() -> open.apply(loop, this));
            this.actual = actual;
        }

        @Override
        public void request(long n) {
            if (!Operators.validate(n) || !STATE.compareAndSet(this, SUBSCRIBED, OPENING)) {
                return;
            }
            if (loop.netty().inEventLoop()) {
                open();
                return;
            }
            try {
                // Netty's execute: unlike a callback, it also runs if the loop is closed first, and then fails
                loop.netty().execute(this::open);
            } catch (RejectedExecutionException e) {
                onError(new IllegalStateException("The event loop is closed: " + loop, e));
            }
        }

        private void open() {
            try {
                source.subscribe(this);
            } catch (Throwable e) { // a fatal one that Reactor rethrows
                onError(e);
            }
        }

        @Override
        public void onSubscribe(Subscription s) {
            upstream = s;
            if (state == ENDED) {
                s.cancel(); // cancelled before there was anything to cancel
                return;
            }
            s.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(T opened) {
            if (!STATE.compareAndSet(this, OPENING, ENDED)) {
                close(opened);
                return;
            }
            actual.onNext(opened);
            actual.onComplete();
        }

        @Override
        public void onError(Throwable error) {
            if (STATE.compareAndSet(this, OPENING, ENDED)) {
                actual.onError(error);
            }
        }

        @Override
        public void onComplete() {
            if (STATE.compareAndSet(this, OPENING, ENDED)) {
                actual.onComplete();
            }
        }

        private boolean end() {
            if (STATE.getAndSet(this, ENDED) == ENDED) {
                return false;
            }
            Subscription upstream = this.upstream;
            if (upstream == null) {
                return true;
            }
            if (loop.netty().inEventLoop()) {
                upstream.cancel();
                return true;
            }
            try {
                loop.netty().execute(upstream::cancel); // opening and cancelling on one thread cannot race
            } catch (RejectedExecutionException e) {
                upstream.cancel(); // the loop is closed: nothing is left to race with
            }
            return true;
        }

        @Override
        public void cancel() {
            end();
        }

        @Override
        public void refuse(Throwable error) {
            if (end()) {
                actual.onError(error);
            }
        }

        @Override
        public boolean requestCancel(@Nullable String message) {
            if (!end()) {
                return false;
            }
            actual.onError(CancelledException.of(loop, message));
            return true;
        }

        @Override
        public void giveBack(@Nullable T opened) {
            if (opened != null) {
                close(opened);
            }
        }

        @Override
        public Context currentContext() {
            return actual.currentContext();
        }

        @Override
        @SuppressWarnings("rawtypes")
        public @Nullable Object scanUnsafe(Attr key) {
            if (key == Attr.PARENT) {
                return upstream;
            }
            if (key == Attr.ACTUAL) {
                return actual;
            }
            if (key == Attr.TERMINATED) {
                return state == ENDED;
            }
            return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : null;
        }
    }
}
