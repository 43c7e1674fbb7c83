package asyncio.testkit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.TestTemplate;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A test as {@link AsyncioTest}, in whose place it stands, that is repeated under different schedules: at each tick the
 * tasks that are ready have their turns in another order. What a program promises must not depend on that order; a test
 * that fails under one of them has found a race.
 *
 * <pre>{@code
 * @Schedules(n = 200)
 * void noMoneyIsLost() throws Exception {
 *     await(all(transfer(a, b), transfer(b, a)));
 *     assertEquals(100, a.balance() + b.balance());
 * }
 * }</pre>
 *
 * <p>The same seed gives the same schedule, as long as the test has no other source of chance: sockets, other threads,
 * random numbers, the hash of an object. The first failure ends the repetitions; it names its seed, with which
 * {@code -Dasyncio.test.seed=SEED} runs that one schedule alone.
 *
 * <p>asyncio has none; compare trio's seeded scheduler and cats-effect's {@code TestControl}.
 */
@Documented
@Target({ElementType.METHOD, ElementType.ANNOTATION_TYPE})
@Retention(RetentionPolicy.RUNTIME)
@TestTemplate
@ExtendWith({AsyncioExtension.class, ScheduleProvider.class})
public @interface Schedules {
    /** How many. */
    int n() default 100;

    /** The seed of the first; the next ones follow. */
    long seed() default 0;
}
