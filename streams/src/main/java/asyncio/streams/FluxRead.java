package asyncio.streams;

import asyncio.KeepingSubscription;
import java.io.IOException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;

/**
 * Reads until the end of the stream: cold, with one read for each requested element, on the loop of the reader. Bytes
 * that are not requested stay in the reader's buffer, so a cancellation has nothing to put back.
 */
final class FluxRead<T> extends Flux<T> implements Scannable {
    private final StreamReader reader;
    private final String name;
    private final Until until;
    private final ReadForm<T> form;

    FluxRead(StreamReader reader, String name, Until until, ReadForm<T> form) {
        this.reader = reader;
        this.name = name;
        this.until = until;
        this.form = form;
    }

    @Override
    public void subscribe(CoreSubscriber<? super T> actual) {
        actual.onSubscribe(new Reader<>(this, actual));
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : key == Attr.NAME ? name : null;
    }

    @Override
    public String toString() {
        return name + "() of " + reader;
    }

    /** Emits on the loop only. */
    private static final class Reader<T> implements Incoming.Pending, KeepingSubscription, Scannable {
        @SuppressWarnings("rawtypes")
        private static final AtomicLongFieldUpdater<Reader> REQUESTED =
                AtomicLongFieldUpdater.newUpdater(Reader.class, "requested");

        private final FluxRead<T> reads;
        private final Incoming incoming;
        private final CoreSubscriber<? super T> actual;
        private volatile long requested;
        /** Cancelled, or a terminal signal has been sent. */
        private volatile boolean ended;
        /** A {@link #proceed} call is below on the stack; it sees further requests. */
        private boolean emitting;

        Reader(FluxRead<T> reads, CoreSubscriber<? super T> actual) {
            this.reads = reads;
            this.incoming = reads.reader.incoming();
            this.actual = actual;
        }

        // ---- the subscriber's side, any thread

        @Override
        public void request(long n) {
            if (n <= 0) {
                onLoop(() -> fail(Exceptions.nullOrNegativeRequestException(n)));
            } else if (!ended && Operators.addCap(REQUESTED, this, n) == 0) {
                onLoop(this::start); // else it is waiting or emitting, and sees the number after the last item
            }
        }

        private void onLoop(Runnable step) {
            try {
                incoming.onLoop(step);
            } catch (RejectedExecutionException e) {
                fail(new IOException("Cannot read: the event loop of the connection is closed", e));
            }
        }

        @Override
        public void withhold(BooleanSupplier cancelled) {
            cancel();
        }

        @Override
        public void cancel() {
            ended = true;
        }

        // ---- the reader's side, on its loop

        private void start() {
            if (!emitting && !ended) {
                incoming.start(this);
            }
        }

        @Override
        public boolean isWaiting() {
            return !ended;
        }

        @Override
        public boolean proceed() {
            emitting = true;
            try {
                return emit();
            } finally {
                emitting = false;
            }
        }

        /** Emits as much as is available and requested; returns false if it must wait for more. */
        private boolean emit() {
            for (long demand = requested; demand != 0; ) {
                long emitted = 0;
                while (emitted != demand) {
                    if (ended) {
                        return true;
                    }
                    Incoming.Pending other = incoming.waiting();
                    if (other != null) {
                        refuse(other.method()); // our own subscriber started it
                        return true;
                    }
                    Throwable exception = incoming.exception();
                    if (exception != null) {
                        fail(exception);
                        return true;
                    }
                    T taken = null;
                    Throwable failure = null;
                    int n = Until.FAILED;
                    try {
                        n = reads.until.decide(incoming.buffer, incoming.ended(), incoming.limit);
                        if (n == Until.FAILED) {
                            failure = incoming.failure(reads.until);
                        } else if (n >= 0) {
                            taken = incoming.take(reads.form, n);
                        }
                    } catch (Throwable e) { // no memory for the bytes, which stay buffered
                        failure = e;
                    }
                    if (failure != null) {
                        fail(failure);
                        return true;
                    }
                    if (n == Until.MORE) {
                        Operators.produced(REQUESTED, this, emitted);
                        return false;
                    }
                    if (taken == null) {
                        complete();
                        return true;
                    }
                    actual.onNext(taken);
                    emitted++;
                }
                if (incoming.atEof() && incoming.exception() == null) {
                    complete(); // a subscriber that has requested everything sees the end without another request
                    return true;
                }
                demand = Operators.produced(REQUESTED, this, emitted);
            }
            return true;
        }

        private void complete() {
            if (!ended) {
                ended = true;
                actual.onComplete();
            }
        }

        private void fail(Throwable error) {
            if (!ended) {
                ended = true;
                actual.onError(error);
            }
        }

        @Override
        public void cutOff(Throwable truncation) {
            fail(truncation);
        }

        @Override
        public void refuse(String method) {
            fail(StreamReader.secondRead(method(), method));
        }

        @Override
        public String method() {
            return reads.name;
        }

        @Override
        @SuppressWarnings("rawtypes")
        public @Nullable Object scanUnsafe(Attr key) {
            if (key == Attr.PARENT) {
                return reads;
            }
            if (key == Attr.ACTUAL) {
                return actual;
            }
            if (key == Attr.TERMINATED) {
                return ended;
            }
            if (key == Attr.REQUESTED_FROM_DOWNSTREAM) {
                return requested;
            }
            return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : null;
        }
    }
}
