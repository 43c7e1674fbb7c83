package asyncio;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.util.context.ContextView;

/**
 * Begins and ends {@linkplain Activity activities}, and counts what is open; for the library's own modules.
 *
 * @since 0.1
 */
public final class Activities {
    private Activities() {}

    /** An activity, which ends once: with the first of its result, its failure and its cancellation. */
    private static final class OfLoop extends Activity {
        private final EventLoop loop;
        private final AtomicBoolean ended = new AtomicBoolean();

        OfLoop(EventLoop loop, Kind kind, String name, ContextView context) {
            super(kind, name, context);
            this.loop = loop;
        }

        void end(LoopListener.Outcome outcome, @Nullable Throwable exception) {
            if (ended.compareAndSet(false, true)) {
                loop.events.listeners.tell(listener -> listener.activityEnded(this, outcome, exception));
            }
        }
    }

    /**
     * Begins an activity, if the loop has listeners.
     *
     * @param name its name, or an address that becomes one
     * @return null if nothing listens
     */
    public static @Nullable Activity begin(
            EventLoop loop, Activity.Kind kind, @Nullable Object name, ContextView context) {
        if (loop.events.listeners.none()) {
            return null;
        }
        Activity activity = new OfLoop(loop, kind, String.valueOf(name), context);
        loop.events.listeners.tell(listener -> listener.activityBegun(activity));
        return activity;
    }

    /** Ends an activity, with a result if there is no exception. Without effect if it has ended. */
    public static void end(@Nullable Activity activity, @Nullable Throwable exception) {
        if (activity != null) {
            LoopListener.Outcome failed = exception instanceof CancelledException
                    ? LoopListener.Outcome.CANCELLED
                    : LoopListener.Outcome.EXCEPTION;
            ((OfLoop) activity).end(exception == null ? LoopListener.Outcome.RESULT : failed, exception);
        }
    }

    /**
     * Returns the Mono with an activity around each subscription, if the loop has listeners then: it runs in the
     * activity's context, and its failure or cancellation ends the activity.
     *
     * @param then called with the activity and the result: ends the activity, now or later
     */
    public static <T> Mono<T> around(
            EventLoop loop,
            Activity.Kind kind,
            String name,
            Mono<T> work,
            BiConsumer<? super Activity, ? super T> then) {
        return Mono.deferContextual(context -> {
            Activity activity = begin(loop, kind, name, context);
            return activity == null
                    ? work
                    : work.doOnNext(result -> then.accept(activity, result))
                            .doOnError(error -> end(activity, error))
                            .doOnCancel(() -> ((OfLoop) activity).end(LoopListener.Outcome.CANCELLED, null))
                            .contextWrite(activity.getContext());
        });
    }

    /**
     * Like the method with a loop, on the loop that runs at subscription, or on a shared one; the activity ends with
     * the Mono.
     */
    public static <T> Mono<T> around(Activity.Kind kind, String name, Mono<T> work) {
        return Mono.defer(() -> {
            EventLoop running = EventLoop.runningOrNull();
            EventLoop loop = running != null ? running : EventLoop.shared().next();
            Mono<T> around = loop.events.listeners.none()
                    ? work
                    : around(loop, kind, name, work, (activity, result) -> end(activity, null));
            return running != null ? around : around.subscribeOn(loop.scheduler());
        });
    }

    /** Counts a connection of a loop that is open, or no longer: see {@link LoopStatistics#connections}. */
    public static void connection(EventLoop loop, boolean open) {
        loop.events.connections.addAndGet(open ? 1 : -1);
    }

    /** Counts a child of a loop that is alive, or no longer: see {@link LoopStatistics#children}. */
    public static void child(EventLoop loop, boolean alive) {
        loop.events.children.addAndGet(alive ? 1 : -1);
    }
}
