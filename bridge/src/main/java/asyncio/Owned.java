package asyncio;

import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * A value that belongs to whoever has it, and must go back where it came from: a permit. A task whose result nobody
 * will get gives it back. For authors of sources.
 */
public interface Owned {
    /** Nobody will get it any more; from any thread. Does nothing the second time. */
    void discard();

    /** Discards a result that was private to those who do not want it any more; others go to Reactor's hook. */
    static void discard(@Nullable Object value, Context context) {
        if (value instanceof Owned owned) {
            owned.discard();
        } else {
            Operators.onDiscard(value, context);
        }
    }
}
