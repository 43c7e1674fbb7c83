package asyncio;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import reactor.core.Exceptions;
import reactor.core.Fuseable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Monos that only call a function or know their value: Reactor marks them as {@link Callable} and takes their value
 * without a subscription; so do tasks.
 */
final class KnownMonos {
    private KnownMonos() {}

    static boolean is(Mono<?> mono) {
        return mono instanceof Callable<?>;
    }

    /** Returns the value that a subscription would receive, null if it is empty, or throws the error. */
    static @Nullable Object call(Mono<?> mono, Context context) throws Exception {
        Callable<?> function = (Callable<?>) mono;
        try {
            return function.call();
        } catch (Throwable e) {
            throw Misuse.<Exception>sneaky(
                    function instanceof Fuseable.ScalarCallable ? asItWas(e) : Operators.onOperatorError(e, context));
        }
    }

    /** Unwraps an error: Reactor wraps only those that are not Exceptions, since {@code call} cannot throw them. */
    private static Throwable asItWas(Throwable e) {
        Throwable inner = Exceptions.unwrap(e);
        return inner instanceof Exception ? e : inner;
    }
}
