package asyncio;

import org.jspecify.annotations.Nullable;

/** A straight-line body with an argument, such as that of {@link TaskGroup#scopeBody}. It may {@link Asyncio#await}. */
@FunctionalInterface
public interface BodyFunction<A, T extends @Nullable Object> {
    /** Runs the body. */
    T apply(A argument) throws Exception;
}
