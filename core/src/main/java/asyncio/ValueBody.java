package asyncio;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * Straight-line code with a result that may {@link Asyncio#await await}: the type of a lambda with a value in Java,
 * Kotlin and Scala. Where a method also accepts a {@link Body}, compilers prefer this type, since it is more specific;
 * so the value is not lost. In Kotlin that holds for trailing lambdas, {@code async { 42 }}; for a lambda inside the
 * parentheses, {@code async({ 42 })}, Kotlin chooses the form without a value; {@code asyncMono} of
 * {@code asyncio-kotlin} keeps it in both.
 *
 * @param <T> the type of the result
 * @since 0.1
 */
@FunctionalInterface
public interface ValueBody<T extends @Nullable Object> extends Callable<T>, Body {
    /** Runs the body; an exception becomes the outcome of the task that runs it, unwrapped. */
    @Override
    T call() throws Exception;

    /** Runs the body and drops the result. */
    @Override
    default void run() throws Exception {
        call();
    }
}
