package asyncio.streams;

import io.netty.util.ReferenceCountUtil;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * What {@link StreamWriter#writeFrom} returns: cold, each subscription subscribes to the source and writes its items.
 */
final class WriteFrom<T> extends Mono<Void> implements Scannable {
    /** How many items are asked for when there is room: so many may be buffered beyond the high limit. */
    static final int BATCH = 16;

    private final StreamWriter writer;
    private final String name;
    private final Publisher<? extends T> source;
    private final Consumer<? super T> write;

    WriteFrom(StreamWriter writer, String name, Publisher<? extends T> source, Consumer<? super T> write) {
        this.writer = writer;
        this.name = name;
        this.source = source;
        this.write = write;
    }

    @Override
    public void subscribe(CoreSubscriber<? super Void> actual) {
        actual.onSubscribe(new Writing<>(this, actual));
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : key == Attr.NAME ? name : null;
    }

    @Override
    public String toString() {
        return name + " of " + writer;
    }

    /** Whoever moves the state to {@link #ENDED} has won and signals: the source, the connection or a cancellation. */
    private static final class Writing<T> implements CoreSubscriber<T>, Subscription, Scannable {
        @SuppressWarnings("rawtypes")
        private static final AtomicIntegerFieldUpdater<Writing> STATE =
                AtomicIntegerFieldUpdater.newUpdater(Writing.class, "state");

        @SuppressWarnings("rawtypes")
        private static final AtomicReferenceFieldUpdater<Writing, Subscription> SOURCE =
                AtomicReferenceFieldUpdater.newUpdater(Writing.class, Subscription.class, "source");

        private static final int SUBSCRIBED = 0;
        private static final int WRITING = 1;
        private static final int ENDED = 2;

        private final WriteFrom<T> what;
        private final StreamWriter writer;
        private final CoreSubscriber<? super Void> actual;
        private volatile int state;
        private volatile @Nullable Subscription source;
        /** Tells of the end of the connection, which a source that is silent would not notice. */
        private volatile @Nullable Disposable connection;
        /** Waits for room. */
        private final Disposable.Swap room = Disposables.swap();
        /** Items since the last request; the source's signals are serial. */
        private int received;

        Writing(WriteFrom<T> what, CoreSubscriber<? super Void> actual) {
            this.what = what;
            this.writer = what.writer;
            this.actual = actual;
        }

        // ---- the subscriber's side

        @Override
        public void request(long n) {
            if (Operators.validate(n) && STATE.compareAndSet(this, SUBSCRIBED, WRITING)) {
                connection = writer.waitClosed()
                        .subscribe(null, this::fail, () -> fail(writer.out().lossError()));
                if (state == ENDED) {
                    forget();
                } else {
                    what.source.subscribe(this);
                }
            }
        }

        @Override
        public void cancel() {
            if (STATE.getAndSet(this, ENDED) != ENDED) {
                forget();
            }
        }

        private boolean end() {
            return STATE.compareAndSet(this, WRITING, ENDED);
        }

        private void forget() {
            Operators.terminate(SOURCE, this);
            room.dispose();
            Disposable connection = this.connection;
            if (connection != null) {
                connection.dispose();
            }
        }

        private void fail(Throwable error) {
            if (end()) {
                forget();
                actual.onError(error);
            }
        }

        // ---- the source's side

        @Override
        public void onSubscribe(Subscription subscription) {
            if (Operators.setOnce(SOURCE, this, subscription)) {
                onLoop(this::askForMore);
            }
        }

        @Override
        public void onNext(T item) {
            if (state == ENDED) {
                ReferenceCountUtil.release(item);
                return;
            }
            try {
                what.write.accept(item);
            } catch (RuntimeException e) {
                fail(Operators.onOperatorError(e, actual.currentContext()));
                return;
            }
            if (++received == BATCH) {
                received = 0;
                onLoop(this::askForMore);
            }
        }

        @Override
        public void onError(Throwable error) {
            if (end()) {
                forget();
                actual.onError(error);
            } else {
                Operators.onErrorDropped(error, actual.currentContext());
            }
        }

        @Override
        public void onComplete() {
            onLoop(this::finish);
        }

        // ---- on the loop, behind what was written

        private void onLoop(Runnable step) {
            try {
                writer.out().onLoop(step);
            } catch (RejectedExecutionException e) {
                fail(writer.out().lossError());
            }
        }

        private void askForMore() {
            if (state != ENDED) {
                Disposable drain = writer.drainNow().subscribe(null, this::fail, () -> {
                    Subscription source = this.source;
                    if (source != null) {
                        source.request(BATCH);
                    }
                });
                if (!drain.isDisposed()) { // else another one may be waiting since
                    room.update(drain);
                }
            }
        }

        private void finish() {
            if (state == ENDED) {
                return;
            }
            writer.handler().whenSent().addListener(sent -> {
                if (!sent.isSuccess()) {
                    fail(writer.out().lossError());
                } else if (end()) {
                    forget();
                    actual.onComplete();
                }
            });
        }

        @Override
        public Context currentContext() {
            return actual.currentContext();
        }

        @Override
        @SuppressWarnings("rawtypes")
        public @Nullable Object scanUnsafe(Attr key) {
            if (key == Attr.PARENT) {
                return source;
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
