package asyncio.testkit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.TestTemplate;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A test like {@link AsyncioTest}, which it replaces, that is repeated under different schedules. A schedule determines
 * which ready task runs first, for how many ticks another is held back, and which of two close timers fires first. A
 * program's guarantees must not depend on that; a test that fails under one of the schedules has found a race.
 *
 * <pre>{@code
 * @Schedules(n = 200)
 * void noMoneyIsLost() throws Exception {
 *     await(all(transfer(a, b), transfer(b, a)));
 *     assertEquals(100, a.balance() + b.balance());
 * }
 * }</pre>
 *
 * <p>Callbacks, waiters in line, the items of a queue and timers with equal deadlines keep their order, and no timer is
 * early. A hundred seeds find most races between two tasks; {@code docs/testing.md} lists which ones, and with what
 * probability.
 *
 * <p>The same seed gives the same schedule, as long as the test has no other source of randomness: sockets, other
 * threads, random numbers, identity hash codes. Seed 0 is the plain order. The first failure ends the repetitions and
 * names its seed; {@code -Dasyncio.test.seed=SEED} runs only that schedule.
 *
 * <p>asyncio has no equivalent; compare trio's seeded scheduler and cats-effect's {@code TestControl}. The schedules
 * follow S. Burckhardt, P. Kothari, M. Musuvathi, S. Nagarakatte: A Randomized Scheduler with Probabilistic Guarantees
 * of Finding Bugs, ASPLOS 2010.
 */
@SuppressWarnings("exports") // the provider is for JUnit, which looks it up
@Documented
@Target({ElementType.METHOD, ElementType.ANNOTATION_TYPE})
@Retention(RetentionPolicy.RUNTIME)
@TestTemplate
@ExtendWith({AsyncioExtension.class, ScheduleProvider.class})
public @interface Schedules {
    /** The number of schedules. */
    int n() default 100;

    /** The seed of the first schedule; the others count up from it. Seed 0 is the plain order. */
    long seed() default 0;
}
