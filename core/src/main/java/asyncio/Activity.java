package asyncio;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * Work of a loop that lasts and is not a task: a connection, or a run of a child process. {@link LoopListener}s are
 * told of its beginning and of its end.
 *
 * <p><b>Threading.</b> The getters may be called from any thread. An activity ends once: with the first of its result,
 * its failure and its cancellation.
 *
 * <pre>{@code
 * loop.addListener(new LoopListener() {
 *     @Override
 *     public void activityEnded(Activity activity, LoopListener.Outcome outcome, Throwable exception) {
 *         System.out.println(activity + " " + outcome);         // CLIENT example.org:80 RESULT
 *     }
 * });
 * }</pre>
 *
 * <p>asyncio: none.
 *
 * @since 0.1
 */
public final class Activity {
    /** The kinds of activities. */
    public enum Kind {
        /** A connection that this program opens, from the attempt to the close; its name is the address asked for. */
        CLIENT,
        /** A connection that a server has accepted, until the close; its name is the address of the client. */
        SERVER,
        /** A call of {@code Subprocess.run}, until its result; its name is the program, without arguments. */
        SUBPROCESS_RUN
    }

    private final EventLoop loop;
    private final Kind kind;
    private final String name;
    private final AtomicBoolean ended = new AtomicBoolean();
    private volatile ContextView context;

    private Activity(EventLoop loop, Kind kind, String name, ContextView context) {
        this.loop = loop;
        this.kind = kind;
        this.name = name;
        this.context = context;
    }

    // ---- for listeners

    /** Returns the loop that it belongs to. */
    public EventLoop getLoop() {
        return loop;
    }

    /** Returns its kind. */
    public Kind getKind() {
        return kind;
    }

    /** Returns its name: an address or a program. */
    public String getName() {
        return name;
    }

    /** Returns the context of its subscriber, for a server's connection that of the server's, with what was put. */
    public ContextView getContext() {
        return context;
    }

    /**
     * Puts a value into the context of the code that works for this activity: the handler or the protocol of a
     * connection. Only while {@link LoopListener#activityBegun} is called.
     */
    public void putContext(Object key, Object value) {
        context = Context.of(context).put(key, value);
    }

    /** {@code SUBPROCESS_RUN git}. */
    @Override
    public String toString() {
        return kind + " " + name;
    }

    // ---- for the library's own modules

    /**
     * Begins an activity, if the loop has listeners.
     *
     * @param name its name, or an address that becomes one
     * @return null if nothing listens
     */
    public static @Nullable Activity begin(EventLoop loop, Kind kind, @Nullable Object name, ContextView context) {
        if (loop.events.listeners.none()) {
            return null;
        }
        Activity activity = new Activity(loop, kind, String.valueOf(name), context);
        loop.events.listeners.tell(listener -> listener.activityBegun(activity));
        return activity;
    }

    /** Ends an activity, with a result if there is no exception. */
    public static void end(@Nullable Activity activity, @Nullable Throwable exception) {
        if (activity != null) {
            activity.end(
                    exception == null
                            ? LoopListener.Outcome.RESULT
                            : exception instanceof CancelledException
                                    ? LoopListener.Outcome.CANCELLED
                                    : LoopListener.Outcome.EXCEPTION,
                    exception);
        }
    }

    private void end(LoopListener.Outcome outcome, @Nullable Throwable exception) {
        if (ended.compareAndSet(false, true)) {
            loop.events.listeners.tell(listener -> listener.activityEnded(this, outcome, exception));
        }
    }

    /**
     * Returns the Mono with an activity around each subscription, if the loop has listeners then: it runs in the
     * activity's context, and its failure or cancellation ends the activity.
     *
     * @param then called with the activity and the result: ends the activity, now or later
     */
    public static <T> Mono<T> around(
            EventLoop loop, Kind kind, String name, Mono<T> work, BiConsumer<? super Activity, ? super T> then) {
        return Mono.deferContextual(context -> {
            Activity activity = begin(loop, kind, name, context);
            return activity == null
                    ? work
                    : work.doOnNext(result -> then.accept(activity, result))
                            .doOnError(error -> end(activity, error))
                            .doOnCancel(() -> activity.end(LoopListener.Outcome.CANCELLED, null))
                            .contextWrite(activity.context);
        });
    }

    /**
     * Like the method with a loop, on the loop that runs at subscription, or on a shared one; the activity ends with
     * the Mono. If that loop has no listeners, the Mono is subscribed to where it would be anyway.
     */
    public static <T> Mono<T> around(Kind kind, String name, Mono<T> work) {
        return Mono.defer(() -> {
            EventLoop loop = EventLoop.runningOrShared();
            if (loop.events.listeners.none()) {
                return work;
            }
            Mono<T> around = around(loop, kind, name, work, (activity, result) -> end(activity, null));
            return loop.netty().inEventLoop() ? around : around.subscribeOn(loop.scheduler());
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
