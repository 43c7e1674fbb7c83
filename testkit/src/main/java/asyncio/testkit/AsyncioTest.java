package asyncio.testkit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A test that is a body: it may {@code await}, on a loop of its own with virtual time.
 *
 * <pre>{@code
 * @AsyncioTest
 * void anHourPassesAtOnce(TestClock clock) throws Exception {
 *     await(sleep(Duration.ofHours(1)));
 *     assertEquals(Duration.ofHours(1), clock.now());
 * }
 * }</pre>
 *
 * <p>It fails on what it throws; with a {@link DeadlockError} if it waits for something that cannot come; with a
 * {@link LeakError} if it leaves something behind. If it fails and leaves something behind as well, the leaks are
 * suppressed in what it failed with. The parameters and settings are those of {@link AsyncioExtension}.
 *
 * <p>The method returns nothing: Jupiter takes no test that returns a value. A test that has a Mono awaits it.
 */
@Documented
@Target({ElementType.METHOD, ElementType.ANNOTATION_TYPE})
@Retention(RetentionPolicy.RUNTIME)
@Test
@ExtendWith(AsyncioExtension.class)
public @interface AsyncioTest {}
