package asyncio.testkit;

import asyncio.Leftover;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Allows certain leftovers in tests with {@link AsyncioExtension}. On a method, or on a class and its nested classes.
 *
 * <pre>{@code
 * @AsyncioTest
 * @IgnoreLeaks(Leftover.Kind.THREAD)   // the driver keeps its pool
 * void queries() throws Exception { await(database.find(id)); }
 * }</pre>
 */
@Documented
@Inherited
@Target({ElementType.METHOD, ElementType.TYPE})
@Retention(RetentionPolicy.RUNTIME)
public @interface IgnoreLeaks {
    /** The kinds of leftovers to ignore. */
    Leftover.Kind[] value();
}
