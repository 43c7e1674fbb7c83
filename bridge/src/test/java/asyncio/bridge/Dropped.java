package asyncio.bridge;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** Collects the values and errors that reach Reactor's hooks while it is open. */
final class Dropped implements AutoCloseable {
    final List<Object> values = new CopyOnWriteArrayList<>();
    final List<Throwable> errors = new CopyOnWriteArrayList<>();
    final List<Object> discarded = new CopyOnWriteArrayList<>();

    Dropped() {
        Hooks.onNextDropped(values::add);
        Hooks.onErrorDropped(errors::add);
    }

    /** Returns a context that records discarded values. */
    Context context() {
        return Operators.enableOnDiscard(Context.empty(), discarded::add);
    }

    @Override
    public void close() {
        Hooks.resetOnNextDropped();
        Hooks.resetOnErrorDropped();
    }
}
