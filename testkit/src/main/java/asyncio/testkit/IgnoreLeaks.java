package asyncio.testkit;

import asyncio.Leftover;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The leftovers that tests with {@link AsyncioExtension} are allowed; on a method or a class, and then for the classes
 * in it.
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
    /** Of these kinds. */
    Leftover.Kind[] value();
}
