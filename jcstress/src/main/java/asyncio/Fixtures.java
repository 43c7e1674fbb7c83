package asyncio;

import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** The fixtures of the races: the surroundings of a {@link Future} or a {@link Wait} that a loop would provide. */
public final class Fixtures {
    /**
     * A closed loop, which queues nothing: entries for its ready queue are dropped, and the test takes the loop's part
     * by calling {@link Task#wakeUp} itself.
     */
    static final EventLoop NO_LOOP = EventLoop.builder().transport("nio").build();

    static {
        NO_LOOP.close();
    }

    private Fixtures() {}

    /** A task that does nothing by itself. */
    public static final class IdleTask extends Task<Integer> {
        public IdleTask(Context context) {
            super(NO_LOOP, Mono.never(), null, context);
        }

        @Override
        void start() {}

        @Override
        void resume(Wait wait) {}

        @Override
        boolean resumesInternally() {
            return true;
        }
    }

    /** Counts the values that are discarded or dropped. */
    static final class Losses {
        volatile int discarded;
        volatile int dropped;

        Context context() {
            return Operators.enableOnDiscard(
                    Context.of("reactor.onNextDropped.local", (Consumer<Object>) value -> {
                        synchronized (this) {
                            dropped++;
                        }
                    }),
                    value -> {
                        synchronized (this) {
                            discarded++;
                        }
                    });
        }
    }

    /** A Mono with signals sent by the test, which honours cancel: it sends nothing after having seen it. */
    static final class Foreign extends Mono<Integer> implements Subscription {
        @Nullable CoreSubscriber<? super Integer> actual;

        volatile int cancels;

        @Override
        public void subscribe(CoreSubscriber<? super Integer> actual) {
            this.actual = actual;
            actual.onSubscribe(this);
        }

        /** Returns whether the value was sent. */
        boolean send(int value) {
            CoreSubscriber<? super Integer> actual = this.actual;
            if (cancels > 0 || actual == null) {
                return false;
            }
            actual.onNext(value);
            actual.onComplete();
            return true;
        }

        @Override
        public void request(long n) {}

        @Override
        public synchronized void cancel() {
            cancels++;
        }
    }

    /** A source that owns its value, like a lock or queue: one atomic state decides between grant and cancellation. */
    static final class Owned extends Mono<Integer> implements AwaitedSubscription<Integer> {
        private static final int WAITING = 0;
        private static final int GRANTED = 1;
        private static final int CANCELLED = 2;

        private final AtomicInteger state = new AtomicInteger(WAITING);
        private final boolean atOnce;
        private @Nullable CoreSubscriber<? super Integer> actual;
        volatile int givenBack;

        /** @param atOnce whether the value is granted at the request */
        Owned(boolean atOnce) {
            this.atOnce = atOnce;
        }

        @Override
        public void subscribe(CoreSubscriber<? super Integer> actual) {
            this.actual = actual;
            actual.onSubscribe(this);
        }

        boolean grant() {
            CoreSubscriber<? super Integer> actual = this.actual;
            if (actual == null || !state.compareAndSet(WAITING, GRANTED)) {
                return false;
            }
            actual.onNext(1);
            actual.onComplete();
            return true;
        }

        boolean granted() {
            return state.get() == GRANTED;
        }

        @Override
        public void request(long n) {
            if (atOnce) {
                grant();
            }
        }

        @Override
        public void cancel() {
            state.compareAndSet(WAITING, CANCELLED);
        }

        @Override
        public boolean requestCancel(@Nullable String message) {
            CoreSubscriber<? super Integer> actual = this.actual;
            if (actual == null || !state.compareAndSet(WAITING, CANCELLED)) {
                return false;
            }
            actual.onError(new CancelledException(message));
            return true;
        }

        /** Returns the subscriber: the wait of a task. */
        Wait waiter() {
            return (Wait) Objects.requireNonNull(actual);
        }

        @Override
        public synchronized void giveBack(@Nullable Integer value) {
            givenBack++;
        }
    }

    /** Counts signals. */
    static final class Probe<T> implements CoreSubscriber<T> {
        volatile @Nullable Subscription subscription;
        private final boolean request;
        private int values;
        private int ends;

        /** @param request whether to request immediately */
        Probe(boolean request) {
            this.request = request;
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            this.subscription = subscription;
            if (request) {
                subscription.request(1);
            }
        }

        Subscription subscription() {
            return Objects.requireNonNull(subscription);
        }

        @Override
        public synchronized void onNext(T value) {
            values++;
        }

        @Override
        public synchronized void onError(Throwable error) {
            ends++;
        }

        @Override
        public synchronized void onComplete() {
            ends++;
        }

        synchronized int values() {
            return values;
        }

        synchronized int ends() {
            return ends;
        }

        /**
         * One for a value with its end, none for silence, two for a value so far without its end; -1 for anything else.
         */
        synchronized int outcomes() {
            return values == ends ? ends : values == 1 && ends == 0 ? 2 : -1;
        }
    }
}
