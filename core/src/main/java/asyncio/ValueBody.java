package asyncio;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * Straight-line code with a result that may {@link Asyncio#await await}: the type that a lambda with a value takes in
 * Java, Kotlin and Scala. Where a method also accepts a {@link Body}, compilers prefer this one, since it is a special
 * case of that; so the value is not lost. In Kotlin that holds for lambdas behind the parentheses, {@code async { 42
 * }}; inside of them, {@code async({ 42 })}, Kotlin takes the form without a value.
 *
 * @param <T> the type of the result
 * @since 0.1
 */
@FunctionalInterface
public interface ValueBody<T extends @Nullable Object> extends Callable<T>, Body {
    /** Runs; an exception becomes the outcome of the task that runs it, unwrapped. */
    @Override
    T call() throws Exception;

    /** Runs, without the result. */
    @Override
    default void run() throws Exception {
        call();
    }
}
