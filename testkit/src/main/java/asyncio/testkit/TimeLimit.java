package asyncio.testkit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Limits the time of tests with {@link AsyncioExtension}, each including its set-up and tear-down. On a method, or on a
 * class and its nested classes. The values are texts such as {@code 90s} or {@code 1h30m}, in the format of
 * {@link java.time.Duration#parse} with or without the leading {@code PT}.
 *
 * <p>A test that takes longer fails with a {@link TimeLimitError}. JUnit's {@code @Timeout} also counts real time, and
 * interrupts the test, which reports the tasks too.
 *
 * <pre>{@code
 * @TimeLimit(real = "90s")
 * class ReplicationTest {
 *     @org.junit.jupiter.api.Test
 *     @TimeLimit(virtual = "36h")
 *     void aNight() {}
 * }
 * }</pre>
 */
@Documented
@Inherited
@Target({ElementType.METHOD, ElementType.TYPE})
@Retention(RetentionPolicy.RUNTIME)
public @interface TimeLimit {
    /** The limit in virtual time. */
    String virtual() default "24h";

    /** The limit in real time. */
    String real() default "60s";
}
