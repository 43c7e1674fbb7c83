package asyncio.testkit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A test that runs as a body: it may {@code await}, on its own loop with virtual time.
 *
 * <pre>{@code
 * @AsyncioTest
 * void anHourPassesAtOnce(TestClock clock) throws Exception {
 *     await(sleep(Duration.ofHours(1)));
 *     assertEquals(Duration.ofHours(1), clock.now());
 * }
 * }</pre>
 *
 * <p>It fails with any exception it throws, with a {@link DeadlockError} if it waits for something that can never
 * happen, and with a {@link LeakError} if it leaks resources. If it fails and also leaks, the leaks are added as a
 * suppressed exception. The parameters and settings are those of {@link AsyncioExtension}.
 *
 * <p>The method must be void: Jupiter does not accept tests that return a value. A test awaits its Mono instead of
 * returning it.
 */
@Documented
@Target({ElementType.METHOD, ElementType.ANNOTATION_TYPE})
@Retention(RetentionPolicy.RUNTIME)
@Test
@ExtendWith(AsyncioExtension.class)
public @interface AsyncioTest {}
