package asyncio;

import org.jspecify.annotations.Nullable;

/**
 * A straight-line body that is given something: the argument of {@link TaskGroup#scopeBody}, say. It may
 * {@link Asyncio#await}.
 */
@FunctionalInterface
public interface BodyFunction<A, T extends @Nullable Object> {
    /** Runs the body. */
    T apply(A argument) throws Exception;
}
