package asyncio;

import asyncio.internal.loop.LoopCore;
import asyncio.internal.loop.TimerQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/** Returned by {@link Asyncio#waitTasks}. */
final class MonoWaitTasks<F extends Future<?>> extends ColdMono<WaitResult<F>> {
    private final List<F> futures;
    private final ReturnWhen returnWhen;
    private final @Nullable Duration timeout;

    private MonoWaitTasks(List<F> futures, ReturnWhen returnWhen, @Nullable Duration timeout) {
        super(MonoWaitTasks.class);
        this.futures = futures;
        this.returnWhen = returnWhen;
        this.timeout = timeout;
    }

    static <F extends Future<?>> MonoWaitTasks<F> of(
            Iterable<? extends F> futures, ReturnWhen returnWhen, @Nullable Duration timeout) {
        LinkedHashSet<F> distinct = new LinkedHashSet<>();
        for (F future : futures) {
            distinct.add(Objects.requireNonNull(future, "a Future to wait for is null"));
        }
        if (distinct.isEmpty()) {
            throw new IllegalArgumentException("There is nothing to wait for: waitTasks needs at least one Future");
        }
        return new MonoWaitTasks<>(
                new ArrayList<>(distinct), Objects.requireNonNull(returnWhen, "returnWhen"), timeout);
    }

    @Override
    @Nullable WaitResult<F> awaitedBy(BodyTask<?> body) throws Exception {
        adopt();
        body.awaitFuture(Latch.start(this, body.loop));
        return WaitResult.of(futures); // the state now: more may be done than when the waiting ended
    }

    @Override
    protected void start(CoreSubscriber<? super WaitResult<F>> actual) {
        new MonoFuture<>(MonoWaitTasks.class, (loop, context) -> Latch.start(this, loop))
                .map(anyway -> WaitResult.of(futures))
                .subscribe(actual);
    }

    @Override
    public String toString() {
        return "waitTasks(" + returnWhen + " of " + futures.size() + ")";
    }

    /** One wait. At its end, its listeners are removed from the Futures and its timer from the loop. */
    static final class Latch extends Future.Owned<Boolean> {
        private final EventLoop loop;
        private final MonoWaitTasks<?> what;
        private final List<Listener> listeners;
        /** The number of Futures that have not been reported as done. */
        private final AtomicInteger running;

        private volatile TimerQueue.@Nullable Entry timer;

        private Latch(EventLoop loop, MonoWaitTasks<?> what) {
            super(loop);
            this.loop = loop;
            this.what = what;
            this.running = new AtomicInteger(what.futures.size());
            this.listeners = new ArrayList<>(what.futures.size());
            for (Future<?> future : what.futures) {
                listeners.add(new Listener(this, future));
            }
        }

        static Latch start(MonoWaitTasks<?> what, EventLoop loop) {
            Latch latch = new Latch(loop, what);
            latch.listen();
            if (what.timeout != null && !latch.done()) {
                latch.limit(what.timeout);
            }
            if (latch.done()) {
                latch.detach(); // it may have ended on its loop meanwhile
            }
            return latch;
        }

        private void listen() {
            for (Listener listener : listeners) {
                if (!listener.future.addWaiter(listener)) {
                    heardOf(listener.future);
                }
                if (done()) {
                    return;
                }
            }
        }

        private void limit(Duration timeout) {
            TimerQueue.Entry entry = new TimerQueue.Entry(new Deadline(this), loop.deadline(timeout));
            timer = entry;
            if (!loop.core.addTimer(entry)) {
                detach();
                throw Misuse.loopClosed();
            }
        }

        private void heardOf(Future<?> future) {
            boolean enough = switch (what.returnWhen) {
                case ALL_COMPLETED -> false;
                case FIRST_COMPLETED -> true;
                case FIRST_EXCEPTION -> future.failure() != null && !future.cancelled();
            };
            if (running.decrementAndGet() == 0 || enough) {
                release();
            }
        }

        private void release() {
            if (finishResult(true)) {
                detach();
            }
        }

        @Override
        public boolean cancel(@Nullable String message) {
            boolean cancelled = super.cancel(message);
            if (cancelled) {
                detach();
            }
            return cancelled;
        }

        private void detach() {
            for (Listener listener : listeners) {
                listener.future.removeWaiter(listener);
            }
            TimerQueue.Entry entry = timer;
            if (entry != null) {
                loop.core.removeTimer(entry);
            }
        }

        @Override
        Collection<? extends Future<?>> parts() {
            return listeners.stream().map(listener -> listener.future).toList();
        }

        @Override
        String describePending() {
            return " pending, waits for " + running + " of " + listeners.size();
        }
    }

    /** A listener of the latch, on its loop. */
    private abstract static class Ear extends Waiter {
        final Latch latch;

        Ear(Latch latch) {
            this.latch = latch;
        }

        @Override
        Object tells() {
            return latch;
        }

        @Override
        LoopCore resumesOn() {
            return latch.loop.core;
        }

        @Override
        protected boolean isInternal() {
            return true;
        }

        @Override
        public String toString() {
            return latch.toString();
        }
    }

    private static final class Listener extends Ear {
        private final Future<?> future;

        Listener(Latch latch, Future<?> future) {
            super(latch);
            this.future = future;
        }

        @Override
        public void run() {
            latch.heardOf(future);
        }
    }

    private static final class Deadline extends Ear {
        Deadline(Latch latch) {
            super(latch);
        }

        @Override
        public void run() {
            latch.release();
        }

        @Override
        protected void loopClosed() {
            if (latch.finishExceptionally(
                    new IllegalStateException("The event loop was closed while " + latch.what + " was waiting"))) {
                latch.detach();
            }
        }
    }
}
