package asyncio.streams;

import io.netty.util.ReferenceCountUtil;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import java.util.function.ToIntFunction;
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
 * The Mono of {@link StreamWriter#writeFrom}: cold, each subscription subscribes to the source and writes its items.
 */
final class MonoWriteFrom<T> extends Mono<Void> implements Scannable {
    /** The name of the Mono that writes a file, during which nothing else may be written. */
    static final String OF_FILE = "sendFile";
    /** The approximate cost of an item besides its bytes, so that many small or empty items are limited, too. */
    private static final int OVERHEAD = 100;

    private final StreamWriter writer;
    private final String name;
    private final Publisher<? extends T> source;
    private final ToIntFunction<? super T> write;

    /** @param write writes an item and returns the number of bytes */
    MonoWriteFrom(StreamWriter writer, String name, Publisher<? extends T> source, ToIntFunction<? super T> write) {
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

    /**
     * A subscription; the side that moves the state to {@link #ENDED} wins and signals: the source, the connection or a
     * cancellation.
     */
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

        private final MonoWriteFrom<T> what;
        private final StreamWriter writer;
        private final CoreSubscriber<? super Void> actual;
        private volatile int state;
        private volatile @Nullable Subscription source;
        /** Watches for the end of the connection, which a silent source would not notice. */
        private volatile @Nullable Disposable connection;
        /** Waits for room. */
        private final Disposable.Swap room = Disposables.swap();
        /**
         * The number of bytes that the source may emit before the room has to be checked again; set before a request,
         * and read in the signals that follow it.
         */
        private long credit;

        Writing(MonoWriteFrom<T> what, CoreSubscriber<? super Void> actual) {
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
                    subscribeToSource();
                }
            }
        }

        private void subscribeToSource() {
            try {
                if (!what.name.equals(OF_FILE)) {
                    writer.out().checkNoFile(what.name);
                }
                what.source.subscribe(this);
            } catch (Throwable e) { // from a source that should have signalled it
                fail(e);
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
                credit -= what.write.applyAsInt(item) + OVERHEAD;
            } catch (RuntimeException e) {
                fail(Operators.onOperatorError(e, actual.currentContext()));
                return;
            } catch (Error e) { // no memory for the item
                fail(e);
                return;
            }
            if (credit > 0) {
                request();
            } else {
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

        // ---- on the loop, after the writes so far

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
                    credit = writer.handler().room();
                    request();
                });
                if (!drain.isDisposed()) { // else another one may already be waiting
                    room.update(drain);
                }
            }
        }

        /** Requests one item at a time, since the size of the next one is unknown. */
        private void request() {
            Subscription source = this.source;
            if (source != null) {
                try {
                    source.request(1);
                } catch (Throwable e) { // from a source that has no memory for the next item
                    fail(e);
                }
            }
        }

        private void finish() {
            if (state == ENDED) {
                return;
            }
            try {
                finishWhenSent();
            } catch (Throwable e) {
                fail(e);
            }
        }

        private void finishWhenSent() {
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
                return source == null ? what.source : source;
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
