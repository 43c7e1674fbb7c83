package asyncio;

import asyncio.internal.loop.Memory;
import asyncio.internal.loop.Ring;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Exceptions;
import reactor.core.publisher.Operators;

/**
 * Handles the events of a {@link MapConcurrentMain}: delivers, requests more, ends. The first thread to call also works
 * for those that call meanwhile, so that signals never overlap and never recurse, and the fields below {@link #calls}
 * need no other guard.
 *
 * <pre>{@literal
 *   MAPPING ---- the source has ended, all is delivered: complete ----> OVER
 *      |                                                                 ^
 *      | cancelled, or a failure: the source and the running             | that work has ended:
 *      | work are cancelled, undelivered results are discarded           | the error, if any
 *      +---------------------------> ENDING -----------------------------+
 * }</pre>
 *
 * <p>A slot runs, then waits for its delivery ({@code ended}), in {@link #slots}; without ordering it waits in
 * {@link #ready}. It is free again ({@link #freed}) when its result is delivered, or when it has none.
 */
final class MapConcurrentWork<R> {
    private enum Stage {
        MAPPING,
        ENDING,
        OVER
    }

    private final MapConcurrentMain<?, R> mapping;
    private final FluxMapConcurrent<?, R> what;
    private final CoreSubscriber<? super R> actual;
    private volatile Stage stage = Stage.MAPPING;
    /** The calls of {@link #ask} that the working thread has not handled. */
    private final AtomicInteger calls = new AtomicInteger();

    /** The items with running work and, if ordered, those that wait for delivery. */
    private final MapConcurrentInner.InOrder<R> slots = new MapConcurrentInner.InOrder<>();
    /** The slots that wait for delivery, if not ordered. */
    private final Ring<MapConcurrentInner<R>> ready = new Ring<>(1);

    private int running;
    private int freed;
    private @Nullable Throwable failure;

    MapConcurrentWork(MapConcurrentMain<?, R> mapping, FluxMapConcurrent<?, R> what, CoreSubscriber<? super R> actual) {
        this.mapping = mapping;
        this.what = what;
        this.actual = actual;
    }

    boolean isOver() {
        return stage == Stage.OVER;
    }

    /** Handles new events; from any thread. */
    void ask() {
        if (calls.getAndIncrement() == 0) {
            Throwable thrown = null;
            int answered = 1;
            do {
                try {
                    workOnce();
                } catch (Throwable e) {
                    Throwable fatal = breakOff(e);
                    thrown = thrown == null ? fatal : thrown;
                }
                answered = calls.addAndGet(-answered);
            } while (answered != 0);
            if (thrown != null) {
                throw Misuse.<RuntimeException>sneaky(thrown);
            }
        }
    }

    /**
     * Treats an exception of the subscriber or the JVM in the middle of the work as a failure like any other. The
     * interrupted work is done again; each time less is left.
     *
     * @return the error to throw at the end
     */
    private @Nullable Throwable breakOff(Throwable e) {
        if (!isOver()) {
            calls.incrementAndGet();
        }
        if (stage != Stage.MAPPING || mapping.isCancelled() || failure != null) {
            try {
                loseError(e);
            } catch (Throwable hook) {
                return hook;
            }
        } else {
            failure = e;
        }
        return Exceptions.isJvmFatal(e) ? e : null;
    }

    private void workOnce() {
        if (isOver()) {
            mapping.leave();
            Throwable late = mapping.takeSourceError();
            if (late != null) {
                Operators.onErrorDropped(late, mapping.currentContext());
            }
            return;
        }
        boolean noMore = mapping.isSourceDone(); // before takeNews(), which then sees all items of the source
        takeNews();
        if (stage == Stage.MAPPING && (mapping.isCancelled() || failure != null || mapping.hasSourceError())) {
            beginToEnd();
        }
        if (stage == Stage.ENDING) {
            end();
        } else {
            deliver(noMore);
        }
    }

    private void takeNews() {
        MapConcurrentInner<R> done;
        do {
            done = mapping.peekTold(); // before takeTaken(), so that it is among those taken
            takeTaken();
            if (done != null) {
                mapping.pollTold();
                running--;
                settle(done);
            }
        } while (done != null);
    }

    private void takeTaken() {
        for (MapConcurrentInner<R> slot; (slot = mapping.pollTaken()) != null; ) {
            running++;
            slots.add(slot);
            if (stage == Stage.ENDING) {
                slot.future().cancel(whyEnding());
            }
        }
    }

