package asyncio;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/**
 * The work of {@link Asyncio#race}: the first success, or a cancellation request, cancels the others once; the race
 * ends when the last of them has ended.
 */
final class Race<T> extends Joint<T, T> {
    private static final VarHandle WINNER;
    private static final VarHandle OVER;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            WINNER = lookup.findVarHandle(Race.class, "winner", Future.class);
            OVER = lookup.findVarHandle(Race.class, "over", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** The first child that succeeded. */
    private volatile @Nullable Future<T> winner;
    /** Whether the children have been cancelled, because of a winner or a request. */
    private volatile boolean over;

    /** The order of the starts; null if all start at once. */
    private final @Nullable Stagger stagger;

    private Race(EventLoop loop, Children<T> children, @Nullable Stagger stagger) {
        super(loop, children);
        this.stagger = stagger;
    }

    static <T> Mono<T> of(Iterable<? extends Mono<? extends T>> monos) {
        List<Mono<? extends T>> sources = sources(monos);
        return new MonoFuture<>(Race.class, (loop, context) -> start(sources, loop, context));
    }

    static <T> Mono<T> of(Iterable<? extends Mono<? extends T>> monos, @Nullable Duration delay) {
        List<Mono<? extends T>> sources = sources(monos);
        if (delay != null && delay.isNegative()) {
            throw new IllegalArgumentException("The delay of a race must not be negative: " + delay);
        }
        return new MonoFuture<>(Race.class, (loop, context) -> start(sources, delay, loop, context));
    }

    private static <T> List<Mono<? extends T>> sources(Iterable<? extends Mono<? extends T>> monos) {
        List<Mono<? extends T>> sources = Children.adopt(monos);
        if (sources.isEmpty()) {
            throw new IllegalArgumentException("A race needs at least one Mono");
        }
        return sources;
    }

    static <T> Race<T> start(
            List<Mono<? extends T>> sources, @Nullable Duration delay, EventLoop loop, Context context) {
        Stagger stagger = new Stagger(loop, delay);
        Race<T> race = new Race<>(loop, Children.start(stagger.gate(sources), loop, context), stagger);
        stagger.start();
        race.listen();
        return race;
    }

    static <T> Race<T> start(List<Mono<? extends T>> sources, EventLoop loop, Context context) {
        Race<T> race = new Race<>(loop, Children.start(sources, loop, context), null);
        race.listen();
        return race;
    }

    @Override
    void ended(Future<T> child) {
        Throwable failure = child.failure();
        child.markRetrieved();
        if (failure == null) {
            if (WINNER.compareAndSet(this, null, child)) {
                cancelChildren("Another Mono won the race", null);
            }
        } else if (winner != null && !(failure instanceof CancelledException)) {
            callLater(() ->
                    loop.callExceptionHandler(ExceptionContext.of("A loser of a race failed after another had won")
                            .exception(failure)
                            .future(child)
                            .build()));
        } else if (stagger != null && !over) {
            stagger.openNext();
        }
    }

    /** The first success cancels Futures, and their callbacks may run at once. */
    @Override
    boolean runsOthersCode(Future<T> child) {
        return !over && child.failure() == null;
    }

    @Override
    void cancelChildren(@Nullable String message, @Nullable CancelAll among) {
        if (OVER.compareAndSet(this, false, true)) {
            if (stagger != null) {
                stagger.close();
            }
            Future.cancelEach(children.distinct, message, among); // no effect on a child that is done
        }
    }

    @Override
    void allEnded() {
        CancelledException request = closeToRequests();
        Future<T> winner = this.winner;
        if (request != null) {
            failures().stream()
                    .filter(failure -> !(failure instanceof CancelledException))
                    .forEach(failure -> Suppressed.add(request, failure));
            finishCancelled(request);
            callLater(() -> children.discardResults(null));
        } else if (winner != null) {
            finishResult(winner.resultOrNull());
            if (children.distinct.size() > 1) {
                callLater(() -> children.discardResults(winner));
            }
        } else {
            List<Throwable> failures = failures();
            finishExceptionally(
                    failures.stream().allMatch(CancelledException.class::isInstance)
                            ? failures.get(0)
                            : new ExceptionGroup("no participant won the race", failures));
        }
    }

    private List<Throwable> failures() {
        List<Throwable> failures = new ArrayList<>();
        for (Future<T> child : children.distinct) {
            Throwable failure = child.failure();
            if (failure != null) {
                failures.add(failure);
            }
        }
        return failures;
    }
}
