package asyncio.metrics;

import asyncio.Activity;
import asyncio.EventLoop;
import asyncio.LoopListener;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;

/**
 * Micrometer observations of the connections of a loop and of the calls of {@code Subprocess.run} on it: meters, and
 * spans with Micrometer Tracing. Off unless bound to a loop.
 *
 * <p>{@code asyncio.subprocess.run} lasts from the subscription to the result, with the low-cardinality key
 * {@code program}. {@code asyncio.connection} lasts from the attempt, or from the acceptance, to the close, with the
 * low-cardinality key {@code side}, {@code client} or {@code server}, and the high-cardinality key {@code peer}. Both
 * have the low-cardinality key {@code outcome}: {@code result}, {@code exception}, {@code cancelled}. Pipes of children
 * are no connections.
 *
 * <p>The parent is the observation in the Reactor Context of the subscriber: of the code that connects or runs the
 * command, and, for connections that a server accepts, of the code that has started the server. The observation of an
 * accepted connection is in the context of its handler, and so is the parent of observations that the handler starts;
 * likewise for a protocol.
 *
 * <p><b>Threading.</b> From any thread; observations begin on the loop, and end there or on a thread that cancels.
 *
 * <pre>{@code
 * ActivityObservations.bindTo(observations, loop);
 * Output log = await(Subprocess.run(Command.of("git", "log", "-1")));
 * }</pre>
 *
 * <p>asyncio: none.
 *
 * @since 0.1
 */
@SuppressWarnings("exports") // as in AsyncioMetrics
public final class ActivityObservations implements Disposable {
    private static final String KEY = ObservationThreadLocalAccessor.KEY;

    private final ObservationRegistry registry;
    private final Map<Activity, Observation> underWay = new ConcurrentHashMap<>();
    private final Disposable listening;
    private volatile boolean disposed;

    private ActivityObservations(ObservationRegistry registry, EventLoop loop) {
        this.registry = registry;
        this.listening = loop.addListener(new Listener());
    }

    /**
     * Observes the activities that begin on a loop from now on.
     *
     * @return stops observing when disposed; what is under way is observed to its end
     */
    public static ActivityObservations bindTo(ObservationRegistry registry, EventLoop loop) {
        return new ActivityObservations(
                Objects.requireNonNull(registry, "registry"), Objects.requireNonNull(loop, "loop"));
    }

    @Override
    public void dispose() {
        synchronized (this) { // what has been added by now is told of its end
            disposed = true;
        }
        endIfDone();
    }

    private synchronized boolean add(Activity activity, Observation observation) {
        if (!disposed) {
            underWay.put(activity, observation);
        }
        return !disposed;
    }

    @Override
    public boolean isDisposed() {
        return disposed;
    }

    private void endIfDone() {
        if (disposed && underWay.isEmpty()) {
            listening.dispose();
        }
    }

    private Observation observationOf(Activity activity) {
        String name = activity.getName();
        return switch (activity.getKind()) {
            case SUBPROCESS_RUN ->
                Observation.createNotStarted("asyncio.subprocess.run", registry)
                        .contextualName("run " + name)
                        .lowCardinalityKeyValue("program", name);
            case CLIENT -> connection("client", name);
            case SERVER -> connection("server", name);
        };
    }

    private Observation connection(String side, String peer) {
        return Observation.createNotStarted("asyncio.connection", registry)
                .contextualName(side + " connection")
                .lowCardinalityKeyValue("side", side)
                .highCardinalityKeyValue("peer", peer);
    }

    private final class Listener implements LoopListener {
        @Override
        public void activityBegun(Activity activity) {
            if (registry.isNoop()) {
                return;
            }
            Observation observation = observationOf(activity);
            if (!add(activity, observation)) {
                return;
            }
            if (activity.getContext().getOrDefault(KEY, null) instanceof Observation parent) {
                observation.parentObservation(parent);
            }
            observation.start();
            activity.putContext(KEY, observation);
        }

        @Override
        public void activityEnded(Activity activity, Outcome outcome, @Nullable Throwable exception) {
            Observation observation = underWay.remove(activity);
            if (observation == null) {
                return;
            }
            observation.lowCardinalityKeyValue("outcome", outcome.name().toLowerCase(Locale.ROOT));
            if (exception != null && outcome == Outcome.EXCEPTION) {
                observation.error(exception);
            }
            observation.stop();
            endIfDone();
        }

        @Override
        public String toString() {
            return "the observations of connections and children";
        }
    }
}
