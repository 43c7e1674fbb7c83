package asyncio.testkit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Limits the time of tests with {@link AsyncioExtension}, each with its set-up and tear-down; on a method or a class,
 * and then for the classes in it. Texts such as {@code 90s} or {@code 1h30m}, as {@link java.time.Duration#parse}
 * understands them after {@code PT}, or with it.
 *
 * <p>A test that takes longer fails with a {@link TimeLimitError}. JUnit's own {@code @Timeout} counts real time too,
 * and interrupts; that shows the tasks as well.
 */
@Documented
@Inherited
@Target({ElementType.METHOD, ElementType.TYPE})
@Retention(RetentionPolicy.RUNTIME)
public @interface TimeLimit {
    /** In virtual time. */
    String virtual() default "24h";

    /** In real time. */
    String real() default "60s";
}