    private void settle(MapConcurrentInner<R> slot) {
        slot.ended = true;
        Throwable error = slot.future().failure();
        slot.future().markRetrieved();
        if (stage == Stage.ENDING || failure != null) {
            slots.remove(slot);
            lose(slot, error);
        } else if (error != null) {
            slots.remove(slot);
            failure = error;
        } else if (slot.future().resultOrNull() == null) {
            slots.remove(slot);
            freed++;
        } else if (!what.ordered) {
            ready.add(slot); // which may need memory
            slots.remove(slot);
        }
    }

    private void deliver(boolean noMore) {
        long demand = mapping.requested();
        long delivered = 0;
        for (MapConcurrentInner<R> next;
                delivered < demand && !mapping.isCancelled() && (next = takeReady()) != null;
                delivered++) {
            freed++;
            actual.onNext(Objects.requireNonNull(next.future().resultOrNull()));
        }
        if (delivered > 0 && demand != Long.MAX_VALUE) {
            mapping.delivered(delivered);
        }
        if (mapping.isCancelled()) {
            return; // cancel() has called for more work
        }
        if (noMore) {
            if (slots.first() == null && ready.isEmpty() && !mapping.hasSourceError()) {
                stage = Stage.OVER;
                mapping.leave();
                actual.onComplete();
            }
        } else if (freed > 0 && what.concurrency != Integer.MAX_VALUE) {
            int n = freed;
            freed = 0;
            mapping.source().request(n);
        }
    }

    private @Nullable MapConcurrentInner<R> takeReady() {
        if (!what.ordered) {
            return ready.poll();
        }
        MapConcurrentInner<R> next = slots.first();
        if (next == null || !next.ended) {
            return null;
        }
        slots.remove(next);
        return next;
    }

    // ---- the end by cancellation or failure: running work is cancelled and waited for

    private String whyEnding() {
        return mapping.isCancelled()
                ? "The subscription to mapConcurrent was cancelled"
                : "mapConcurrent failed: " + Log.text(failure);
    }

    private void beginToEnd() {
        stage = Stage.ENDING;
        if (failure == null && !mapping.isCancelled()) {
            failure = mapping.takeSourceError();
        }
        try {
            if (!mapping.isSourceDone()) {
                mapping.source().cancel();
            }
        } finally {
            loseWhatIsReady();
            cancelWhatRuns();
        }
    }

    private void loseWhatIsReady() {
        for (MapConcurrentInner<R> slot = slots.first(), after; slot != null; slot = after) {
            after = slot.after;
            if (slot.ended) {
                slots.remove(slot);
                lose(slot, null);
            }
        }
        for (MapConcurrentInner<R> slot; (slot = ready.poll()) != null; ) {
            lose(slot, null);
        }
    }

    private void cancelWhatRuns() {
        try {
            Memory.need();
            List<Future<?>> left = new ArrayList<>();
            for (MapConcurrentInner<R> slot = slots.first(); slot != null; slot = slot.after) {
                left.add(slot.future());
            }
            Future.cancelAll(left, whyEnding());
        } catch (OutOfMemoryError e) {
            for (MapConcurrentInner<R> slot = slots.first(); slot != null; slot = slot.after) {
                slot.future().cancel(null);
            }
            throw e;
        }
    }

    private void end() {
        if (!mapping.close()) {
            return;
        }
        takeNews(); // takes the items that arrived before the gate was closed
        Throwable late = mapping.takeSourceError();
        if (late != null) {
            loseError(late);
        }
        if (running > 0) {
            return;
        }
        stage = Stage.OVER;
        mapping.leave();
        Throwable failure = this.failure;
        if (failure != null && !mapping.isCancelled()) {
            actual.onError(failure);
        } else if (failure != null) {
            Operators.onErrorDropped(failure, mapping.currentContext());
        }
    }

    private void lose(MapConcurrentInner<R> slot, @Nullable Throwable error) {
        if (error != null) {
            loseError(error);
        } else if (slot.isOurs()) {
            Operators.onDiscard(slot.future().resultOrNull(), mapping.currentContext());
        }
    }

    private void loseError(Throwable error) {
        if (error instanceof CancelledException) {
            return; // from our own cancellation
        }
        Throwable failure = this.failure;
        if (failure == null || !Suppressed.tryAdd(failure, error)) {
            Operators.onErrorDropped(error, mapping.currentContext());
        }
    }
}
