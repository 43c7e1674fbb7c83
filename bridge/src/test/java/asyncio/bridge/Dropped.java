package asyncio.bridge;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** What Reactor's hooks hear of while it is open: values and errors that nobody else does. */
final class Dropped implements AutoCloseable {
    final List<Object> values = new CopyOnWriteArrayList<>();
    final List<Throwable> errors = new CopyOnWriteArrayList<>();
    final List<Object> discarded = new CopyOnWriteArrayList<>();

    Dropped() {
        Hooks.onNextDropped(values::add);
        Hooks.onErrorDropped(errors::add);
    }

    /** A context that remembers what is discarded. */
    Context context() {
        return Operators.enableOnDiscard(Context.empty(), discarded::add);
    }

    @Override
    public void close() {
        Hooks.resetOnNextDropped();
        Hooks.resetOnErrorDropped();
    }
}
