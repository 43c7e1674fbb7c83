package asyncio;

import asyncio.internal.loop.LoopCore;
import asyncio.internal.loop.TimerQueue;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Operators;

/** Returned by {@link Asyncio#sleep}. */
final class MonoSleep<T> extends ColdMono<T> {
    /** The sleep of one tick, which has no state and is used often: one instance for all. */
    static final MonoSleep<Void> ONE_TICK = new MonoSleep<>(Duration.ZERO, null);

    static {
        ONE_TICK.adopt(); // an instance that always exists is not reported as forgotten
    }

    private final Duration delay;
    private final @Nullable T result;

    MonoSleep(Duration delay, @Nullable T result) {
        super(MonoSleep.class);
        this.delay = delay;
        this.result = result;
    }

    private boolean isOneTick() {
        return delay.isZero() || delay.isNegative();
    }

    @Override
    @Nullable T awaitedBy(BodyTask<?> body) throws Exception {
        adopt();
        if (isOneTick()) {
            body.yieldOnce();
            return result;
        }
        return super.awaitedBy(body);
    }

    @Override
    protected void start(CoreSubscriber<? super T> actual) {
        actual.onSubscribe(new SleepSubscription<>(EventLoop.runningOrShared(), this, actual));
    }

    /** One sleeper; the first to take the state out of {@link #ASLEEP} ends it. */
    private static final class SleepSubscription<T> extends Waiter implements AwaitedSubscription<T> {
        private static final VarHandle STATE;
        private static final int SUBSCRIBED = 0;
        private static final int ASLEEP = 1;
        private static final int ENDED = 2;

        static {
            try {
                STATE = MethodHandles.lookup().findVarHandle(SleepSubscription.class, "state", int.class);
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }

        private final EventLoop loop;
        private final MonoSleep<T> sleep;
        private final CoreSubscriber<? super T> actual;
        private volatile int state;
        private volatile boolean cancelled;
        private volatile TimerQueue.@Nullable Entry timer;

        SleepSubscription(EventLoop loop, MonoSleep<T> sleep, CoreSubscriber<? super T> actual) {
            this.loop = loop;
            this.sleep = sleep;
            this.actual = actual;
        }

        @Override
        public void request(long n) {
            if (!Operators.validate(n) || !STATE.compareAndSet(this, SUBSCRIBED, ASLEEP)) {
                return;
            }
            if (sleep.isOneTick()) {
                resume();
                return;
            }
            TimerQueue.Entry entry = new TimerQueue.Entry(this, loop.deadline(sleep.delay));
            timer = entry;
            if (!loop.core.addTimer(entry)) {
                loopClosed();
            } else if (state == ENDED) {
                loop.core.removeTimer(entry); // cancelled by a thread that did not see the timer
            }
        }

        /** Called when the delay has passed. */
        @Override
        public void run() {
            if (!STATE.compareAndSet(this, ASLEEP, ENDED)) {
                return;
            }
            T result = sleep.result;
            if (result != null) {
                actual.onNext(result);
                if (cancelled) {
                    return; // cancelled by onNext
                }
            }
            actual.onComplete();
        }

        @Override
        protected void loopClosed() {
            if (STATE.compareAndSet(this, ASLEEP, ENDED)) {
                actual.onError(new IllegalStateException("The event loop was closed during a sleep of " + sleep.delay));
            }
        }

        @Override
        @Nullable CoreSubscriber<?> subscriber() {
            return sleep.isOneTick() ? actual : null; // a timer takes one more tick in asyncio, too
        }

        @Override
        LoopCore resumesOn() {
            return loop.core;
        }

        @Override
        protected boolean isInternal() {
            return actual instanceof Wait;
        }

        private boolean end() {
            if ((int) STATE.getAndSet(this, ENDED) == ENDED) {
                return false;
            }
            TimerQueue.Entry entry = timer;
            if (entry != null) {
                loop.core.removeTimer(entry);
            }
            return true;
        }

        @Override
        public void cancel() {
            cancelled = true;
            end();
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
        public String toString() {
            return sleep + " of " + Log.text(actual);
        }

        @Override
        public void giveBack(@Nullable T value) {
            // the result of a sleep has no owner
        }
    }

    @Override
    public String toString() {
        return "sleep(" + delay + ")";
    }
}
