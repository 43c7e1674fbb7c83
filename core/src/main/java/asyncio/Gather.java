package asyncio;

import asyncio.internal.loop.LoopCore;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/**
 * The work of {@link Asyncio#gather}. It ends with the first error, or else with its last child.
 *
 * @param <C> the type of a child's result
 * @param <R> the list of the results: of {@code C}, or of {@code Object} if exceptions are returned
 */
final class Gather<C, R> extends Joint<R, C> {
    private final boolean returnExceptions;
    /** The outcome once no child is being cleaned up: that of the first child that ended cancelled after a request. */
    private volatile @Nullable CancelledException cancellation;
    /** The search among the children; null until it begins, and when it must start over. */
    private @Nullable CleanupSearch search;
    /** The task that it has found, and that is waited for until it is cleaned up. Guarded by this, like the search. */
    private @Nullable Task<?> cleaning;

    private Gather(EventLoop loop, Children<C> children, boolean returnExceptions) {
        super(loop, children);
        this.returnExceptions = returnExceptions;
    }

    static <C, R> Mono<R> of(Iterable<? extends Mono<? extends C>> monos, boolean returnExceptions) {
        List<Mono<? extends C>> sources = Children.adopt(monos);
        return new MonoFuture<>(Gather.class, (loop, context) -> start(sources, loop, context, returnExceptions));
    }

    static <C, R> Gather<C, R> start(
            List<Mono<? extends C>> sources, EventLoop loop, Context context, boolean returnExceptions) {
        Gather<C, R> gather = new Gather<>(loop, Children.start(sources, loop, context), returnExceptions);
        gather.listen();
        return gather;
    }

    @Override
    void ended(Future<C> child) {
        if (done()) {
            child.markRetrieved();
            return;
        }
        Throwable failure = returnExceptions ? null : child.failure();
        if (failure != null) {
            child.markRetrieved();
        }
        if (failure != null && cancellation == null) {
            if (closeToRequests() != null && failure instanceof CancelledException cancelled) {
                cancellation = cancelled;
            } else {
                finishExceptionally(failure); // a child's cancellation too: this was not cancelled
            }
        }
        lookForCleanups(false);
    }

    /**
     * It ends when no child is being cleaned up, though children may still run: until then they get further requests.
     */
    @Override
    boolean isEndingCancelled() {
        return cancellation != null && !done();
    }

    /** @param again whether the task found last has reported that its clean-up has ended */
    private void lookForCleanups(boolean again) {
        CancelledException cancelled = cancellation;
        if (cancelled != null && !done() && childrenAreClean(again)) {
            finishCancelled(cancelled);
        }
    }

    private synchronized boolean childrenAreClean(boolean again) {
        Task<?> cleaning = this.cleaning;
        if (cleaning != null && !again && !cleaning.done()) {
            return false;
        }
        CleanupSearch search = this.search;
        if (search == null) {
            search = new CleanupSearch(children.distinct);
            this.search = search;
        }
        do {
            if (cleaning == null || !cleaning.isBeingCleanedUp()) {
                cleaning = search.next();
            }
            this.cleaning = cleaning;
        } while (cleaning != null && !cleaning.tellWhenCleanedUp(new CleanedUp()));
        return cleaning == null;
    }

    /** Told that a clean-up has ended. The task resumes first, and may end. */
    private final class CleanedUp extends Waiter {
        private boolean resumed;

        @Override
        public void run() {
            if (resumed) {
                lookForCleanups(true);
            } else {
                resumed = true;
                resume();
            }
        }

        @Override
        Object tells() {
            return Gather.this;
        }

        @Override
        LoopCore resumesOn() {
            return loop.core;
        }

        @Override
        protected boolean isInternal() {
            return true;
        }
    }

    @Override
    void allEnded() {
        boolean delivered = false;
        if (!done()) {
            R results = results();
            CancelledException request = closeToRequests();
            delivered = request == null ? finishResult(results) : !finishCancelled(cancellation(request));
        }
        if (!delivered) {
            callLater(() -> children.discardResults(null));
        }
    }

    /** Returns the cancellation of the last child in order, as in asyncio, or else the request. */
    private CancelledException cancellation(CancelledException request) {
        int last = children.slots.size() - 1;
        return last < 0
                ? request
                : Objects.requireNonNullElse(children.slots.get(last).cancellation(), request);
    }

    @SuppressWarnings("unchecked")
    private R results() {
        List<@Nullable Object> results = new ArrayList<>(children.slots.size());
        for (Future<C> child : children.slots) {
            Throwable failure = child.failure();
            child.markRetrieved();
            results.add(failure == null ? child.resultOrNull() : failure);
        }
        return (R) Collections.unmodifiableList(results);
    }

    @Override
    void cancelChildren(@Nullable String message, @Nullable CancelAll among) {
        synchronized (this) {
            search = null; // some that were clean may begin to clean up
        }
        Future.cancelEach(children.distinct, message, among);
    }
}
